"""``smgw-admin status``, ``logs``, ``notifications``."""

import pytest

from admin.exit import Exit
from admin.reports import Subject
from tests.admin.bureau import GATEWAY, NOW, OTHER
from tests.admin.commands.desk import Desk
from tests.admin.commands.open_line import open_line
from wire.notification import Notification

pytestmark = pytest.mark.token


def test_a_status_that_is_kept_and_one_that_is_read_anew(desk: Desk) -> None:
    assert f"smgw-admin status {GATEWAY} --refresh" in desk("status", GATEWAY.text, code=Exit.REFUSED).stderr
    with open_line(desk):
        told = desk.one("status", GATEWAY.text, "--refresh")
    assert told["status"] == {"version": "1.0.0"}
    assert "1.0.0" in desk("status", GATEWAY.text).stdout
    assert desk.one("status", GATEWAY.text) == told


def test_a_log_that_is_read_anew(desk: Desk) -> None:
    assert "--log calibration --refresh" in desk("logs", GATEWAY.text, "--log", "calibration").stdout
    with open_line(desk):
        (row,) = desk.lines("logs", GATEWAY.text, "--refresh")
    assert (row["record_number"], row["event"]) == (1, "gateway-started")
    assert "gateway-started" in desk("logs", GATEWAY.text).stdout
    assert [row["text"]] == ["started"]
    assert "gestartet" in desk("logs", GATEWAY.text, "--lang", "de").stdout
    assert desk.lines("logs", GATEWAY.text, "--after", "1") == []


def test_the_consumers_log_cannot_even_be_asked_for(desk: Desk) -> None:
    desk("logs", GATEWAY.text, "--log", "consumer", code=2)


def test_a_gateway_that_does_not_come(desk: Desk) -> None:
    assert "did not come within 20 s" in desk("logs", GATEWAY.text, "--refresh", code=Exit.SILENCE).stderr
    assert desk.one("status", GATEWAY.text, "--refresh", code=Exit.SILENCE)["ending"] == "silence"


def test_a_gateway_that_comes_and_does_not_give_it(desk: Desk) -> None:
    with open_line(desk, "nothing"):
        assert "try again" in desk("status", GATEWAY.text, "--refresh", "--timeout", "1", code=Exit.UNANSWERED).stderr
        with desk.bureau.open() as office:
            (inquiry,) = office.reports.open(GATEWAY)
            office.reports.answered(inquiry.number, NOW, "403")
            assert office.reports.open(GATEWAY) == []


def test_how_the_office_stands(desk: Desk) -> None:
    desk("self-test", GATEWAY.text, "--no-wait")
    told = desk.one("status")
    assert (told["administrator"], told["server_running"], told["open_orders"]) == ("Verwalter", False, 1)
    assert told["gateways"] == {"operating": 1}
    assert "127.0.0.1:18450" in desk("status").stdout


def test_notifications(desk: Desk) -> None:
    assert desk("notifications").stdout == "no notifications\n"
    with desk.bureau.open() as office:
        office.reports.keep_notification(
            Notification(gateway=GATEWAY, number=1, event="secure-state", outcome="FAILURE", subject="clock", at=NOW),
            NOW,
        )
    (row,) = desk.lines("notifications", GATEWAY.text)
    assert (row["event"], row["at"]) == ("secure-state", "2026-01-15T12:00:00Z")
    assert desk.lines("notifications", OTHER.text) == []


def test_a_gateway_that_is_not_there(desk: Desk) -> None:
    for command in ("status", "logs"):
        desk(command, OTHER.text, code=Exit.REFUSED)
    assert {str(subject) for subject in Subject} == {"status", "system", "calibration"}
