"""The demonstration as a person starts it: real processes, real lines, real tunnels; and a second start goes on.

The gateway begins with nothing but its administrator's profile; the order of events is read from the two databases.
"""

import json
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from admin.config import Configuration
from testbed.demo.people import address_of
from testbed.demo.scene import Scene

PLAN = Path(__file__).with_name("small.toml")
DAY = 86400
LONGEST = 600
"""Seconds: far more than it takes, for a machine that does much else."""


def up(state: Path, seconds: int, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "smgw-testbed"), "up", "--state", str(state), *options]
    return subprocess.run(
        [*command, "--duration", str(seconds)], capture_output=True, text=True, check=False, timeout=LONGEST + 120
    )


def events(state: Path) -> list[tuple[str, int]]:
    """What the administrator's database and the datacenter's say happened, and when, in the order of a first start."""
    desk = sqlite3.connect(state / "administrator" / "admin.db")
    party = sqlite3.connect(state / "parties" / "netz" / "datacenter.db")
    try:
        (brought,) = desk.execute("SELECT min(finished_at) FROM orders WHERE kind = 'change-profiles'").fetchone()
        row = (
            "SELECT min(opened_at), min(closed_at) FROM tunnels WHERE opened_at <= ? AND closed_at >= ? AND why LIKE ?"
        )
        opened, closed = desk.execute(row, (brought, brought, "break-up:%")).fetchone()
        (woken,) = desk.execute("SELECT min(woken_at) FROM orders WHERE kind = 'change-profiles'").fetchone()
        (first,) = party.execute("SELECT min(received_at) FROM delivery").fetchone()
    finally:
        desk.close()
        party.close()
    return [
        ("woken", woken),
        ("tunnel up", opened),
        ("profiles brought", brought),
        ("tunnel ended", closed),
        ("delivered", first),
    ]


def told_of_duties(output: str, state: Path) -> None:
    """What a gateway does beside delivering: each stands there, and what was exported can be looked at."""
    for told in (
        "secure state normal; self-tests on the administrator's order, all passed: 1",
        "retention: 730 days by order",
        "covers too:\n          netz-control",
        "logs are as they were written, records calibration 1-",
        "system.json, calibration.json, house.json (smgw logs verify --export)",
        "firewall of wwan0: out to 4 places of the profiles",
        "page for consumers: house logged in over TLSv1.3, https://127.0.0.1:",
        "her page shows what the gateway stored in the last minute:",
        "her proof of the last 2 days is verified with the root certificate alone",
        "\n          de ",
        "\n          en ",
    ):
        assert told in output, told
    exported = {path.name for path in (state / "exported").iterdir()}
    assert exported == {"system.json", "calibration.json", "house.json", "proof.json"}


def told_of_the_page(output: str, state: Path) -> None:
    """Where it is and how to come in, for whoever runs it; and a past to look at, which is proven as all the rest."""
    letter = state / "administrator" / "letters" / "house.txt"
    assert letter.stat().st_mode & 0o777 == 0o600
    (password,) = re.findall(r"user name house +password (\S+)", output)
    assert password in letter.read_text()
    assert "the customer's page answers: https://127.0.0.1:" in output
    assert len(re.findall(r"^  (?:[0-9A-F]{2}:){15}[0-9A-F]{2}$", output, re.MULTILINE)) == 2, "its fingerprint"
    (series,) = json.loads((state / "exported" / "proof.json").read_text())["measured"]
    assert series["rows"][-1][0] - series["rows"][0][0] > DAY, "yesterday too"


def delivered(output: str) -> int:
    """Rows of the series that the last look saw."""
    (line,) = [line for line in output.splitlines() if "delivery netz-series" in line][-1:]
    return int(line.split(" rows")[0].rsplit(" ", 1)[1])


def reserved(state: Path) -> ExitStack:
    """Between two starts nobody else is given the scene's ports: bound, and listening nowhere."""
    held = ExitStack()
    scene = Scene(state)
    administrator = Configuration.load(scene.administrator_configuration)
    page = urlsplit(address_of(scene)).port or 0
    for port in (administrator.management.port, administrator.service.port, page, *(one.port for one in scene.parties)):
        one = held.enter_context(socket.socket())
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", port))
    return held


@pytest.mark.long
@pytest.mark.token
@pytest.mark.peer
def test_all_nine_steps_are_seen_and_a_second_start_goes_on(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = up(state, LONGEST, "--until-seen", "--plan", str(PLAN))
    assert first.returncode == 0, first.stdout + first.stderr
    assert "MISSING" not in first.stdout
    assert "delivered, quality seal, 0 evaluation profiles, 0 wake-ups, 0 tunnels, 0 orders" in first.stdout
    typed = [line.split()[2] for line in first.stdout.splitlines() if line.startswith("$ smgw-admin")]
    brought = ["enrol", "break-up", "profiles", "accounts", "orders"]
    assert typed == [*brought, "retention", "self-test", "event", "orders"]
    assert "signed orders confirmed (10)" in first.stdout
    *happened, (_, delivered_at) = events(state)
    assert happened == sorted(happened, key=lambda event: event[1]), "each after the one before"
    assert delivered_at >= dict(happened)["tunnel up"], "a gateway without profiles delivers nothing"
    assert len(re.findall(r"^  ok      netz-\w+ to netz, TAF-\d+ .* 9:\d+$", first.stdout, re.MULTILINE)) == 3
    assert "ok      datenhandel: no evaluation profile, refused no-profile" in first.stdout
    told_of_duties(first.stdout, state)
    told_of_the_page(first.stdout, state)

    # Another start finds the scene; the gateway is woken, asked how it is, and delivers on.
    with reserved(state):
        later = up(state, LONGEST, "--until-seen")
    assert later.returncode == 0, later.stdout + later.stderr
    assert "the scene stands already" in later.stdout
    assert "its profiles from an earlier order" in later.stdout
    assert delivered(later.stdout) > delivered(first.stdout) > 0

    marker = b"PRIVATE " + b"KEY"
    files = [path for path in (state / "gateway").rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not any(marker in path.read_bytes() for path in files), "the gateway's private keys are in its token alone"


def test_another_plan_for_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("gateway = 'EABC0012345678'\n")
    refused = up(tmp_path, 1, "--plan", str(PLAN))
    assert refused.returncode == 1
    assert "another plan" in refused.stderr
