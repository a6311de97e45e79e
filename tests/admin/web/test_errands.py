"""Errands: one at a time for each gateway, and each is over some time."""

import threading
from collections.abc import Callable

import pytest

from admin.errors import InventoryError, OrderBookError, OrderReason
from admin.inventory import LifeCycle
from admin.wake import WakeOutcome
from admin.web.errands import MAXIMUM_LINES, ErrandKind
from tests.admin.bureau import BY, GATEWAY
from tests.admin.server_world import PATIENCE, until
from tests.admin.web.desk import Place

pytestmark = pytest.mark.token


def over(place: Place) -> bool:
    found = place.console.errands.of(GATEWAY)
    return found is not None and found.over


def test_nothing_is_known_of_a_gateway_for_which_nobody_did_anything(place: Place) -> None:
    assert place.console.errands.of(GATEWAY) is None


def test_a_silent_gateway_is_told_with_reasons(place: Place) -> None:
    place.console.errands.wake(GATEWAY, "otto")
    place.in_vain()
    found = place.console.errands.of(GATEWAY)
    assert found is not None
    assert (found.kind, found.by, found.failure) == (ErrandKind.WAKE, "otto", "")
    assert found.result is not None
    assert found.result.outcome is WakeOutcome.SILENCE
    assert found.result.reasons
    assert found.progress is not None
    assert found.progress.wake_ups == 1


def test_a_gateway_that_may_not_be_woken_is_not(place: Place) -> None:
    place.office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, place.now)
    with pytest.raises(InventoryError):
        place.console.errands.wake(GATEWAY, "otto")
    assert place.console.errands.of(GATEWAY) is None


def test_one_at_a_time(place: Place) -> None:
    going = threading.Event()
    errands = place.console.errands

    def job(say: Callable[[str], None]) -> None:
        for number in range(2 * MAXIMUM_LINES):
            say(f"step {number}")
        going.wait(PATIENCE)

    assert errands.begin(GATEWAY, ErrandKind.RENEW, "otto", job)
    assert not errands.begin(GATEWAY, ErrandKind.RENEW, "susi", job)
    going.set()
    until(lambda: over(place))
    found = errands.of(GATEWAY)
    assert found is not None
    assert (found.by, len(found.lines), found.lines[-1]) == ("otto", MAXIMUM_LINES, f"step {2 * MAXIMUM_LINES - 1}")
    assert errands.begin(GATEWAY, ErrandKind.RENEW, "susi", lambda _: None)


@pytest.mark.parametrize(
    ("error", "told"),
    [(OrderBookError(OrderReason.UNKNOWN, "a sentence"), "a sentence"), (RuntimeError("a detail"), "internal error")],
)
def test_every_errand_ends(place: Place, error: Exception, told: str) -> None:
    def job(_say: Callable[[str], None]) -> None:
        raise error

    place.console.errands.begin(GATEWAY, ErrandKind.RENEW, "otto", job)
    until(lambda: over(place))
    found = place.console.errands.of(GATEWAY)
    assert found is not None
    assert told in found.failure
    assert "a detail" not in found.failure


def test_the_console_does_not_wait_for_gateways_when_it_ends(place: Place) -> None:
    errands = place.console.errands
    begun = threading.Event()

    def job(_say: Callable[[str], None]) -> None:
        begun.set()
        while True:
            errands.timing.sleep(0.01)

    errands.begin(GATEWAY, ErrandKind.RENEW, "otto", job)
    assert begun.wait(PATIENCE)
    errands.stop()
    found = errands.of(GATEWAY)
    assert found is not None
    assert found.failure == "the console was stopped"
