"""``smgw-admin fleet``: a thousand gateways, and what a run says and ends with."""

import csv
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from admin.audit import Action
from admin.exit import Exit
from admin.orders import OrderState
from tests.admin.bureau import GATEWAY, NOW, OTHER
from tests.admin.commands.desk import Desk
from tests.admin.samples import METER, NETZ
from wire.orders import Reply, ReplyOutcome

pytestmark = pytest.mark.token
THOUSAND = 1000


def fleet_file(desk: Desk, *rows: str, head: str = "gateway,host,port") -> str:
    file = desk.bureau.folder / "fleet.csv"
    file.write_text("\n".join([head, *rows, ""]))
    return str(file)


def test_a_thousand_gateways_are_entered_and_listed(desk: Desk) -> None:
    file = fleet_file(desk, *(f"EABC{number:010},10.0.{number // 250}.1,4059" for number in range(THOUSAND)))
    assert desk.one("fleet", "add", file) == {"entered": THOUSAND, "there_before": 0}
    assert desk.one("fleet", "add", file) == {"entered": 0, "there_before": THOUSAND}
    listed = desk.lines("gateways", "list")
    assert len(listed) == THOUSAND + 1
    assert [row["gateway"] for row in listed] == sorted(row["gateway"] for row in listed)
    pages: list[str] = []
    while page := desk.lines("gateways", "list", "--limit", "300", "--after", pages[-1] if pages else ""):
        pages += [row["gateway"] for row in page]
    assert pages == [row["gateway"] for row in listed]
    assert len(desk.lines("gateways", "list", "--match", "EABC00000001*")) == 100
    assert [row["gateway"] for row in desk.lines("gateways", "list", "--state", "operating")] == [GATEWAY.text]
    assert desk.one("status")["gateways"] == {"delivered": THOUSAND, "operating": 1}
    added = [row for row in desk.lines("audit", "list", "--limit", "2000") if row["action"] == Action.GATEWAY_ADDED]
    assert len(added) == THOUSAND + 1


def test_a_bad_line_is_told_and_nothing_is_entered(desk: Desk) -> None:
    file = fleet_file(desk, f"{OTHER.text},192.0.2.1,4059", "EABC,192.0.2.1,4059", "EABC0000000003,192.0.2.1,x")
    told = desk("fleet", "add", file, code=Exit.REFUSED).stderr
    assert "line 3: 'EABC' is no gateway" in told
    file = fleet_file(desk, f"{OTHER.text},192.0.2.1,4059", "EABC0000000003,192.0.2.1,x")
    assert "line 3: EABC0000000003: 'x' is no port" in desk("fleet", "add", file, code=Exit.REFUSED).stderr
    assert len(desk.lines("gateways", "list")) == 1


def test_silence_is_told_for_each_and_in_the_exit_code(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "netz.toml").write_text(NETZ.replace('id = "netz"', 'id = "netz-{where}"'))
    desk("profiles", "draft", "meter", "-", text=METER)
    file = fleet_file(desk, f"{GATEWAY.text},127.0.0.1,9,cellar", head="gateway,host,port,where")
    result = tmp_path / "result.csv"
    arguments = ("fleet", "configure", "--profiles", str(tmp_path / "netz.toml"), "--profiles", "meter")
    told = desk.one(*arguments, "--gateways", file, "--result", str(result), code=Exit.SILENCE)
    assert (told["gateways"], told["silence"], told["confirmed"]) == (1, 1, 0)
    (row,) = csv.DictReader(result.read_text().splitlines())
    assert (row["gateway"], row["outcome"], row["order"]) == (GATEWAY.text, "silence", "1")
    assert "start smgw-admin serve" in row["reason"]
    # The order stands; a later run wakes for it and queues no other.
    shown = desk(*arguments, "--gateways", file, code=Exit.SILENCE)
    assert "0 of 1 gateways hold their profiles" in shown.stdout
    unkept = desk(*arguments, "--gateways", file, "--result", str(tmp_path / ("x" * 300)), code=Exit.SILENCE)
    assert "cannot be written" in unkept.stderr
    assert "0 of 1 gateways hold their profiles" in unkept.stdout
    assert [order["kind"] for order in desk.lines("orders", "list")] == ["change-profiles", "break-up"]
    with desk.bureau.open() as office:
        number = office.orders.open(GATEWAY)[0].number
        office.orders.sign_next(number, office.sign_order, NOW)
        office.orders.delivered(number, NOW)
        office.orders.confirmed(number, Reply(1, ReplyOutcome.DONE), NOW)
        assert {profile.id for profile in office.orders.holding(GATEWAY).profiles.values()} == {"netz-cellar", "meter"}
        assert office.orders.get(number).state is OrderState.CONFIRMED
    told = desk.one(*arguments, "--gateways", file)
    assert (told["held"], told["silence"]) == (1, 0)
    assert told["results"][0]["outcome"] == "held"
    assert "1 of 1 gateways hold their profiles (1 did before)" in desk(*arguments, "--gateways", file).stdout


def test_what_cannot_be_ordered_is_told_before_anything_is(desk: Desk, tmp_path: Path) -> None:
    desk("profiles", "draft", "meter", "-", text=METER)
    (tmp_path / "netz.toml").write_text(NETZ.replace('id = "netz"', 'id = "{where}"'))
    configure = ("fleet", "configure", "--profiles")
    assert "there is no draft" in desk(*configure, "nothing", code=Exit.REFUSED).stderr
    assert "cannot be read" in desk(*configure, str(tmp_path / "no.toml"), code=Exit.REFUSED).stderr
    nowhere = ("meter", "--result", str(tmp_path / "no" / "result.csv"))
    assert "cannot be written" in desk(*configure, *nowhere, code=Exit.CONFIGURATION).stderr
    told = desk(*configure, str(tmp_path / "netz.toml"), code=Exit.REFUSED).stderr
    assert f"line 1: {GATEWAY}: " in told
    assert "placeholder {where}" in told
    file = fleet_file(desk, f"{OTHER.text},192.0.2.1,4059")
    told = desk(*configure, "meter", "--gateways", file, code=Exit.REFUSED).stderr
    assert f"line 2: {OTHER} is not in the inventory" in told
    assert "is retired" in desk(*configure, "meter", "--state", "retired", code=Exit.REFUSED).stderr
    assert "no gateway of EDEF*" in desk(*configure, "meter", "--gateways", "EDEF*", code=Exit.REFUSED).stderr
    assert desk.lines("orders", "list") == []


def test_on_a_terminal_a_bar_tells_how_far_it_is(desk: Desk) -> None:
    desk("profiles", "draft", "meter", "-", text=METER)
    ours, theirs = pty.openpty()
    words = ["fleet", "configure", "--profiles", "meter", "--config", str(desk.bureau.file)]
    # By the machine's clock the certificates of this test ended long ago, so nobody is woken.
    command = [sys.executable, "-m", "admin", *words]
    terminal = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, env=terminal, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:
            pass  # the other end is closed
        finally:
            os.close(ours)
        told = process.communicate()[0].decode()
    assert process.returncode == Exit.REFUSED
    assert b"1 of 1, 1 not-woken" in shown
    assert "0 of 1 gateways hold their profiles" in told
