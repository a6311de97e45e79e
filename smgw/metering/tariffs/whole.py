"""What the tariffs of load, consumption and events share: which readings count, and what a booking says it covers.

Decides that a bill needs usable readings of at least two instants, and that it runs from the first of them to the last.
"""

from collections.abc import Mapping, Sequence

from smgw.metering.tariffs.calendar import local
from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.taf2 import Booking
from smgw.metering.tariffs.values import Value, ValueList


def usable_values(values: ValueList, begin: int, end: int) -> tuple[Value, ...]:
    """The usable readings from ``begin`` to ``end``, two at least. Raises TariffError(NO_READINGS)."""
    usable = values.usable_between(begin, end)
    if len(usable) < 2:
        raise TariffError(
            TariffReason.NO_READINGS, f"there are no two usable readings from {local(begin)} to {local(end)}"
        )
    return usable


def account(registers: Mapping[int, int], usable: Sequence[Value]) -> Booking:
    """The booking of ``registers`` from the first to the last of ``usable``."""
    return Booking(registers, sum(registers.values()), usable[0].at, usable[-1].at)
