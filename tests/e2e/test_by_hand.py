"""docs/administration.md, typed by one person at every party's desk, with the machines as real processes.

From bare tokens through the quality seal to operating, and on to the gateway that is cut off when its certificates are
revoked. What the page names and nobody types here is named in :data:`TYPED_ELSEWHERE`, so that the page cannot drift
away from the commands. That values arrive is the demonstration's test (``test_demonstration.py``).
"""

import contextlib
import json
import re
import shlex
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from admin.__main__ import main as smgw_admin
from admin.config import Configuration
from admin.exit import Exit
from pki.__main__ import main as smgw_pki
from smgw.__main__ import main as smgw
from smgw.status import StatusError, read_status
from testbed.__main__ import main as smgw_testbed
from testbed.demo import templates
from testbed.demo.drafts import drafts
from testbed.demo.processes import Children
from testbed.demo.scene import free_datagram_port, free_ports, program
from tests.softhsm import MODULE
from tests.typed import typed

PAGE = Path(__file__).parents[2] / "docs" / "administration.md"
TREES: dict[str, click.Command] = {
    "smgw": smgw,
    "smgw-admin": smgw_admin,
    "smgw-pki": smgw_pki,
    "smgw-testbed": smgw_testbed,
}
TYPED_ELSEWHERE = {
    "smgw run": "smgw-boot runs it",
    "smgw-admin enrol certify": "the whole walk is typed here; its steps in tests/admin/commands/test_enrol.py",
    "smgw-admin enrol confirm": "as above",
    "smgw-admin enrol install": "as above",
    "smgw-admin enrol request": "as above",
    "smgw-admin firmware": "tests/smgw/firmware/test_update.py",
    "smgw-admin firmware activate": "as above",
    "smgw-admin firmware add": "as above",
    "smgw-admin firmware store": "as above",
    "smgw-admin firmware update": "as above",
    "smgw-admin accounts list": "tests/smgw/administration/test_accounts.py",
    "smgw-admin accounts new": "as above",
    "smgw-admin accounts reset": "as above",
    "smgw-admin accounts withdraw": "as above",
    "smgw-admin users add": "tests/admin/commands/test_users.py",
    "smgw-admin fleet add": "tests/testbed/fleet/test_command.py",
    "smgw-admin fleet configure": "as above",
    "smgw-admin web": "tests/admin/web",
    "smgw-testbed fleet": "tests/testbed/fleet/test_command.py",
    "smgw-testbed firmware build": "tests/smgw/firmware/test_update.py",
}
GATEWAY = "EABC0012345678"
METER = "1ISK0000471100"
PLAN: dict[str, Any] = {
    "lines": [{"name": "rs485", "speed": 9600, "top_speed": "none", "echo": True}],
    "meters": [{"meter": METER, "consumer": "house", "line": "rs485", "address": "1", "interval": "5 s"}],
    "evaluations": [
        {
            "id": "netz-series",
            "party": "netz",
            "purpose": "grid-operation",
            "use_case": "TAF-7",
            "meters": [METER],
            "period": "5 s",
            "dispatch": "5 s",
        }
    ],
}
LONGEST = 240.0
"""Seconds for anything that a machine does by itself: far more than it takes."""


@dataclass(frozen=True)
class Netz:
    """The grid operator, as its profiles need it. Nothing listens at its port: nothing is delivered here."""

    folder: Path
    port: int
    id: str = "netz"
    name: str = "Netz"
    purposes: tuple[str, ...] = ("grid-operation",)

    def certificate(self, purpose: str) -> str:
        return (self.folder / f"{purpose}.pem").read_text()


