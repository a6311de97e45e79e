"""Have something done by a gateway while somebody waits: wake it, then wait for what it says.

Decides when waiting ends. It does nothing at the gateway itself: the server on the other side of the database runs the
tunnel. What is not answered in time stays queued, and is done at the next tunnel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from admin.life_cycle import OrderState
from admin.office import Office
from admin.orders import OrderRecord
from admin.reports import Inquiry
from admin.wake import POLL_SECONDS, Progress, Timing, WakeOutcome, WakeResult, wake_and_wait
from wire.reading import DeviceId


class Ending(StrEnum):
    """How the waiting ended."""

    DONE = "done"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of an order that somebody waited for."""

    order: OrderRecord
    ending: Ending
    wake: WakeResult


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a wish to read that somebody waited for."""

    inquiry: Inquiry
    ending: Ending
    wake: WakeResult


def execute(
    office: Office, number: int, timing: Timing, by: str, progress: Callable[[Progress], None] = lambda _: None
) -> Execution:
    """Wake the gateway of order ``number`` and wait for its reply. Raises as ``wake_and_wait``, and OrderBookError."""
    gateway = office.orders.get(number).gateway

    def finished() -> bool:
        return office.orders.get(number).finished_at is not None

    wake = _wait(office, gateway, finished, timing, by, progress)
    order = office.orders.get(number)
    if order.finished_at is not None:
        ending = Ending.DONE if order.state is OrderState.CONFIRMED else Ending.REFUSED
    else:
        ending = Ending.SILENCE if wake.outcome is WakeOutcome.SILENCE else Ending.UNANSWERED
    return Execution(order, ending, wake)


def inquire(
    office: Office, inquiry: Inquiry, timing: Timing, by: str, progress: Callable[[Progress], None] = lambda _: None
) -> Answer:
    """Wake the gateway and wait until ``inquiry`` is answered. Raises as ``wake_and_wait``."""

    def present() -> Inquiry:
        return office.reports.inquiry(inquiry.number) or inquiry

    wake = _wait(office, inquiry.gateway, lambda: present().answered_at is not None, timing, by, progress)
    found = present()
    if found.answered_at is not None:
        ending = Ending.REFUSED if found.failure else Ending.DONE
    else:
        ending = Ending.SILENCE if wake.outcome is WakeOutcome.SILENCE else Ending.UNANSWERED
    return Answer(found, ending, wake)


def _wait(  # noqa: PLR0917 - two callers, here
    office: Office,
    gateway: DeviceId,
    finished: Callable[[], bool],
    timing: Timing,
    by: str,
    progress: Callable[[Progress], None],
) -> WakeResult:
    """Wake and wait; a tunnel that ends under our feet is not waited for any longer than the time-out.

    Nobody is woken for what is done: the order before may have kept a tunnel open in which this one was answered too.
    """
    if finished():
        return WakeResult(gateway, WakeOutcome.WAS_OPEN, timedelta(0), 0, office.tunnels.last(gateway))
    wake = wake_and_wait(office, gateway, timing, by, progress)
    if wake.outcome is not WakeOutcome.SILENCE:
        until = timing.monotonic() + timing.timeout.total_seconds()
        while not finished() and timing.monotonic() < until:
            timing.sleep(POLL_SECONDS)
    return wake
