"""What TAF-2 books, on small made-up days; the published cases are in tests/smgw/recalculation/test_published.py."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.metering.tariffs import taf2
from smgw.metering.tariffs.calendar import LocalDay, midnight
from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.values import Value, ValueList
from wire.obis import Obis
from wire.profiles.tariff import DayProfile, SpecialDay, TariffCalendar, TariffStage, TariffSwitch, TimeStages

LOW, HIGH, ERROR = 1, 2, 63
FIRST = date(2026, 6, 1)
DAY = midnight(FIRST)
HOUR = 3600
END = DAY + 24 * HOUR
MORNING, EVENING = 6 * HOUR, 22 * HOUR
INDEX = 5000


def rule(*days: tuple[tuple[int, int], ...], first: date = FIRST) -> TimeStages:
    """Days one after the other, each of (second, stage); the last one holds on."""
    profiles = tuple(
        DayProfile(number, tuple(TariffSwitch(second // 60, stage) for second, stage in day))
        for number, day in enumerate(days)
    )
    special = tuple(SpecialDay(first + timedelta(days=number), number) for number in range(len(days)))
    return TimeStages(
        (TariffStage(LOW, Obis.parse("1-0:1.8.1*255")), TariffStage(HIGH, Obis.parse("1-0:1.8.2*255"))),
        TariffCalendar(profiles, (len(days) - 1,) * 7, special),
    )


RULE = rule(((0, LOW), (MORNING, HIGH), (EVENING, LOW)))


def readings(seconds: int = 24 * HOUR, *, begin: int = DAY, step: int = 900) -> list[Value]:
    """One reading every ``step`` seconds; the register goes 1 each 90 seconds."""
    return [Value(begin + at, INDEX + at // 90) for at in range(0, seconds + 1, step)]


def without(found: Iterable[Value], *gaps: tuple[float, float]) -> list[Value]:
    """Not those from the first to the second of each gap (hours of the first day, both included)."""
    return [one for one in found if not any(a * HOUR <= one.at - DAY <= b * HOUR for a, b in gaps)]


def booked(found: Iterable[Value], by: TimeStages = RULE, end: int = END) -> tuple[int, int, int]:
    registers = taf2.book(ValueList.of(found), by, DAY, end).registers
    return registers[LOW], registers[HIGH], registers[ERROR]


def test_a_whole_day_goes_to_its_stages() -> None:
    """TR-03109-1, TAF-2: what is counted between two switches belongs to the stage between them."""
    result = taf2.book(ValueList.of(readings()), RULE, DAY, END)
    assert dict(result.registers) == {LOW: 320, HIGH: 640, ERROR: 0}
    assert (result.total, result.begin, result.end) == (960, DAY, END)


def test_a_gap_inside_a_stage_changes_nothing() -> None:
    assert booked(without(readings(), (7, 21), (1, 5))) == (320, 640, 0)


def test_around_a_missing_switch_it_is_an_error() -> None:
    assert booked(without(readings(), (6, 6))) == (310, 630, 20)
    assert booked(without(readings(), (5.5, 7))) == (290, 590, 80)


def test_without_any_reading_inside_the_whole_stage_is_an_error() -> None:
    assert booked(without(readings(), (6.1, 22))) == (310, 0, 650)


def test_a_span_over_several_switches_is_all_error() -> None:
    assert booked(without(readings(), (5, 23))) == (220, 0, 740)


def test_an_unusable_reading_is_a_missing_one() -> None:
    marked = [Value(one.at, one.value, one.at != DAY + MORNING) for one in readings()]
    assert booked(marked) == (310, 630, 20)


def test_readings_off_the_raster_count_for_nothing_between() -> None:
    moved = [Value(one.at + 60, one.value) if one.at == DAY + MORNING else one for one in readings()]
    assert booked(moved) == (310, 630, 20)


def test_a_switch_between_two_quarter_hours_is_found_on_the_lists_own_raster() -> None:
    minutes = readings(step=60)
    odd = rule(((0, LOW), (MORNING + 60, HIGH)))
    assert taf2.book(ValueList.of(minutes), odd, DAY, END, raster_seconds=60).registers[ERROR] == 0
    assert taf2.book(ValueList.of(minutes), odd, DAY, END).registers[ERROR] == 10


@pytest.mark.parametrize("raster", [60, 900, 3600])
def test_any_other_rule_is_booked_on_the_quarter_hours(raster: int) -> None:
    """So does the consumer's display software, whatever the raster of the list is."""
    gap = [one for one in readings(step=60) if one.at != DAY + MORNING]
    registers = taf2.book(ValueList.of(gap), RULE, DAY, END, raster_seconds=raster).registers
    assert (registers[LOW], registers[HIGH], registers[ERROR]) == (310, 630, 20)


def test_over_midnight_the_stage_is_carried_on() -> None:
    two_days = without(readings(48 * HOUR), (23, 27))
    assert booked(two_days, end=DAY + 48 * HOUR) == (640, 1280, 0)


