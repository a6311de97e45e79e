"""What commands say and how they end when a gateway was to do something."""

import pytest

from admin.exit import Exit
from tests.admin.bureau import GATEWAY
from tests.admin.commands.desk import Desk
from tests.admin.commands.open_line import open_line

pytestmark = pytest.mark.token


def test_done(desk: Desk) -> None:
    with open_line(desk):
        assert desk("self-test", GATEWAY.text).stdout == f"{GATEWAY} did run-self-test (order 1)\n"
        told = desk.one("self-test", GATEWAY.text)
    assert (told["order"], told["ending"], told["sequence"], told["reason"]) == (2, "done", 2, "")


def test_refused_by_the_gateway(desk: Desk) -> None:
    with open_line(desk, "refused"):
        told = desk("self-test", GATEWAY.text, code=Exit.GATEWAY_REFUSED)
        assert told.stdout == ""
        assert told.stderr == (f"smgw-admin: order 1 (run-self-test) failed at {GATEWAY}: busy: A self-test runs.\n")
        row = desk.one("self-test", GATEWAY.text, code=Exit.GATEWAY_REFUSED)
    assert (row["ending"], row["state"], row["reason"]) == ("refused", "failed", "busy: A self-test runs.")


def test_unanswered(desk: Desk) -> None:
    with open_line(desk, "nothing"):
        told = desk("self-test", GATEWAY.text, "--timeout", "1", code=Exit.UNANSWERED).stderr
    assert "has not answered order 1 yet; it stays woken" in told


def test_silence(desk: Desk) -> None:
    row = desk.one("self-test", GATEWAY.text, "--timeout", "10", code=Exit.SILENCE)
    assert (row["ending"], row["state"]) == ("silence", "woken")
    assert (row["wake"]["outcome"], row["wake"]["wake_ups"], row["wake"]["tunnel"]) == ("silence", 2, None)
    assert [one["reason"] for one in row["wake"]["reasons"]] == ["no-server", "nobody-listens"]


def test_later(desk: Desk) -> None:
    assert desk.one("self-test", GATEWAY.text, "--no-wait")["state"] == "queued"
    assert desk.fake.slept == 0
