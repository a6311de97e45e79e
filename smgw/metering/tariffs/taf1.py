"""TAF-1, one tariff: the advance of a register over a billing period, no more (TR-03109-1, TAF-1).

Decides that both ends of the period need a usable reading of exactly that time: a bill is never made from a guessed
value. Readings between never matter, but for telling how often the register began again at 0.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from smgw.metering.tariffs.calendar import local
from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.values import ValueList

LONGEST_CHANGE_SECONDS: Final = 86400
"""A meter is exchanged within a day; a longer silence is a gap, and nobody knows what happened in it."""


def book(values: ValueList, begin: int, end: int) -> int:
    """The advance from ``begin`` to ``end`` (UTC seconds), in the register's unit.

    Raises TariffError where there is no usable reading at one of them.
    """
    first, last = values.usable_at(begin), values.usable_at(end)
    if first is None:
        raise TariffError(TariffReason.NO_VALUE_AT_BEGIN, f"there is no usable reading at {local(begin)}")
    if last is None:
        raise TariffError(TariffReason.NO_VALUE_AT_END, f"there is no usable reading at {local(end)}")
    return values.advance_between(first, last)


def book_meters(lists: Sequence[ValueList], begin: int, end: int) -> int:
    """The advance of one register over the meters of a period: all of them side by side, or one after the other.

    After a change of meter the first one needs a usable reading at ``begin`` and the last one at ``end``; each is
    counted from its first usable reading to its last, and the next begins within a day. Raises TariffError.
    """
    try:
        return sum(book(one, begin, end) for one in lists)
    except TariffError:
        parts = sorted((part for one in lists if (part := one.usable_between(begin, end))), key=lambda part: part[0].at)
        if len(parts) < 2 or len(parts) < len(lists) or (parts[0][0].at, parts[-1][-1].at) != (begin, end):
            raise
        if any(not 0 <= later[0].at - former[-1].at <= LONGEST_CHANGE_SECONDS for former, later in pairwise(parts)):
            raise
    return sum(one.advance_between(part[0], part[-1]) for one in lists if (part := one.usable_between(begin, end)))
