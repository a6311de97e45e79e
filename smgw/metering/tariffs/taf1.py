"""TAF-1, one tariff: the advance of a register over a billing period, and nothing in between (TR-03109-1, TAF-1).

Decides that both ends of the period need a usable reading of exactly that time: a bill is never made from a guessed
value. Readings between never matter, but for telling how often the register began again at 0.
"""

from smgw.metering.tariffs.calendar import local
from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.values import ValueList


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
