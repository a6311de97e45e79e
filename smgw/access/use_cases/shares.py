"""What one meter contributes to one billing period: from which reading to which, and through which ones.

Decides a meter's share: it runs from its first usable reading at or after the beginning to its first usable one at or
after the end. So the shares of consecutive periods meet, and together they are all that the meter advanced, whatever is
missing in between. A meter that came or went inside the period contributes from its first, or up to its last reading
there (change of meters): its meter profile says when.

Nothing that was measured after the evaluation profile ended goes into a share, beyond the boundary reading that stands
for the very end (PP-0073 FDP_IFF.1/MTR).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smgw.access import schedule
from smgw.access.history import is_usable
from smgw.access.use_cases.case import Case
from wire.reading import DeviceId, Reading


@dataclass(frozen=True, slots=True)
class Share:
    """What ``meter`` contributes; its advance counts negative where it is ``subtracted``.

    ``readings`` begin with the opening reading and stand for points of the registration raster inside the period,
    oldest first; none means that the meter contributes nothing. ``closing`` is the last of them where the boundary was
    met, a later one where it was not, the last one before the end where none later may count, None where there is none.
    ``exact``: both ends are what they should be.
    """

    meter: DeviceId
    subtracted: bool
    readings: tuple[Reading, ...]
    closing: Reading | None
    exact: bool


def share_of(case: Case, meter: DeviceId, begin: datetime, end: datetime, *, inner: bool) -> Share | None:
    """The share of ``meter`` in the period; None while it hangs there and has not reached the end.

    Without ``inner`` only the two ends are looked up.
    """
    profile = case.meters.get(meter)
    first = begin if profile is None else max(begin, profile.valid_from)
    last = end if profile is None else min(end, profile.valid_until)
    subtracted = meter in case.evaluation.subtracted
    if first >= last:  # it hung there before or after
        return Share(meter, subtracted, (), None, exact=True)
    obis = case.measured.obis
    raster = timedelta(seconds=case.evaluation.period_seconds) + case.window
    stayed = profile is None or profile.valid_until > end
    closing = _reached(case, meter, end) if stayed else None
    left = closing is None and profile is not None and profile.valid_until <= case.measured.captured_at
    if left:  # it is not read any more; one that had fallen silent before the end, and was taken away later, is late
        closing = case.history.before(meter, obis, last, usable=True)
        met = not stayed and closing is not None and closing.captured_at >= last - raster
    elif closing is None:
        return None
    else:
        met = closing.captured_at <= end + case.window
        if not met and closing.captured_at >= case.evaluation.valid_until:
            closing = case.history.before(meter, obis, end, usable=True)
    opening = _boundary(case, meter, begin) if first == begin else case.history.usable_since(meter, obis, first)
    if (
        opening is None
        or opening.captured_at >= end
        or (closing is not None and closing.captured_at < opening.captured_at)
    ):
        return Share(meter, subtracted, (), None, exact=False)
    met = met and opening.captured_at <= first + (case.window if first == begin else raster)
    inside: tuple[Reading, ...] = (opening,)
    if inner:
        inside = _inside(case, meter, opening, closing if left else None, (begin, end))
    return Share(meter, subtracted, inside, closing, exact=met)


def target(case: Case, reading: Reading, boundaries: Sequence[datetime]) -> datetime | None:
    """The boundary or raster point that ``reading`` stands for."""
    for boundary in boundaries:
        if boundary <= reading.captured_at <= boundary + case.window:
            return boundary
    return schedule.served_point(reading.captured_at, case.evaluation.period_seconds)


def _reached(case: Case, meter: DeviceId, end: datetime) -> Reading | None:
    """The reading with which ``meter`` reached ``end``, the one under decision included."""
    return _boundary(case, meter, end) or (case.measured if meter == case.measured.device else None)


def _boundary(case: Case, meter: DeviceId, instant: datetime) -> Reading | None:
    """The usable reading that stands for ``instant``, else the first one after it."""
    found = case.history.reading_at(meter, case.measured.obis, instant, case.window)
    if found is not None and is_usable(found):
        return found
    return case.history.usable_since(meter, case.measured.obis, instant)


def _inside(
    case: Case, meter: DeviceId, opening: Reading, last: Reading | None, boundaries: tuple[datetime, datetime]
) -> tuple[Reading, ...]:
    """The opening reading, the first reading of each raster point up to the end, and ``last``."""
    _, end = boundaries
    measured = case.measured
    found = list(case.history.between(meter, measured.obis, opening.captured_at, end + case.window))
    if meter == measured.device and measured.captured_at <= end + case.window and measured not in found:
        found.append(measured)
    inside, taken = [opening], {target(case, opening, boundaries)}
    for reading in found:
        point = target(case, reading, boundaries)
        # A second reading of one point is none of the list; where it closes the share, what it adds is the rest.
        if point not in taken and (reading == last or (point is not None and point <= end)):
            taken.add(point)
            inside.append(reading)
    return tuple(dict.fromkeys(inside))
