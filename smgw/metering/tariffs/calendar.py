"""Local time of the tariffs: the wall clock of Europe/Berlin, its days of 92, 96 and 100 quarter hours, its months.

Decides when a calendar day begins, what the wall clock shows, which stage of a calendar holds and from when to when a
billing period lasts (TR-03109-1, TAF-1 and TAF-2). Instants are UTC seconds; never reads a clock, and never adds 24
hours to reach the next day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from smgw.metering.tariffs.errors import TariffError, TariffReason
from wire.profiles.billing import MONTHS, BillingPeriod, BillingUnit
from wire.profiles.tariff import TariffCalendar

ZONE: Final = ZoneInfo("Europe/Berlin")
"""Legal time of all contracts (Einheiten- und Zeitgesetz)."""
QUARTER_HOUR: Final = 900
_ORDINARY_DAY: Final = 86400
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class LocalDay:
    """A calendar day: from local midnight ``begin`` to the next one, ``end`` (UTC seconds, 23 to 25 hours)."""

    day: date
    begin: int
    end: int

    @classmethod
    def of(cls, day: date) -> Self:
        """The day of that date."""
        return cls(day, midnight(day), midnight(day + timedelta(days=1)))

    @property
    def quarter_hours(self) -> int:
        """92, 96 or 100."""
        return (self.end - self.begin) // QUARTER_HOUR

    def wall(self, at: int) -> int:
        """Seconds that the wall clock shows at ``at``, counted from 00:00; 86400 stands for the end of the day."""
        if at == self.end:
            return _ORDINARY_DAY
        if self.end - self.begin == _ORDINARY_DAY:
            return at - self.begin
        shown = datetime.fromtimestamp(at, ZONE)
        return shown.hour * 3600 + shown.minute * 60 + shown.second

    def instant(self, wall: int) -> int:
        """The first instant at which the wall clock shows ``wall`` seconds or, in March, has jumped over them."""
        if self.end - self.begin == _ORDINARY_DAY:
            return self.begin + wall
        if wall == _ORDINARY_DAY:
            return self.end
        shown = datetime(self.day.year, self.day.month, self.day.day, tzinfo=ZONE) + timedelta(seconds=wall)
        at = int(shown.timestamp())
        # The clock jumps by whole hours at a whole hour: what it shows past that is what the jump is too far.
        return at if self.wall(at) == wall else at - self.wall(at) % 3600


@dataclass(frozen=True, slots=True)
class Segment:
    """One stage holds from ``begin`` until ``end`` (UTC seconds, end excluded)."""

    begin: int
    end: int
    stage: int


def midnight(day: date) -> int:
    """UTC seconds of 00:00 local time."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())


def day_of(at: int) -> date:
    """The local date at ``at``."""
    return datetime.fromtimestamp(at, ZONE).date()


def days(begin: int, end: int) -> Iterator[LocalDay]:
    """Every day that has a part in ``begin`` .. ``end`` (end excluded), whole."""
    if begin >= end:
        return
    today = LocalDay.of(day_of(begin))
    while today.begin < end:
        yield today
        tomorrow = today.day + timedelta(days=1)
        today = LocalDay(tomorrow, today.end, midnight(tomorrow + timedelta(days=1)))


def segments(calendar: TariffCalendar, begin: int, end: int) -> Iterator[Segment]:
    """The stages of ``begin`` .. ``end`` in order, cut at midnight and at both ends.

    A switch inside March's missing hour holds from its end on, one inside October's double hour from the first time on
    that the clock shows it.
    """
    for today in days(begin, end):
        switches = calendar.of(today.day).switches
        begins = [today.instant(switch.minute * 60) for switch in switches]
        for switch, first, last in zip(switches, begins, [*begins[1:], today.end], strict=True):
            cut = Segment(max(first, begin), min(last, end), switch.stage)
            if cut.begin < cut.end:
                yield cut


def billing_period(period: BillingPeriod, at: int) -> tuple[int, int]:
    """Begin and end of the billing period that ``at`` lies in (end excluded).

    Months are counted from January, so that three of them are the quarters of a year; days from 1970 on.
    """
    if period.unit is BillingUnit.SECOND:
        begin = at - at % period.count
        return begin, begin + period.count
    day = day_of(at)
    if period.unit is BillingUnit.DAY:
        first = day - timedelta(days=(day - _EPOCH).days % period.count)
        return midnight(first), midnight(first + timedelta(days=period.count))
    first = date(day.year, (day.month - 1) // period.count * period.count + 1, 1)
    return midnight(first), midnight(months_later(first, period.count))


def months_later(day: date, months: int) -> date:
    """The first of a month, ``months`` after the first of a month ``day``."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def require_months(begin: int, end: int) -> int:
    """How many months (1, 2, 3, 6 or 12) lie from ``begin`` to ``end``. Raises TariffError for any other period."""
    day = day_of(begin)
    if day.day != 1 or midnight(day) != begin:
        raise TariffError(TariffReason.PERIOD_BEGIN, f"the billing period begins at {local(begin)}, not with a month")
    for months in MONTHS:
        if midnight(months_later(day, months)) == end:
            return months
    raise TariffError(
        TariffReason.PERIOD_LENGTH,
        f"the billing period from {local(begin)} to {local(end)} has not 1, 2, 3, 6 or 12 whole months",
    )


def local(at: int) -> str:
    """``at`` as people read it: ``2017-10-29T02:30:00+02:00``."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZONE).isoformat()