@dataclass
class Hand:
    """Types commands, each in the folder of the party whose it is, and keeps what was typed."""

    root: Path
    typed: list[str] = field(default_factory=list)

    def __call__(self, line: str, *, at: str = "administrator", code: int = 0, says: str = "") -> str:
        """What the command said, once it ended with ``code`` and said ``says``."""
        self.typed.append(line)
        name, *words = shlex.split(line)
        done = typed(name, *words, cwd=self.root / at, timeout=2 * LONGEST)
        said = done.stdout + done.stderr
        assert (done.returncode, says in said) == (code, True), f"{line}: {done.returncode}: {said}"
        return done.stdout

    def asked(self, line: str) -> Any:
        """What the command said to a program."""
        return json.loads(self(f"{line} --json"))

    @contextmanager
    def running(self, line: str, *, at: str, ready: Callable[[], bool]) -> Iterator[None]:
        """A machine, running until the block ends; its last words are in ``logs``."""
        self.typed.append(line)
        name, *words = shlex.split(line)
        # The launcher finds everything by its configuration's path, as a service manager would start it.
        words = [str(self.root / at / word) if word.endswith(".toml") else word for word in words]
        with Children(self.root / "logs") as children:
            children.start(f"{name}-{at}", [program(name), *words], ready=ready, seconds=LONGEST)
            yield


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that a machine does by itself; fails when it does not."""
    give_up = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.1)


def write_machines(root: Path) -> None:
    """The configurations: all that is not typed."""
    for name in ("administrator", "gateway"):
        (root / name).mkdir(mode=0o700)
    management, service = free_ports(2)
    text = templates.ADMINISTRATOR.format(name="Messstelle", module=MODULE, management=management, service=service)
    (root / "administrator" / "admin.toml").write_text(text.replace("resend_seconds = 2", "resend_seconds = 1"))
    line = PLAN["lines"][0]
    text = templates.GATEWAY.format(id=GATEWAY, module=MODULE, wake_up=free_datagram_port())
    text += templates.LINE.format(**line | {"port": root / "rs485", "echo": "true"})
    (root / "gateway" / "gateway.toml").write_text(text)
    text = f"speed = {line['speed']}\necho = true\n" + templates.METER.format(
        serial=METER[-8:], address="1", top_speed='"none"', energy=12_000_000, seed=1, load="flat"
    )
    (root / "line.toml").write_text(text)


def bring_trust(root: Path, party: str) -> None:
    """Anchors and revocation lists, as whoever fetches them from the SM-PKI puts them in place: by renaming."""
    folder = root / party / "trust"
    folder.mkdir(exist_ok=True)
    for source in (root / "pki" / "trust").iterdir():
        fresh = folder / f".{source.name}.new"
        shutil.copy(source, fresh)
        fresh.replace(folder / source.name)


@pytest.mark.long
@pytest.mark.token
@pytest.mark.peer
def test_the_page_typed_by_hand(tmp_path: Path) -> None:
    if not MODULE.exists():
        pytest.skip("SoftHSM2 is not installed (apt install softhsm2)")
    hand, root = Hand(tmp_path), tmp_path
    write_machines(root)
    port = re.search(r"\[wake_up\].*?port = (\d+)", (root / "gateway" / "gateway.toml").read_text(), re.DOTALL)
    assert port is not None
    from_bare_tokens_to_delivered(hand, root, int(port[1]))
    link, store = root / "rs485", root / "gateway" / "store"

    def answers() -> bool:
        try:
            read_status(store)
        except StatusError:
            return False
        return True

    meter = f"smgw-testbed meter --line line.toml --link {link} --quiet"
    with (
        hand.running(meter, at=".", ready=link.exists),
        hand.running("smgw-admin serve --config admin.toml", at="administrator", ready=lambda: listens(root)),
        hand.running("smgw-boot gateway.toml", at="gateway", ready=answers),
    ):
        first = enrolled(hand)
        profiles_by_order(hand, root)
        maintained(hand)
        keys = keys_renewed_and_restarted(hand, store)
        assert not {*first} & {*keys}
        revoked(hand, root, keys)
    looked_back(hand, root)
    assert {command_of(line) for line in hand.typed} | TYPED_ELSEWHERE.keys() >= commands_of_the_page()


def listens(root: Path) -> bool:
    port = Configuration.load(root / "administrator" / "admin.toml").management.port
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def tunnels(root: Path) -> list[tuple[str | None, str | None]]:
    """When each tunnel was closed, and why, by the administrator's database."""
    with contextlib.closing(sqlite3.connect(root / "administrator" / "admin.db")) as database:
        return list(database.execute("SELECT closed_at, why FROM tunnels ORDER BY opened_at"))