def test_over_midnight_into_another_stage_it_is_an_error() -> None:
    two_days = without(readings(48 * HOUR), (23, 31))
    assert booked(two_days, end=DAY + 48 * HOUR) == (350, 1230, 340)


def test_a_missing_day_is_an_error_if_it_has_switches() -> None:
    three_days = without(readings(72 * HOUR), (23, 49))
    assert booked(three_days, end=DAY + 72 * HOUR) == (540, 1280, 1060)


@pytest.mark.parametrize(("day", "low"), [(date(2026, 3, 29), 7 * 40), (date(2026, 10, 25), 9 * 40)])
def test_the_hour_of_a_clock_change_belongs_to_the_stage_around_it(day: date, low: int) -> None:
    today = LocalDay.of(day)
    found = readings(today.end - today.begin, begin=today.begin)
    result = taf2.book(ValueList.of(found), RULE, today.begin, today.end)
    assert dict(result.registers) == {LOW: low, HIGH: 640, ERROR: 0}


def test_a_switch_inside_the_missing_hour_is_a_missing_switch() -> None:
    today = LocalDay.of(date(2026, 3, 29))
    found = readings(today.end - today.begin, begin=today.begin)
    at_half_past_two = rule(((0, LOW), (9000, HIGH)))
    result = taf2.book(ValueList.of(found), at_half_past_two, today.begin, today.end)
    assert dict(result.registers) == {LOW: 70, HIGH: 840, ERROR: 10}


def test_a_switch_inside_the_double_hour_is_the_first_one() -> None:
    today = LocalDay.of(date(2026, 10, 25))
    found = readings(today.end - today.begin, begin=today.begin)
    at_half_past_two = rule(((0, LOW), (9000, HIGH)))
    result = taf2.book(ValueList.of(found), at_half_past_two, today.begin, today.end)
    assert dict(result.registers) == {LOW: 100, HIGH: 900, ERROR: 0}


def test_a_list_that_begins_in_the_double_hour_loses_nothing() -> None:
    """The first slot that was read is that of the second hour, and later ones of the first hour come before it."""
    today = LocalDay.of(date(2026, 10, 25))
    begin = today.begin + 2 * HOUR
    first, _, *others = readings(today.end - begin, begin=begin)
    found = [Value(first.at + 9, first.value), *others]
    result = taf2.book(ValueList.of(found), RULE, begin, today.end)
    assert result.total == found[-1].value - found[0].value
    assert dict(result.registers) == {LOW: 7 * 40, HIGH: 640, ERROR: 0}


def test_a_first_and_a_last_reading_off_the_raster_are_ends() -> None:
    found = [Value(DAY + 60, INDEX), *readings()[1:-1], Value(END - 60, INDEX + 1000)]
    assert sum(booked(found)) == 1000
    assert booked(found)[2] == 0


def test_readings_that_are_all_off_the_raster_have_a_stage_only_within_one() -> None:
    assert booked([Value(DAY + 60, 1), Value(DAY + 7200 + 60, 9)]) == (8, 0, 0)
    assert booked([Value(DAY + 60, 1), Value(DAY + MORNING + 60, 9)]) == (0, 0, 8)


def test_a_register_that_begins_again_is_counted_on() -> None:
    turned = [Value(one.at, (one.value + 994_700) % 10**6) for one in readings()]
    assert min(one.value for one in turned) == 0
    registers = taf2.book(ValueList.of(turned, turnover=10**6), RULE, DAY, END).registers
    assert dict(registers) == {LOW: 320, HIGH: 640, ERROR: 0}


def test_late_and_doubled_readings_change_nothing() -> None:
    assert booked([*readings()[::-1], *readings()[10:40]]) == (320, 640, 0)


def test_contradicting_readings_at_a_switch_make_an_error() -> None:
    assert booked([*readings(), Value(DAY + MORNING, INDEX)]) == (310, 630, 20)


@pytest.mark.parametrize(
    "found", [[], [Value(DAY, 1)], [Value(DAY - 1, 1), Value(END + 1, 2)], [Value(DAY, 1, False), Value(END, 2, False)]]
)
def test_without_two_instants_or_a_usable_reading_there_is_no_bill(found: list[Value]) -> None:
    with pytest.raises(TariffError) as refused:
        taf2.book(ValueList.of(found), RULE, DAY, END)
    assert refused.value.reason is TariffReason.NO_READINGS


def test_a_plan_has_no_stage_twice_and_none_before_its_first_entry() -> None:
    assert taf2.plan([(0, 1), (900, 1), (1800, 2)]) == ((0, 1), (1800, 2))
    assert taf2.plan([(900, 1)]) == ((0, ERROR), (900, 1))
    assert taf2.plan([]) == taf2.NOT_LISTED


# Where the display software errs (docs/deviations.md), ours books correctly. What it would say is stated beside.


