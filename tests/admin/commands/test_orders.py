"""``smgw-admin orders``."""

import pytest

from admin.exit import Exit
from tests.admin.bureau import GATEWAY, OTHER
from tests.admin.commands.desk import Desk
from tests.admin.commands.open_line import open_line

pytestmark = pytest.mark.token


def test_what_waits_is_carried_out_in_its_order(desk: Desk) -> None:
    for command in ("self-test", "restart"):
        desk(command, GATEWAY.text, "--no-wait")
    with open_line(desk):
        rows = desk.lines("orders", "run", GATEWAY.text)
    assert [(row["kind"], row["state"], row["sequence"]) for row in rows] == [
        ("run-self-test", "confirmed", 1),
        ("restart", "confirmed", 2),
    ]
    assert desk("orders", "run", GATEWAY.text).stdout == f"no order waits for {GATEWAY}\n"


def test_a_tunnel_may_be_ended_behind_them(desk: Desk) -> None:
    desk("self-test", GATEWAY.text, "--no-wait")
    with open_line(desk):
        rows = desk.lines("orders", "run", GATEWAY.text, "--break-up")
    assert [row["kind"] for row in rows] == ["run-self-test", "break-up"]
    desk("break-up", GATEWAY.text, "--no-wait")
    with open_line(desk):
        assert [row["kind"] for row in desk.lines("orders", "run", GATEWAY.text, "--break-up")] == ["break-up"], "once"


def test_listing(desk: Desk) -> None:
    assert desk("orders", "list").stdout == "no such orders\n"
    desk("self-test", GATEWAY.text, "--no-wait")
    assert "run-self-test" in desk("orders", "list", "--gateway", GATEWAY.text, "--state", "queued").stdout
    assert (
        desk.lines("orders", "list", "--state", "failed") == desk.lines("orders", "list", "--gateway", OTHER.text) == []
    )


def test_showing(desk: Desk) -> None:
    desk("self-test", GATEWAY.text, "--no-wait")
    shown = desk.one("orders", "show", "1")
    assert (shown["state"], shown["woken_at"], shown["result"]) == ("queued", None, {})
    assert "no order 9" in desk("orders", "show", "9", code=Exit.REFUSED).stderr
    assert "larger than" in desk("orders", "show", "9" * 20, code=Exit.DATABASE).stderr
    desk("orders", "run", GATEWAY.text, "--timeout", "9" * 20, code=Exit.CONFIGURATION)


def test_taking_back(desk: Desk) -> None:
    desk("self-test", GATEWAY.text, "--no-wait")
    assert desk("orders", "cancel", "1").stdout == "order 1 is cancelled\n"
    assert desk.one("orders", "show", "1")["reason"].startswith("cancelled by ")
    assert "failed" in desk("orders", "cancel", "1", code=Exit.REFUSED).stderr


def test_of_a_gateway_that_is_not_there(desk: Desk) -> None:
    desk("orders", "run", OTHER.text, code=Exit.REFUSED)
