"""The history of a register: what it advanced in each quarter-hour, day, month or year of legal time.

Decides that a part is the difference of the readings that stand at its two bounds, and that nothing is guessed: a
reading stands for a bound if it was captured there or late by no more than registrations may vary
(``smgw/access/schedule.py``), and a part with a bound that nobody read is none. Where a meter came, went or runs still
inside a part, it is told from its first reading there, or up to its last, and said to be partial. Over several meters
each contributes the time in which it measured her (exchange of meters); where one of them cannot tell, there is no sum.
A register that began again at 0 advanced over its end (``smgw/metering/turnover.py``); one that ran backwards did not
advance by anything that can be told. Queries fetch integers by the index of device, register and time, and stay within
her time (FDP_ACF.1). TR-03109-1, consumer.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import sqlalchemy as sa

from smgw.han.hers import HerMeter, raw
from smgw.han.shown import WATT_HOUR
from smgw.metering.quantities import expected_unit
from smgw.metering.status import ptb_status
from smgw.metering.tariffs.calendar import QUARTER_HOUR
from smgw.metering.turnover import advance
from wire.obis import Obis

Row: TypeAlias = tuple[int, int, int, int, int]
"""captured_at, value, status, scaler, unit."""

_COLUMNS: Final = "captured_at, readings.value, status, scaler, unit"
RANGE: Final = (
    f"SELECT {_COLUMNS} FROM readings WHERE device = ? AND obis = ? AND captured_at BETWEEN ? AND ? "  # noqa: S608
    "ORDER BY captured_at"
)
"""Through the index, oldest first."""
_FIRST: Final = RANGE + " LIMIT 1"
_LAST: Final = RANGE + " DESC LIMIT 1"
AT_BOUNDS: Final = (
    f"SELECT bound.value, {_COLUMNS} FROM json_each(?) AS bound JOIN readings ON readings.id = "  # noqa: S608
    "(SELECT id FROM readings WHERE device = ? AND obis = ? "
    "AND captured_at BETWEEN MAX(bound.value, ?) AND MIN(bound.value + ?, ?) ORDER BY captured_at LIMIT 1)"
)
"""One look into the index for each bound."""
_SIGN: Final = 1 << 64
_WALKED: Final = 300
"""Seconds from one stored reading to the next; of a meter that is registered more often, as in testbeds, a walk through
all readings costs more than a look for each bound."""


@dataclass(frozen=True, slots=True)
class Advances:
    """What one or several meters advanced, part by part, in units of 10^``scaler``."""

    unit: int
    scaler: int
    energies: tuple[int | None, ...]
    doubtful: tuple[bool, ...]
    partial: tuple[bool, ...]


@dataclass(slots=True)
class _Told:
    """What one meter says of each part; ``hung`` is where it must say something."""

    unit: int
    scaler: int
    energies: list[int | None]
    doubtful: set[int]
    partial: set[int]
    hung: range


def advances(connection: sa.Connection, meters: Sequence[HerMeter], register: Obis, bounds: Sequence[int]) -> Advances:
    """The sum over ``meters`` of what ``register`` advanced between each of ``bounds`` and the next."""
    told = [_of(connection, one, register, bounds) for one in meters]
    read = [one for one in told if any(energy is not None for energy in one.energies)]
    unit = read[0].unit if read else int(expected_unit(register) or WATT_HOUR)
    scaler = min((one.scaler for one in read), default=0)
    size = len(bounds) - 1
    doubtful = set().union(*(one.doubtful for one in told)) if told else set()
    partial = set().union(*(one.partial for one in told)) if told else set()
    if len(told) == 1:
        energies = told[0].energies
    else:
        energies = [None] * size
        lost: set[int] = set()
        for one in told:
            factor = int(10 ** max(0, one.scaler - scaler))
            for place in one.hung:
                energy = one.energies[place]
                if energy is None or one.unit != unit:
                    lost.add(place)
                else:
                    energies[place] = (energies[place] or 0) + energy * factor
        for place in lost:
            energies[place] = None
    return Advances(
        unit,
        scaler,
        tuple(energies),
        tuple(place in doubtful and energies[place] is not None for place in range(size)),
        tuple(place in partial and energies[place] is not None for place in range(size)),
    )


def first_row(connection: sa.Connection, meter: HerMeter, register: Obis, begin: int, end: int) -> Row | None:
    """The oldest reading of hers with ``begin <= captured_at <= end``."""
    return _one(connection, _FIRST, meter, register, begin, end)


def last_row(connection: sa.Connection, meter: HerMeter, register: Obis, begin: int, end: int) -> Row | None:
    """The newest reading of hers with ``begin <= captured_at <= end``."""
    return _one(connection, _LAST, meter, register, begin, end)


def rows(connection: sa.Connection, meter: HerMeter, register: Obis, begin: int, end: int) -> list[Row]:
    """Every reading of hers with ``begin <= captured_at <= end``, oldest first."""
    parameters = (meter.device, register.to_bytes(), *meter.clip(begin, end))
    found: list[Row] = raw(connection).execute(RANGE, parameters).fetchall()
    return found


def following(connection: sa.Connection, meter: HerMeter, register: Obis, begin: int) -> Iterator[Row]:
    """Every reading of hers from ``begin`` on, oldest first, fetched one by one."""
    parameters = (meter.device, register.to_bytes(), *meter.clip(begin, meter.measured.span.until))
    yield from raw(connection).execute(RANGE, parameters)


def is_doubtful(status: int) -> bool:
    """Whether no bill may rest on a reading with this stored status (PTB-A 50.8, statusPTB)."""
    return not ptb_status(status % _SIGN).usable


def _one(  # noqa: PLR0917 - which, of whom, of what, from when until when
    connection: sa.Connection, statement: str, meter: HerMeter, register: Obis, begin: int, end: int
) -> Row | None:
    parameters = (meter.device, register.to_bytes(), *meter.clip(begin, end))
    found: Row | None = raw(connection).execute(statement, parameters).fetchone()
    return found


def _of(connection: sa.Connection, meter: HerMeter, register: Obis, bounds: Sequence[int]) -> _Told:
    hung = _hung(meter, bounds)
    told = _Told(0, 0, [None] * (len(bounds) - 1), set(), set(), hung)
    if not hung:
        return told
    span = meter.measured.span
    first = first_row(connection, meter, register, span.begin, span.until)
    last = last_row(connection, meter, register, span.begin, span.until)
    if first is None or last is None:
        return told
    at = _standing(connection, meter, register, bounds[hung.start : hung.stop + 1])
    kept = {row[3] for row in at.values()} | {first[3], last[3]}
    told.unit, told.scaler = first[4], min(kept)
    if len(kept) > 1:
        at = {bound: _finer(row, told.scaler) for bound, row in at.items()}
        first, last = _finer(first, told.scaler), _finer(last, told.scaler)
    bad = {status for status in {row[2] for row in at.values()} | {first[2], last[2]} if is_doubtful(status)}
    energies, get, first_at, last_at = told.energies, at.get, first[0], last[0]
    begin = bounds[hung.start]
    opening = get(begin)
    for place in hung:
        end = bounds[place + 1]
        closing = get(end)
        former, later = opening, closing
        if former is None and begin < first_at < end:
            former = first
            told.partial.add(place)
        if later is None and begin <= last_at < end:
            later = last
            told.partial.add(place)
        if former is not None and later is not None and former[0] < later[0]:
            # A register that shows no less than before is nearly all of them.
            went = later[1] - former[1]
            if went < 0:
                went = advance(former[1], later[1])
            energies[place] = went if went >= 0 else None
            if bad and (former[2] in bad or later[2] in bad):
                told.doubtful.add(place)
        begin, opening = end, closing
    return told


def _hung(meter: HerMeter, bounds: Sequence[int]) -> range:
    """The parts in which the meter measured her, or should have."""
    since, until = meter.measured.since, meter.measured.until
    inside = (
        [place for place in range(len(bounds) - 1) if bounds[place] < until and bounds[place + 1] > since]
        if bounds[0] < since or bounds[-1] > until
        else range(len(bounds) - 1)
    )
    return range(inside[0], inside[-1] + 1) if inside else range(0)


def _standing(connection: sa.Connection, meter: HerMeter, register: Obis, bounds: Sequence[int]) -> Mapping[int, Row]:
    """The reading that stands at each of ``bounds``, the first one where there are several."""
    late = meter.tolerance
    every_quarter = bounds[0] % QUARTER_HOUR == 0 and bounds[-1] - bounds[0] == QUARTER_HOUR * (len(bounds) - 1)
    if every_quarter and meter.measured.profile.store_seconds >= _WALKED:
        # Nearly every reading stands for one of them: one walk is cheaper than a look for each.
        found: dict[int, Row] = {}
        for row in rows(connection, meter, register, bounds[0], bounds[-1] + late):
            behind = row[0] % QUARTER_HOUR
            if behind == 0:
                found[row[0]] = row
            elif behind <= late:
                found.setdefault(row[0] - behind, row)
        return found
    low, high = meter.clip(bounds[0], bounds[-1] + late)
    parameters = (json.dumps(list(bounds)), meter.device, register.to_bytes(), low, late, high)
    return {row[0]: row[1:] for row in raw(connection).execute(AT_BOUNDS, parameters)}


def _finer(row: Row, scaler: int) -> Row:
    return (row[0], row[1] * int(10 ** (row[3] - scaler)), row[2], scaler, row[4])