def test_a_first_reading_that_is_unusable_does_not_make_the_index_an_error() -> None:
    """It books the whole index of the register as an error: 5,010."""
    found = readings()
    marked = [Value(found[0].at, found[0].value, usable=False), *found[1:]]
    theirs = (310, 640, INDEX + 10)
    assert booked(marked) == (310, 640, 0) != theirs


def test_a_first_reading_off_the_raster_does_not_make_the_index_an_error() -> None:
    """The same, where the next slot is missing too: 5,020."""
    found = readings()
    theirs = (300, 640, INDEX + 20)
    assert booked([Value(DAY + 60, INDEX), *found[2:]]) == (320, 640, 0) != theirs


def test_time_after_the_last_listed_day_is_not_lost() -> None:
    """It books nothing of it."""
    found = ValueList.of(readings(25 * HOUR))
    one_day = ((0, LOW), (MORNING, HIGH), (EVENING, LOW))
    plan_of = {FIRST: one_day}.get
    result = taf2.book_days(found, lambda day: plan_of(day, taf2.NOT_LISTED), (LOW, HIGH), DAY, END + HOUR).registers
    theirs = {LOW: 320, HIGH: 640, ERROR: 0}
    assert dict(result) == {LOW: 320, HIGH: 640, ERROR: 40} != theirs


def test_a_gap_over_a_whole_stage_is_an_error_wherever_it_begins() -> None:
    """Begins the gap exactly one slot before the switch, it books all of it on the stage before: high."""
    by = rule(((0, HIGH), (EVENING, LOW)), ((0, HIGH), (EVENING, LOW)))
    two_days = readings(48 * HOUR)
    begins_one_slot_before = [one for one in two_days if not DAY + EVENING <= one.at <= END + 2 * HOUR]
    begins_two_slots_before = [one for one in two_days if not DAY + EVENING - 900 <= one.at <= END + 2 * HOUR]
    theirs = (80, 1920 - 80, 0)
    assert booked(begins_one_slot_before, by, DAY + 48 * HOUR) == (80, 1920 - 80 - 180, 180) != theirs
    assert booked(begins_two_slots_before, by, DAY + 48 * HOUR) == (80, 1920 - 80 - 190, 190)


def test_the_last_reading_is_carried_on_not_the_highest() -> None:
    """Over midnight it carries the highest value of the register, so that one that began again is lost."""
    two_days = without(readings(48 * HOUR), (23, 27))
    turned = [Value(one.at, (one.value + 994_500) % 10**6) for one in two_days]
    assert turned[0].value > turned[90].value
    registers = taf2.book(ValueList.of(turned, turnover=10**6), RULE, DAY, DAY + 48 * HOUR).registers
    assert dict(registers) == {LOW: 640, HIGH: 1280, ERROR: 0}


PLANS = st.lists(st.tuples(st.integers(0, 95), st.integers(1, 2)), max_size=5).map(
    lambda found: tuple(sorted({0: LOW, **{slot * 900: stage for slot, stage in found}}.items()))
)


@settings(max_examples=150)
@given(
    st.sampled_from([date(2026, 3, 28), date(2026, 10, 24), FIRST]),
    st.lists(PLANS, min_size=3, max_size=3),
    st.lists(st.tuples(st.integers(-50, 300), st.integers(0, 9999), st.booleans(), st.booleans()), max_size=60),
    st.sampled_from([None, 10_000]),
)
def test_registers_always_sum_to_the_advance(
    first: date,
    plans: list[tuple[tuple[int, int], ...]],
    found: list[tuple[int, int, bool, bool]],
    turnover: int | None,
) -> None:
    """TR-03109-1, TAF-2: whatever is missing, late or wrong, no energy is lost and none invented."""
    begin, end = midnight(first), midnight(first + timedelta(days=3))
    values = ValueList.of(
        (Value(begin + slot * 900 + 60 * off, value, usable) for slot, value, usable, off in found), turnover=turnover
    )
    part, usable = values.between(begin, end), values.usable_between(begin, end)
    try:
        result = taf2.book(values, rule(*plans, first=first), begin, end)
    except TariffError:
        assert len(part) < 2 or not usable
        return
    advance = usable[-1].value - usable[0].value
    assert result.total == sum(result.registers.values())
    if turnover is None:
        assert result.total == advance
    else:
        assert (result.total - advance) % turnover == 0
    assert (result.begin, result.end) == (part[0].at, part[-1].at)


def test_a_list_costs_what_its_readings_cost() -> None:
    """Twice the readings are twice the steps: counted by calls, not by a clock."""
    asked: list[date] = []

    def plan_of(day: date) -> taf2.DayPlan:
        asked.append(day)
        return ((0, LOW), (MORNING, HIGH), (EVENING, LOW))

    for days in (100, 200):
        asked.clear()
        values = ValueList.of(readings(days * 24 * HOUR))
        taf2.book_days(values, plan_of, (LOW, HIGH), DAY, DAY + days * 24 * HOUR)
        assert len(asked) == days