def from_bare_tokens_to_delivered(hand: Hand, root: Path, port: int) -> None:
    hand("smgw-pki init pki --pin-file pki.pin", at=".", says="distribute")
    bring_trust(root, "administrator")
    hand("smgw-admin init", says="--role GWA")
    hand("smgw-pki issue pki administrator/certificates --role GWA --name Messstelle --host localhost "
         "--pin-file pki.pin", at=".")  # fmt: skip
    hand("smgw-admin introduction administrator.cms --host 127.0.0.1", says="administrator.cms")
    bring_trust(root, "gateway")
    shutil.copy(root / "administrator" / "administrator.cms", root / "gateway" / "administrator.cms")
    shutil.copy(root / "administrator" / "certificates" / "SIG.pem", root / "gateway" / "administrator.pem")
    hand("smgw init gateway.toml --create-token", at="gateway", says="certificates")
    seal = f"smgw-pki issue pki gateway/certificates --role SMGW --name {GATEWAY} --seal --pin-file pki.pin"
    hand(seal, at=".")
    hand(f"smgw-admin gateways add {GATEWAY} --host 127.0.0.1 --port {port} --certificates ../gateway/certificates",
         says="is entered as delivered")  # fmt: skip
    hand("smgw-pki issue pki netz --role EMT --name Netz --host localhost --generate --pin-file pki.pin", at=".")
    # Nobody serves yet: the command says what stands in the way instead of waiting for a miracle.
    hand(f"smgw-admin wake {GATEWAY} --timeout 1", code=Exit.SILENCE, says="smgw-admin serve")


def fingerprints(hand: Hand, *expected: object) -> list[str]:
    """Of the gateway's three certificates, as the administrator knows them."""
    row = hand.asked(f"smgw-admin gateways show {GATEWAY}")
    assert (row["state"], row["certificates"], row["profiles"]) == ("operating", "operational", [*expected])
    return [row[f"{purpose}_certificate"] for purpose in ("tls", "sig", "enc")]


def enrolled(hand: Hand) -> list[str]:
    row = hand.asked("smgw-admin gateways list")
    assert (row["state"], row["certificates"]) == ("delivered", "seal")
    hand(f"smgw-admin enrol {GATEWAY}", says=f"{GATEWAY} is operating")
    return fingerprints(hand)


def profiles_by_order(hand: Hand, root: Path) -> None:
    (port,) = free_ports(1)
    parties = [Netz(root / "netz", port)]
    for name, text in drafts(PLAN, parties, datetime.now(UTC).replace(microsecond=0)):
        (root / "administrator" / f"{name}.toml").write_text(text)
    # What needs a party that the gateway does not hold is refused before anything is queued.
    hand("smgw-admin profiles draft netz-series netz-series.toml", says="evaluation profile netz-series")
    hand(f"smgw-admin profiles check netz-series {GATEWAY}", code=Exit.REFUSED, says="netz-series")
    for name in ("meter-00471100", "netz"):
        hand(f"smgw-admin profiles draft {name} {name}.toml")
    drafted = "meter-00471100 netz netz-series"
    hand(f"smgw-admin profiles check {drafted} {GATEWAY}", says="evaluation netz-series version 1")
    hand(f"smgw-admin profiles issue {drafted} {GATEWAY}", says="did change-profiles")
    until(lambda: METER in read_status(root / "gateway" / "store")["meters"])
    told = hand.asked(f"smgw-admin status {GATEWAY} --refresh")["status"]
    assert told["clock"]["state"] == "valid"
    assert "netz-series" in json.dumps(told)
    hand(f"smgw-admin profiles withdraw evaluation netz-series {GATEWAY}", says="did change-profiles")
    events = [json.loads(entry) for entry in hand(f"smgw-admin logs {GATEWAY} --refresh --json").splitlines()]
    names = [entry["event"] for entry in events]
    assert {"WAKE_UP_ACCEPTED", "KEYS_GENERATED", "KEYS_DESTROYED", "PROFILE_INSTALLED"} <= set(names)
    assert "PROFILE_WITHDRAWN" in names[names.index("PROFILE_INSTALLED") :]
    hand(f"smgw-admin logs {GATEWAY} --log calibration --refresh", says="PROFILE_INSTALLED")


