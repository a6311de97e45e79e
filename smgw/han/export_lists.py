"""Which readings an export holds: those of one consumer that stand for an instant between two, both included.

Decides that a reading counts for the instant that it stands for, as in a bill (``smgw/access/schedule.py``): so the
readings that begin and end a month are both in the month's file, also where the second one came some seconds late; and
that more than a year of quarter-hours of three registers is too much for one file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from smgw.access import schedule
from smgw.han.export_source import Register, Source, StoredRow
from smgw.han.parts import EARLIEST, LATEST
from smgw.han.port import HanError, HanReason
from wire.profiles import EvaluationProfile
from wire.reading import Unit

MAXIMUM_READINGS: Final = 110_000
"""Of one file: three registers over a year of quarter-hours (105,408 in a leap year), or one over three years. While a
file is made they take some 120 MB, one register over a year 40."""


class Row(NamedTuple):
    """A reading and the instant that it stands for."""

    target: int
    stored: StoredRow


@dataclass(frozen=True, slots=True)
class Listed:
    """The readings of one register in one scaler and unit, oldest first; one at least."""

    register: Register
    scaler: int
    unit: Unit
    rows: tuple[Row, ...]


def lists(source: Source, begin: int, end: int, contract: EvaluationProfile | None = None) -> Sequence[Listed]:
    """What is hers between ``begin`` and ``end``, of ``contract``'s meters and registers where one is named.

    Raises HanError: BAD_QUESTION for no period, TOO_MUCH, NOT_FOUND where there is nothing.
    """
    if not EARLIEST <= begin <= end <= LATEST:
        raise HanError(HanReason.BAD_QUESTION, "the end lies before the begin, or either in no time that is known")
    found: list[Listed] = []
    left = MAXIMUM_READINGS
    for register in source.registers():
        if contract is not None and not (register.meter in contract.meters and register.obis in contract.registers):
            continue
        rows = _rows(source, register, begin, end, left + 1)
        left -= len(rows)
        if left < 0:
            sentence = f"more than {MAXIMUM_READINGS} readings: ask for a shorter time, or for one contract"
            raise HanError(HanReason.TOO_MUCH, sentence)
        found += _by_unit(register, rows)
    if not found:
        raise HanError(HanReason.NOT_FOUND, "there are no readings in this time: ask for another one")
    return found


def targets(rows: Sequence[StoredRow], raster_seconds: int) -> Iterator[Row]:
    """Each reading with the point of the raster that it stands for, or its own time where it stands for none.

    Of two that stand for one point the second one stands for none: nobody can be told two values for one instant.
    """
    window = int(schedule.tolerance(raster_seconds).total_seconds())
    last = None
    for stored in rows:
        past = stored.at % raster_seconds
        point = stored.at - past
        served = past <= window and point != last
        last = point if served else last
        yield Row(point if served else stored.at, stored)


def _rows(source: Source, register: Register, begin: int, end: int, limit: int) -> list[Row]:
    late = int(schedule.tolerance(register.registered_seconds).total_seconds())
    stored = source.rows(register, begin, end + late, limit=limit)
    return [row for row in targets(stored, register.registered_seconds) if row.target <= end]


def _by_unit(register: Register, rows: Sequence[Row]) -> list[Listed]:
    """One list for each way in which values are written: a meter that was set up anew may change it."""
    kinds = sorted({(row.stored.scaler, row.stored.unit) for row in rows})
    return [
        Listed(register, scaler, Unit(unit), tuple(row for row in rows if row.stored[2:4] == (scaler, unit)))
        for scaler, unit in kinds
    ]
