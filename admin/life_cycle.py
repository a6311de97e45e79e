"""The life of a gateway and the life of an order, each as one table.

Decides what may become what; everything else is refused with a sentence that says what is possible. The documentation's
diagrams are drawn from these tables. No database, no clock.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

S = TypeVar("S", bound=StrEnum)


class LifeCycle(StrEnum):
    """Where a gateway stands."""

    DELIVERED = "delivered"
    """It left the manufacturer with quality-seal certificates (Guetesiegel) and hangs on no wall yet."""
    INSTALLED = "installed"
    """It was mounted; its first tunnel replaces the seal by operational certificates."""
    OPERATING = "operating"
    """It has operational certificates and may be given profiles."""
    LOCKED = "locked"
    """It gets no wake-up, and its tunnels are refused."""
    RETIRED = "retired"
    """It never comes back; its record stays."""


class OrderState(StrEnum):
    """Where an order stands."""

    QUEUED = "queued"
    WOKEN = "woken"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    FAILED = "failed"


GATEWAY_TRANSITIONS: Mapping[LifeCycle, frozenset[LifeCycle]] = {
    LifeCycle.DELIVERED: frozenset({LifeCycle.INSTALLED, LifeCycle.RETIRED}),
    LifeCycle.INSTALLED: frozenset({LifeCycle.OPERATING, LifeCycle.LOCKED, LifeCycle.RETIRED}),
    LifeCycle.OPERATING: frozenset({LifeCycle.LOCKED, LifeCycle.RETIRED}),
    LifeCycle.LOCKED: frozenset({LifeCycle.INSTALLED, LifeCycle.OPERATING, LifeCycle.RETIRED}),
    LifeCycle.RETIRED: frozenset(),
}

ORDER_TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = {
    # A tunnel may be open already: then nobody needs to be woken.
    OrderState.QUEUED: frozenset({OrderState.WOKEN, OrderState.DELIVERED, OrderState.FAILED}),
    # Woken again, because the first datagram may be lost.
    OrderState.WOKEN: frozenset({OrderState.WOKEN, OrderState.DELIVERED, OrderState.FAILED}),
    # Delivered again, because a tunnel may break before the answer: the gateway answers the same bytes the same way.
    # Queued again, because the first bytes came too late, which the gateway said: then nothing was done.
    OrderState.DELIVERED: frozenset({OrderState.DELIVERED, OrderState.QUEUED, OrderState.CONFIRMED, OrderState.FAILED}),
    OrderState.CONFIRMED: frozenset(),
    OrderState.FAILED: frozenset(),
}

REACHABLE = frozenset({LifeCycle.DELIVERED, LifeCycle.INSTALLED, LifeCycle.OPERATING})
"""Who may be woken, given orders and let in."""
OPEN = frozenset({OrderState.QUEUED, OrderState.WOKEN, OrderState.DELIVERED})
"""An order in one of these is still to be done."""


def refusal(who: str, present: S, wanted: S, transitions: Mapping[S, frozenset[S]]) -> str | None:
    """Why ``who`` may not go from ``present`` to ``wanted``; None where it may."""
    possible = transitions[present]
    if wanted in possible:
        return None
    ways = ", ".join(sorted(possible)) or "nothing: that is where it ends"
    return f"{who} is {present}, which cannot become {wanted}; possible: {ways}"
