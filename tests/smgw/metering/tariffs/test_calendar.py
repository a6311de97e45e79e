from datetime import date, datetime

import pytest

from smgw.metering.tariffs.calendar import (
    ZONE,
    LocalDay,
    Segment,
    billing_period,
    day_of,
    days,
    local,
    midnight,
    require_months,
    segments,
)
from smgw.metering.tariffs.errors import TariffError, TariffReason
from wire.profiles.billing import BillingPeriod, BillingUnit
from wire.profiles.tariff import DayProfile, SpecialDay, TariffCalendar, TariffSwitch

SPRING, AUTUMN, ORDINARY = date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 1)
HOUR = 3600


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def of_day(*switches: tuple[int, int], id: int = 1) -> DayProfile:  # noqa: A002 -- the field's name
    return DayProfile(id, tuple(TariffSwitch(minute, stage) for minute, stage in switches))


@pytest.mark.parametrize(("day", "count"), [(SPRING, 92), (AUTUMN, 100), (ORDINARY, 96)])
def test_a_day_has_92_96_or_100_quarter_hours(day: date, count: int) -> None:
    """TR-03109-1, TAF-2: local days."""
    today = LocalDay.of(day)
    assert today.quarter_hours == count
    assert (today.begin, today.end) == (midnight(day), midnight(day.replace(day=day.day + 1)))
    assert today.wall(today.begin) == 0
    assert today.wall(today.end) == 24 * HOUR


@pytest.mark.parametrize("day", [SPRING, AUTUMN, ORDINARY])
def test_the_wall_clock_agrees_with_its_instants(day: date) -> None:
    today = LocalDay.of(day)
    for minute in range(0, 24 * 60, 5):
        first = today.instant(minute * 60)
        shown = datetime.fromtimestamp(first, ZONE)
        if day == SPRING and 120 <= minute < 180:
            assert local(first) == "2026-03-29T03:00:00+02:00"  # jumped over
        else:
            assert (shown.hour * 60 + shown.minute, shown.date()) == (minute, day)
            assert shown.fold == 0
            assert today.wall(first) == minute * 60
    assert today.instant(24 * HOUR) == today.end


def test_the_doubled_hour_shows_the_same_wall_clock_twice() -> None:
    today = LocalDay.of(AUTUMN)
    assert today.wall(at("2026-10-25T02:30:00+02:00")) == today.wall(at("2026-10-25T02:30:00+01:00")) == 150 * 60


def test_days_follow_one_another_without_a_gap() -> None:
    begin, end = midnight(date(2026, 3, 27)), midnight(date(2026, 4, 2))
    found = list(days(begin, end))
    assert [one.day.day for one in found] == [27, 28, 29, 30, 31, 1]
    assert [one.begin for one in found[1:]] == [one.end for one in found[:-1]]
    assert (found[0].begin, found[-1].end) == (begin, end)
    assert [one.day for one in days(begin + 5, begin + 6)] == [date(2026, 3, 27)]
    assert list(days(begin, begin)) == []


def test_stages_are_cut_at_midnight_and_at_both_ends() -> None:
    calendar = TariffCalendar(
        (of_day((0, 1), (360, 2)), of_day((0, 3), id=2)), (1,) * 7, (SpecialDay(date(2026, 6, 2), 2),)
    )
    begin, end = at("2026-06-01T05:00:00+02:00"), at("2026-06-03T07:00:00+02:00")
    assert list(segments(calendar, begin, end)) == [
        Segment(begin, begin + HOUR, 1),
        Segment(begin + HOUR, midnight(date(2026, 6, 2)), 2),
        Segment(midnight(date(2026, 6, 2)), midnight(date(2026, 6, 3)), 3),
        Segment(midnight(date(2026, 6, 3)), end - HOUR, 1),
        Segment(end - HOUR, end, 2),
    ]
    assert list(segments(calendar, begin + HOUR - 1, begin + HOUR)) == [Segment(begin + HOUR - 1, begin + HOUR, 1)]


def test_a_stage_that_would_begin_and_end_in_the_missing_hour_does_not_exist() -> None:
    calendar = TariffCalendar((of_day((0, 1), (130, 2), (150, 3)),), (1,) * 7)
    found = [one.stage for one in segments(calendar, midnight(SPRING), midnight(SPRING) + 12 * HOUR)]
    assert found == [1, 3]


@pytest.mark.parametrize(
    ("count", "inside", "begin", "end"),
    [
        (1, "2026-02-28T23:59:59+01:00", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00"),
        (1, "2026-03-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"),
        (2, "2026-04-10T00:00:00+02:00", "2026-03-01T00:00:00+01:00", "2026-05-01T00:00:00+02:00"),
        (3, "2026-12-31T23:00:00+01:00", "2026-10-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00"),
        (6, "2026-07-01T00:00:00+02:00", "2026-07-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00"),
        (12, "2026-07-01T00:00:00+02:00", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
    ],
)
def test_billing_months_begin_with_the_first_of_local_time(count: int, inside: str, begin: str, end: str) -> None:
    """TR-03109-1, TAF-1 and TAF-2: billing months."""
    found = billing_period(BillingPeriod(count, BillingUnit.MONTH), at(inside))
    assert found == (at(begin), at(end))
    assert require_months(*found) == count


def test_billing_days_are_local_days_and_seconds_are_utc_multiples() -> None:
    assert billing_period(BillingPeriod(1, BillingUnit.DAY), midnight(AUTUMN) + 5) == (
        midnight(AUTUMN),
        midnight(AUTUMN) + 25 * HOUR,
    )
    week = BillingPeriod(7, BillingUnit.DAY)
    begin, end = billing_period(week, midnight(SPRING))
    assert begin <= midnight(SPRING) < end
    assert (day_of(end) - day_of(begin)).days == 7
    assert billing_period(week, end)[0] == end
    assert billing_period(BillingPeriod(300, BillingUnit.SECOND), 1_000_000_123) == (999_999_900, 1_000_000_200)


@pytest.mark.parametrize(
    ("begin", "end", "reason"),
    [
        ("2026-02-02T00:00:00+01:00", "2026-03-02T00:00:00+01:00", TariffReason.PERIOD_BEGIN),
        ("2026-02-01T00:00:01+01:00", "2026-03-01T00:00:00+01:00", TariffReason.PERIOD_BEGIN),
        ("2026-02-01T00:00:00+01:00", "2026-03-01T00:15:00+01:00", TariffReason.PERIOD_LENGTH),
        ("2026-01-01T00:00:00+01:00", "2026-05-01T00:00:00+02:00", TariffReason.PERIOD_LENGTH),
        ("2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+01:00", TariffReason.PERIOD_LENGTH),
    ],
)
def test_a_period_of_any_other_length_has_no_months(begin: str, end: str, reason: TariffReason) -> None:
    with pytest.raises(TariffError) as refused:
        require_months(at(begin), at(end))
    assert refused.value.reason is reason
