"""The parts of a history: where quarter-hours, days, months and years begin in legal time.

Decides that parts meet and lie in Europe/Berlin, so that a day of the clock change has 92 or 100 quarter-hours and a
year begins on the first of January there; and how many may be asked for at once.
"""

from datetime import date
from typing import Final

from smgw.han.port import HanError, HanReason
from smgw.han.shown import Resolution
from smgw.metering.tariffs.calendar import QUARTER_HOUR, day_of, midnight, months_later

MAXIMUM_PARTS: Final = 40_000
"""A year has 35,136 quarter-hours at most."""
EARLIEST: Final = 0
LATEST: Final = 7_258_118_400
"""1970 to 2200: beyond lies no reading, and some calendars end."""
_DAY: Final = 86400
_SHORTEST: Final = {
    Resolution.QUARTER_HOUR: QUARTER_HOUR,
    Resolution.DAY: _DAY - 3600,
    Resolution.MONTH: 28 * _DAY - 3600,
    Resolution.YEAR: 365 * _DAY,
}
"""Seconds; no part is shorter."""


def bounds_of(resolution: Resolution, begin: int, end: int) -> tuple[int, ...]:
    """Where each part of ``begin`` .. ``end`` begins, widened to whole parts, and where the last one ends.

    Raises HanError BAD_QUESTION, TOO_MUCH.
    """
    if not EARLIEST <= begin < end <= LATEST:
        raise HanError(HanReason.BAD_QUESTION, "the end lies before the begin, or either in no time that is known")
    if (end - begin) // _SHORTEST[resolution] >= MAXIMUM_PARTS:
        raise HanError(HanReason.TOO_MUCH, f"more than {MAXIMUM_PARTS} parts: ask for less, or for longer ones")
    if resolution is Resolution.QUARTER_HOUR:
        # Legal time differs from UTC by whole hours, so its quarter-hours are those of UTC.
        return tuple(range(begin - begin % QUARTER_HOUR, end + QUARTER_HOUR, QUARTER_HOUR))
    found = [part_of(resolution, begin)[0]]
    while found[-1] < end:
        found.append(part_of(resolution, found[-1])[1])
    return tuple(found)


def part_of(resolution: Resolution, at: int) -> tuple[int, int]:
    """Begin and end of the part that ``at`` lies in."""
    if resolution is Resolution.QUARTER_HOUR:
        begin = at - at % QUARTER_HOUR
        return begin, begin + QUARTER_HOUR
    day = day_of(at)
    if resolution is Resolution.DAY:
        return midnight(day), midnight(date.fromordinal(day.toordinal() + 1))
    months = 1 if resolution is Resolution.MONTH else 12
    first = date(day.year, day.month if months == 1 else 1, 1)
    return midnight(first), midnight(months_later(first, months))


def before(resolution: Resolution, begin: int) -> int:
    """The begin of the part before the one that begins at ``begin``."""
    return part_of(resolution, begin - 1)[0]
