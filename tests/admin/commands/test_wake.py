"""``smgw-admin wake`` and ``break-up``."""

import pytest

from admin.exit import Exit
from tests.admin.bureau import BY, GATEWAY, NOW, OTHER
from tests.admin.commands.desk import Desk
from tests.admin.commands.open_line import open_line

pytestmark = pytest.mark.token


def test_a_gateway_that_comes(desk: Desk) -> None:
    with open_line(desk):
        told = desk("wake", GATEWAY.text).stdout
        assert told.startswith(f"{GATEWAY} came after ")
        assert told.endswith(" s (one wake-up)\n")
        row = desk.one("wake", GATEWAY.text)
    assert (row["outcome"], row["wake_ups"], row["reasons"]) == ("came", 1, [])
    assert row["tunnel"] == 2


def test_a_gateway_that_does_not(desk: Desk) -> None:
    told = desk("wake", GATEWAY.text, "--timeout", "6", code=Exit.SILENCE).stderr
    lines = told.splitlines()
    assert lines[0] == f"smgw-admin: {GATEWAY} did not come within 6 s (2 wake-ups sent):"
    assert lines[1].startswith("  - no server of ours waits for gateways on 127.0.0.1:18450")
    assert lines[2].startswith("  - nobody listens on 127.0.0.1:9")


def test_a_tunnel_that_is_open(desk: Desk) -> None:
    with desk.bureau.open() as office:
        office.tunnels.opened(GATEWAY, NOW)
    assert desk("wake", GATEWAY.text).stdout == f"{GATEWAY} has a tunnel open already\n"
    assert desk("break-up", GATEWAY.text, "--no-wait").exit_code == 0
    assert desk.lines("orders", "list")[0]["kind"] == "break-up"


def test_there_is_nothing_to_break_up(desk: Desk) -> None:
    assert "no tunnel open" in desk("break-up", GATEWAY.text, code=Exit.REFUSED).stderr
    assert desk.lines("orders", "list") == []


def test_who_is_not_woken(desk: Desk) -> None:
    desk("wake", OTHER.text, code=Exit.REFUSED)
    desk("gateways", "state", GATEWAY.text, "locked")
    assert "unlock it with" in desk("wake", GATEWAY.text, code=Exit.REFUSED).stderr
    assert BY in {row["by"] for row in desk.lines("audit", "list")}
