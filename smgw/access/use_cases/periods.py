"""When a billing period closes, and what it then consists of: the common ground of TAF 1, 2, 3, 4, 5, 8 and 12.

Decides that a period is closed by the reading that completes it: the first usable one at or after its end of the last
of its meters that still hang there. So every period is decided once, whether its boundary reading came or a gap hides
it, and however the clock jumps. It counts only if it lies wholly inside the profile's validity. Where months and days
begin is local time (``smgw/metering/tariffs/calendar.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from smgw.access.grants import Grant, RefusalReason
from smgw.access.history import is_usable
from smgw.access.sums import NotSummableError, at_scaler
from smgw.access.use_cases.case import Case, Outcome
from smgw.access.use_cases.shares import Share, share_of, target
from smgw.metering.tariffs.calendar import billing_period
from smgw.metering.tariffs.values import Value, ValueList
from smgw.metering.turnover import advance, found_in
from wire.instant import EPOCH, format_instant
from wire.profiles import BillingPeriod
from wire.reading import Reading, Unit

MAXIMUM_CLOSED: Final = 100
"""Periods that one reading closes: the newest, and always those in which a gap began. Eight years of months; only
testbeds have more in one gap."""
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A closed billing period, with the shares of all its meters; some may be empty, not all."""

    case: Case
    begin: datetime
    end: datetime
    shares: tuple[Share, ...]

    @property
    def key(self) -> str:
        """The one key of the period under its profile."""
        return f"{self.case.gateway}|{self.case.measured.obis}|{format_instant(self.begin)}"

    @property
    def filled(self) -> tuple[Share, ...]:
        """The shares that contribute something."""
        return tuple(share for share in self.shares if share.readings)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Every reading of every share, the closing ones included."""
        ends = (share.closing for share in self.filled)
        return (
            *(reading for share in self.filled for reading in share.readings),
            *(closing for closing in ends if closing is not None),
        )

    @property
    def status(self) -> int:
        """Every bit that any reading of the period carries: a flag is never lost."""
        word = 0
        for reading in self.readings:
            word |= reading.status
        return word

    def scale(self, coarsest: int) -> tuple[int, Unit]:
        """The finest scaler of all readings, ``coarsest`` at most, and their unit. Raises NotSummableError."""
        units = {reading.register.unit for reading in self.readings}
        if len(units) != 1:
            raise NotSummableError("the readings have no unit in common")
        return min(coarsest, *(reading.register.scaler for reading in self.readings)), units.pop()

    def values(self, share: Share, scaler: int) -> ValueList:
        """The readings of ``share`` at their target times, in units of 10^``scaler``; a turnover is found in them."""
        values = [
            Value(
                seconds(target(self.case, reading, (self.begin, self.end)) or reading.captured_at),
                at_scaler(reading.register, scaler),
                is_usable(reading),
            )
            for reading in share.readings
        ]
        return ValueList.of(values, turnover=found_in([one.value for one in values]))

    def rest(self, share: Share, scaler: int) -> int:
        """What ``share`` advanced from its last usable reading inside the period to a closing one that came late."""
        if share.closing is None:
            return 0
        last = next(reading for reading in reversed(share.readings) if is_usable(reading))
        return advance(at_scaler(last.register, scaler), at_scaler(share.closing.register, scaler))


Book: TypeAlias = Callable[[Period], Grant | RefusalReason]
"""What a closed period comes to. Raises NotSummableError where it has no exact value."""


def close(case: Case, book: Book, *, inner: bool = True) -> Outcome:
    """The periods that this reading closes, each as ``book`` has it, or why it closes none.

    Without ``inner`` only the ends of the periods are looked up.
    """
    billing, measured = case.evaluation.billing, case.measured
    if billing is None:
        return (RefusalReason.NO_RULE,)
    begin, _ = bounds(billing, measured.captured_at)
    periods = _reached(case, billing, begin) if is_usable(measured) else []
    if periods:
        return [_closed(case, period, book, inner=inner) for period in periods]
    if measured.captured_at - begin <= case.window:
        return (RefusalReason.ALREADY_SERVED,)
    return (case.outside_validity(measured.captured_at) or RefusalReason.PERIOD_OPEN,)


def bounds(billing: BillingPeriod, instant: datetime) -> tuple[datetime, datetime]:
    """Begin and end of the billing period that ``instant`` lies in (end excluded)."""
    begin, end = billing_period(billing, seconds(instant))
    return EPOCH + timedelta(seconds=begin), EPOCH + timedelta(seconds=end)


def seconds(instant: datetime) -> int:
    """UTC seconds since 1970."""
    return int(instant.timestamp())


def _reached(case: Case, billing: BillingPeriod, open_begin: datetime) -> list[tuple[datetime, datetime]]:
    """The periods that this reading may complete, oldest first: those that its meter had not reached the end of."""
    measured = case.measured
    latest = case.history.latest(measured.device, measured.obis)
    if latest is not None and latest.captured_at > measured.captured_at:
        return []  # the clock went back: what closed is closed
    before = case.history.before(measured.device, measured.obis, measured.captured_at, usable=True)
    if before is None:
        waiting = (_waiting_since(case, open_begin), *_left(case, case.evaluation.valid_from))
    else:
        waiting = (before.captured_at, *_left(case, before.captured_at))
    anchors = [anchor for anchor in waiting if anchor < open_begin]
    if not anchors:
        return []
    # Where a gap began stands all that was used in it, so these periods are among them however long it was.
    periods = {bounds(billing, anchor) for anchor in anchors}
    end = open_begin
    while end > min(anchors) and len(periods) < MAXIMUM_CLOSED:
        begin, _ = bounds(billing, end - _SECOND)
        periods.add((begin, end))
        end = begin
    return sorted(periods)


def _waiting_since(case: Case, open_begin: datetime) -> datetime:
    """Since when periods may have waited for the very first reading of its meter, because others had been read.

    Nothing earlier was ever read of it alone: one lost period is told, not a century of them.
    """
    measured, evaluation = case.measured, case.evaluation
    hung = case.meters.get(measured.device)
    since = evaluation.valid_from if hung is None else max(evaluation.valid_from, hung.valid_from)
    found = (case.history.usable_since(meter, measured.obis, since) for meter in evaluation.meters)
    return min((one.captured_at for one in found if one is not None), default=open_begin - _SECOND)


def _left(case: Case, since: datetime) -> list[datetime]:
    """When other meters, which were taken away after ``since``, were read last.

    A meter that fell silent keeps its periods open for as long as it hangs there, and no longer.
    """
    measured, found = case.measured, []
    for meter in case.evaluation.meters:
        hung = case.meters.get(meter)
        if hung is None or meter == measured.device or not since < hung.valid_until <= measured.captured_at:
            continue
        last = case.history.before(meter, measured.obis, hung.valid_until, usable=True)
        begin = max(case.evaluation.valid_from, hung.valid_from)
        found.append(begin if last is None else max(begin, last.captured_at))
    return found


def _closed(case: Case, period: tuple[datetime, datetime], book: Book, *, inner: bool) -> Grant | RefusalReason:
    begin, end = period
    evaluation = case.evaluation
    if end > evaluation.valid_until:
        return RefusalReason.EXPIRED
    if begin < evaluation.valid_from:
        return RefusalReason.NOT_YET_VALID if end < evaluation.valid_from else RefusalReason.PERIOD_OPEN
    shares: list[Share] = []
    for meter in evaluation.meters:
        share = share_of(case, meter, begin, end, inner=inner)
        if share is None:
            return RefusalReason.PERIOD_OPEN
        shares.append(share)
    if not any(share.readings for share in shares):
        return RefusalReason.BOUNDARY_MISSING
    try:
        return book(Period(case, begin, end, tuple(shares)))
    except NotSummableError:
        return RefusalReason.NOT_SUMMABLE
