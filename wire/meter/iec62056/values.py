"""From the text of a value to an integer with a scaler and a unit: all digits kept, no float anywhere.

Decides what counts as a number and which units are known; everything else is refused, because a value whose unit is
guessed is worse than none.
"""

import re
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from wire.errors import Iec62056Error, ReadingError
from wire.meter.iec62056.datasets import split_unit
from wire.meter.iec62056.profile import LoadProfile
from wire.reading import Register, Unit

_NUMBER = re.compile(r" *([+-]?)([0-9]{1,18})(?:\.([0-9]{1,12}))?", re.ASCII)
_PREFIXES: Final = {"": 0, "k": 3, "M": 6, "G": 9}
_PREFIXED: Final = {
    "Wh": Unit.WH,
    "varh": Unit.VARH,
    "VAh": Unit.VAH,
    "W": Unit.W,
    "var": Unit.VAR,
    "VA": Unit.VA,
    "V": Unit.V,
    "A": Unit.A,
}
_PLAIN: Final = {
    "Hz": Unit.HZ,
    "m3": Unit.CUBIC_METRE,
    "m3ph": Unit.CUBIC_METRE_PER_HOUR,
    "m3/h": Unit.CUBIC_METRE_PER_HOUR,
    "C": Unit.CELSIUS,
    "d": Unit.DAY,
    "h": Unit.HOUR,
    "min": Unit.MINUTE,
    "s": Unit.SECOND,
}
UNITS: Final = {prefix + text: (unit, power) for text, unit in _PREFIXED.items() for prefix, power in _PREFIXES.items()}
UNITS.update({text: (unit, 0) for text, unit in _PLAIN.items()})
"""Unit as a meter writes it -> unit and power of ten."""


class MeasuredRow(NamedTuple):
    """One interval of a load profile, which ended at ``end`` (aware UTC), in the order of the profile's columns."""

    end: datetime
    registers: tuple[Register, ...]


def unit_of(text: str) -> tuple[Unit, int]:
    """Unit and power of ten of ``kWh`` and the like. Raises Iec62056Error."""
    if (known := UNITS.get(text)) is None:
        raise Iec62056Error(f"not a unit: {text[:16]!r}")
    return known


def scaled(number: str, unit: Unit, power: int) -> Register:
    """``0033402.264`` in 10^``power`` of ``unit``, all its digits kept. Raises Iec62056Error."""
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise Iec62056Error(f"not a decimal number: {number[:40]!r}")
    sign, whole, fraction = match.groups(default="")
    try:
        return Register(int(f"{sign}{whole}{fraction}"), power - len(fraction), unit)
    except ReadingError as error:
        raise Iec62056Error(f"not a register: {error}") from error


def register(value: str, *, unit: str = "") -> Register:
    """``0033402.264*kWh`` as 33402264 x 10^0 Wh; ``unit`` is that of a value that has none. Raises Iec62056Error."""
    number, written = split_unit(value)
    if written and unit and written != unit:
        raise Iec62056Error(f"a value in {written[:16]!r} where {unit!r} was announced")
    return scaled(number, *unit_of(written or unit))


def measured(
    profile: LoadProfile, *, standard_time: tzinfo, summer_time: tzinfo, unmarked: tzinfo | None = None
) -> list[MeasuredRow]:
    """The rows of ``profile`` with times and registers; zones as in ``LoadProfile.timed``. Raises Iec62056Error.

    A row with more or fewer values than columns is refused: which of them is missing cannot be told.
    """
    rows = []
    for row in profile.timed(standard_time=standard_time, summer_time=summer_time, unmarked=unmarked):
        if len(row.values) != len(profile.columns):
            raise Iec62056Error(f"a row of {len(row.values)} values under {len(profile.columns)} columns")
        units = (unit for _, unit in profile.columns)
        rows.append(
            MeasuredRow(
                row.end, tuple(register(value, unit=unit) for value, unit in zip(row.values, units, strict=True))
            )
        )
    return rows
