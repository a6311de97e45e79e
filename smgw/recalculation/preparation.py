"""From the lists of a file to value lists: how far apart readings are, which instant one stands for, which are usable.

Decides as the display software does (TRuDI 1.0; docs/deviations.md): a target time that the file does not say is the
instant of the local raster that lies within a hundredth of the period. Never moves a reading further.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

from smgw.metering.status import (
    GATEWAY_BASE,
    METER_BASE,
    GatewayStatus,
    MeterStatus,
    PtbStatus,
    StatusTextError,
    TextForm,
    from_text,
    ptb_status,
)
from smgw.metering.tariffs.calendar import LocalDay, day_of
from smgw.metering.tariffs.values import Value, ValueList
from smgw.metering.turnover import found_in
from wire.ar2418 import IntervalReading, MeterReading
from wire.errors import Ar2418Error

_HOUR: Final = 3600
_DAY: Final = 86400
PERIODS: Final = (
    *(900, 60, 120, 180, 240, 300, 600, 1800, 2400, 3600, 5400, 7200),
    *(hours * 3600 for hours in (3, 4, 6, 8, 12, 24)),
    30 * _DAY,
)
"""Distances of readings that are known as periods, in the order in which they are tried."""
_AROUND_MIDNIGHT: Final = 900
"""A daily reading stands for the midnight that it lies within 15 minutes of, before or (not quite) after."""
_KNOWN_GATEWAY: Final = GATEWAY_BASE | sum(GatewayStatus)
_KNOWN_METER: Final = METER_BASE | sum(MeterStatus)


def value_list(found: MeterReading, *, turnover: int | None = None) -> ValueList:
    """The list by target times. Raises Ar2418Error for a status that nobody can read.

    Where nobody says the ``turnover`` it is found as the gateway finds it (``turnover.py``), so that a bill from its
    own lists is the one that it made.
    """
    period = measurement_period(found)
    values = ValueList.of(
        (
            Value(target_time(reading, period), reading.value, usable(reading))
            for block in found.blocks
            for reading in block.readings
        ),
        turnover=turnover,
    )
    if turnover is None and values.backwards():
        return replace(values, turnover=found_in([one.value for one in values.values if one.usable]))
    return values


def measurement_period(found: MeterReading) -> int:
    """Seconds between two readings: what the file says, else the commonest known distance; 0 if there is none.

    The first block that has one decides. Readings that mean nothing are asked only where nothing else answers.
    """
    if found.kind.period:
        return found.kind.period
    blocks = sorted(found.blocks, key=lambda block: block.interval.start)
    for good_only in (True, False):
        for block in blocks:
            counted: Counter[int] = Counter()
            ordered = sorted(block.readings, key=_captured_at)
            for former, later in pairwise(ordered):
                if good_only and not all(_is_good(one) for one in (former, later)):
                    continue
                if (period := matching_period(later.captured_at - former.captured_at)) != 0:
                    counted[period] += 1
            if counted:
                # Of several that are as common the one that came last is taken.
                return max(reversed(counted.items()), key=_count)[0]
    return 0


def matching_period(distance: int) -> int:
    """The known period within just under two hundredths of which ``distance`` lies, or 0."""
    for period in PERIODS:
        window = period // 100 * 2
        if distance == period or period - window < distance < period + window:
            return period
    return 0


def target_time(reading: IntervalReading, period: int) -> int:
    """The instant that ``reading`` stands for."""
    if reading.target is not None:
        return reading.target
    return aligned(reading.captured_at, period)


def aligned(at: int, period: int) -> int:
    """The instant of the local raster that is meant by ``at``, or ``at`` itself if none is near enough."""
    if period <= 0 or period > _DAY:
        return at
    if period == _DAY:
        today = LocalDay.of(day_of(at))
        shown = today.wall(at)
        if shown >= _DAY - _AROUND_MIDNIGHT:
            return LocalDay.of(today.day + timedelta(days=1)).begin
        return today.begin if shown < _AROUND_MIDNIGHT else at
    # Local time has been whole hours from UTC ever since 1970, so that only longer periods need to know which.
    shown = at if _HOUR % period == 0 else LocalDay.of(day_of(at)).wall(at)
    past, window = shown % period, period // 100
    if past <= window:
        return at - past
    return at + period - past if period - past <= window else at


def usable(reading: IntervalReading) -> bool:
    """Whether neither of its statuses says that the value must not be used. Raises Ar2418Error."""
    if reading.status_ptb is not None and not PtbStatus(reading.status_ptb).usable:
        return False
    if reading.status_fnn is None:
        return True
    if (word := _word(reading.status_fnn)) is None:
        if reading.status_ptb is None:
            raise Ar2418Error(f"a reading has a status word that nobody can read: {reading.status_fnn}")
        return True
    return ptb_status(word).usable


def _word(text: str) -> int | None:
    """The word that ``text`` means: the bits that every word has tell in which of both forms it is written."""
    for form in TextForm:
        try:
            word = from_text(text, form)
        except StatusTextError:
            continue
        gateway, meter = word >> 32, word & 0xFFFF_FFFF
        based = gateway & GATEWAY_BASE == GATEWAY_BASE and gateway & ~_KNOWN_GATEWAY == 0
        if based and gateway & GatewayStatus.METER_WORD_IS_OMS:
            return word
        if based and meter & METER_BASE == METER_BASE and meter & ~_KNOWN_METER == 0:
            return word
    return None


def _is_good(reading: IntervalReading) -> bool:
    return reading.status_ptb is None or PtbStatus(reading.status_ptb).usable


def _count(item: tuple[int, int]) -> int:
    return item[1]


def _captured_at(reading: IntervalReading) -> int:
    return reading.captured_at
