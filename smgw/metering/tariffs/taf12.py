"""TAF-12, prepaid energy: what is left of a credit, and what follows when it runs out (TR-03109-1, TAF-12).

Decides the state of the credit at each reading: sufficient, low (a warning is due), used up (the tolerance runs) and
exhausted. It never goes back within a billing period, whatever the meter says. Nothing is switched here: the gateway
tells the party; a breaker is a matter of the control of local systems.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from smgw.metering.tariffs.values import ValueList
from wire.profiles.tariff import Prepaid


class CreditState(IntEnum):
    """How it stands with the credit, in the order in which the states follow one another."""

    SUFFICIENT = 0
    LOW = 1
    """No more than the warning's amount is left."""
    USED_UP = 2
    """Nothing is left, and the tolerance runs."""
    EXHAUSTED = 3
    """The tolerance is over."""


@dataclass(frozen=True, slots=True)
class Balance:
    """At ``at`` (UTC seconds) ``remaining`` was left, negative where more was used than the credit, in raw units."""

    at: int
    remaining: int
    state: CreditState


def walk(values: ValueList, rule: Prepaid, begin: int, end: int, *, scaler: int = 0) -> Iterator[Balance]:
    """The balance at each usable reading from ``begin`` to ``end`` (UTC seconds, both included), in order.

    Values count 10^``scaler`` Wh (``scaler`` at most 0). What is left and what was used since the first usable reading
    sum to the credit at every instant, across gaps too: when energy was used does not matter here.
    """
    credit, warn_at = rule.credit * 10**-scaler, rule.warn_at * 10**-scaler
    remaining, state, used_up_at = credit, CreditState.SUFFICIENT, None
    former = None
    for value in values.usable_between(begin, end):
        remaining -= 0 if former is None else values.advance(former, value)
        former = value
        if remaining <= warn_at:
            state = max(state, CreditState.LOW)
        if remaining <= 0 and used_up_at is None:
            used_up_at = value.at
        if used_up_at is not None:
            over = value.at - used_up_at >= rule.tolerance_seconds
            state = max(state, CreditState.EXHAUSTED if over else CreditState.USED_UP)
        yield Balance(value.at, remaining, state)