def maintained(hand: Hand) -> None:
    hand(f"smgw-admin self-test {GATEWAY}", says="did run-self-test")
    hand(f"smgw-admin clock {GATEWAY} --accept-any-deviation", says="did synchronise-clock")
    # No profile here waits for an event, and a series is not given on request.
    hand(f"smgw-admin event {GATEWAY} surplus on", code=Exit.GATEWAY_REFUSED)
    hand(f"smgw-admin request {GATEWAY} netz-series", code=Exit.GATEWAY_REFUSED)
    hand("smgw-pki crl pki --pin-file pki.pin", at=".", says="new lists")
    bring_trust(hand.root, "administrator")
    hand(f"smgw-admin crl {GATEWAY}", says="did install-revocation-lists")
    hand(f"smgw-admin break-up {GATEWAY}", says="did break-up")
    hand(f"smgw-admin break-up {GATEWAY}", code=Exit.REFUSED, says="no tunnel open")
    hand(f"smgw-admin retention {GATEWAY} --readings-days 800 --system-log-days 400 --no-wait", says="is queued")
    hand(f"smgw-admin orders run {GATEWAY}", says="did set-retention")


def keys_renewed_and_restarted(hand: Hand, store: Path) -> list[str]:
    hand("smgw-admin renew --due-within 0 --list", says="no certificates end so soon")
    hand(f"smgw-admin renew {GATEWAY}", says=f"{GATEWAY} is operating")
    keys = fingerprints(hand, "communication netz v1", "meter meter-00471100 v1")
    started = read_status(store)["started_at"]

    def again() -> bool:
        try:
            return bool(read_status(store)["started_at"] != started)
        except StatusError:
            return False

    hand(f"smgw-admin restart {GATEWAY}", says="did restart")
    until(again)
    hand("smgw status gateway.toml", at="gateway", says=GATEWAY)
    hand(f"smgw-admin wake {GATEWAY}", says="came after")
    return keys


def revoked(hand: Hand, root: Path, keys: Sequence[str]) -> None:
    """The list reaches the administrator; whatever the gateway believes of itself, it is out."""
    revoke = f"smgw-pki revoke pki {' '.join(keys)} --reason key-compromise --pin-file pki.pin"
    hand(revoke, at=".", says="revoked")
    assert tunnels(root)[-1][0] is None
    bring_trust(root, "administrator")
    until(lambda: tunnels(root)[-1][0] is not None)
    assert str(tunnels(root)[-1][1]).startswith("certificate: revoked")
    hand(f"smgw-admin wake {GATEWAY} --timeout 3", code=Exit.SILENCE, says="is not believed")
    hand(f"smgw-admin gateways state {GATEWAY} locked", says="locked")
    hand(f"smgw-admin wake {GATEWAY}", code=Exit.REFUSED, says="locked")
    hand(f"smgw-admin notifications {GATEWAY}")


def looked_back(hand: Hand, root: Path) -> None:
    orders = [json.loads(line) for line in hand("smgw-admin orders list --json").splitlines()]
    refused = {order["order"] for order in orders if order["state"] == "failed"}
    assert {order["state"] for order in orders} == {"confirmed", "failed"}
    assert len(refused) == 2, "the event and the request that no profile waits for"
    told = hand("smgw-admin audit list --limit 1000")
    assert "wake-up" in told
    (root / "head.json").write_text(hand("smgw-admin audit head"))
    hand("smgw-admin audit verify --head ../head.json", says="its end is as the known head has it")
    # The gateway's own logs: sealed under keys that were renewed and whose certificates were revoked in the end.
    hand("smgw logs show gateway.toml --lang de", at="gateway", says="Selbsttest")
    hand("smgw logs verify gateway.toml", at="gateway")
    hand("smgw logs export gateway.toml system.json", at="gateway")
    (anchor,) = (root / "pki" / "trust").glob("*root*.pem")
    shutil.copy(anchor, root / "gateway" / "root.pem")
    hand("smgw logs verify --export system.json --root root.pem", at="gateway")


def commands_of_the_page() -> set[str]:
    """Every command that the page names, in a line of its own or in its prose."""
    text = PAGE.read_text()
    spans = re.findall(r"`(smgw[^`\n]*)`", text) + re.findall(r"^(smgw-\w+ .*)$", text, re.MULTILINE)
    return {found for span in spans if (found := command_of(span)) == "smgw-boot" or " " in found}


def command_of(line: str) -> str:
    """The command's own words in ``line``; fails where there is no such command or no such option."""
    name, *words = shlex.split(line)
    path, command = [name], TREES.get(name)
    while isinstance(command, click.Group) and words:
        # A group may load its commands when they are asked for, so it is asked.
        following = command.get_command(click.Context(command), words[0])
        if following is None:
            break
        path.append(words.pop(0))
        command = following
    if command is not None and len(path) > 1:
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
    return " ".join(path)
