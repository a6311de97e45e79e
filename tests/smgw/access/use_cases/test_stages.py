"""TAF 2 to 5, live: the registers of each period, whatever is missing, late, doubled or exchanged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.access.grants import RefusalReason
from smgw.access.history import is_usable
from smgw.access.use_cases.periods import bounds, seconds
from smgw.metering.tariffs import taf2
from smgw.metering.tariffs.calendar import ZONE
from smgw.metering.tariffs.taf5 import TariffEvent
from smgw.metering.tariffs.values import Value, ValueList
from tests.smgw.access.cases import SECOND_METER, SERIES, SUM, Memory, at, decided, reading, walked
from tests.smgw.access.use_cases.worlds import (
    BLOCK,
    DAILY,
    EVENT,
    LOAD,
    QUARTER,
    TIME,
    of,
    quarters,
    registers,
)
from tests.wire.profiles.examples import METER
from wire.profiles import BillingPeriod, BillingUnit, EvaluationProfile, TimeStages
from wire.reading import SignedReading, Unit

NOON = at("12:00:00")
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_a_local_day_in_two_stages_with_total_and_error() -> None:
    """TR-03109-1, TAF-2: registers of the stages, the total x.8.0 and the error register x.8.63."""
    midnight = datetime(2026, 5, 31, 22, tzinfo=UTC)
    (grant,) = walked(quarters(midnight, *(10,) * 96), TIME)
    assert registers(grant) == {"1.8.0": 960, "1.8.1": 640, "1.8.2": 320, "1.8.63": 0}
    assert (grant.period_begin, grant.period_end) == (midnight, midnight + 24 * HOUR)
    assert {one.captured_at for one in grant.derived} == {grant.period_end}
    assert {one.device.text for one in grant.derived} == {"EABC0012345678"}


def test_days_of_23_and_25_hours_are_whole_days() -> None:
    """TR-03109-1, TAF-2: 92 and 100 quarter hours."""
    for begin, count in ((datetime(2026, 3, 28, 23, tzinfo=UTC), 92), (datetime(2026, 10, 24, 22, tzinfo=UTC), 100)):
        (grant,) = walked(quarters(begin, *(10,) * count), TIME)
        assert grant.period_end - grant.period_begin == count * QUARTER
        assert registers(grant) == {"1.8.0": 10 * count, "1.8.1": 640, "1.8.2": 10 * count - 640, "1.8.63": 0}


def test_a_month_begins_at_local_midnight() -> None:
    """TR-03109-1, TAF-2: billing months of Europe/Berlin."""
    monthly = replace(TIME, billing=BillingPeriod(1, BillingUnit.MONTH), period_seconds=3600)
    begin = datetime(2026, 2, 28, 23, tzinfo=UTC)
    hours = [reading(begin + number * HOUR, number) for number in range(31 * 24)]
    (grant,) = walked(hours, monthly)  # March has an hour less
    assert (grant.period_begin, grant.period_end) == (begin, datetime(2026, 3, 31, 22, tzinfo=UTC))
    assert registers(grant)["1.8.0"] == 31 * 24 - 1


def test_load_block_and_event_book_the_same_hour_differently() -> None:
    """TR-03109-1, TAF-3, TAF-4, TAF-5."""
    hour = quarters(NOON, 90, 110, 90, 30)
    peak = TariffEvent(int((NOON + QUARTER).timestamp()) - 30, "peak", active=True)
    wanted = {LOAD.id: (210, 110), BLOCK.id: (250, 70), EVENT.id: (90, 230)}
    for grant in walked(hour, LOAD, BLOCK, EVENT, history=Memory(events=[peak])):
        first, second = wanted.pop(grant.profile)
        assert registers(grant) == {"1.8.0": 320, "1.8.1": first, "1.8.2": second, "1.8.63": 0}
    assert wanted == {}


def test_a_boundary_that_is_missing_is_closed_by_the_first_later_reading() -> None:
    """TR-03109-1, TAF-2: what the gap hides stands in the error register, and the next period begins behind it."""
    first, second = walked(quarters(NOON, 10, 10, 10, None, 40, 10, 10, 10), LOAD)
    assert registers(first) == {"1.8.0": 70, "1.8.1": 30, "1.8.2": 0, "1.8.63": 40}
    assert registers(second) == {"1.8.0": 30, "1.8.1": 30, "1.8.2": 0, "1.8.63": 0}


def test_a_gap_over_whole_periods_is_told_and_nothing_is_invented() -> None:
    hours = [*quarters(NOON, 10), *quarters(NOON + 3 * HOUR + QUARTER, 10, 10, 10, start=2000)]
    history = Memory()
    (lost, last) = walked(hours, LOAD, history=history)
    assert registers(lost) == {"1.8.0": 1000, "1.8.1": 10, "1.8.2": 0, "1.8.63": 990}
    assert (lost.period_begin, last.period_begin) == (NOON, NOON + 3 * HOUR)
    told = decided(hours[2], LOAD, history=Memory(hours[:2])).refusals
    assert [refusal.reason for refusal in told] == [RefusalReason.BOUNDARY_MISSING]


def test_what_was_measured_after_the_profile_is_in_no_register() -> None:
    """FDP_IFF.1/MTR: to no later date."""
    ending = replace(LOAD, valid_until=NOON + HOUR)
    hour = quarters(NOON, 10, 10, 10)
    late = reading(NOON + 5 * HOUR, 5000)
    (grant,) = decided(late, ending, history=Memory(hour)).grants
    assert registers(grant) == {"1.8.0": 30, "1.8.1": 30, "1.8.2": 0, "1.8.63": 0}
    (grant,) = decided(reading(NOON + HOUR + 3 * SECOND, 1040), ending, history=Memory(hour)).grants
    assert registers(grant)["1.8.0"] == 40


def test_an_unusable_reading_is_no_boundary() -> None:
    flagged = reading(NOON + HOUR, 1040, status=0x200 << 32)
    hour = Memory(quarters(NOON, 10, 10, 10))
    assert decided(flagged, LOAD, history=hour).grants == ()
    hour.readings.append(flagged)
    (grant,) = decided(reading(NOON + HOUR + QUARTER, 1050), LOAD, history=hour).grants
    assert registers(grant) == {"1.8.0": 50, "1.8.1": 30, "1.8.2": 0, "1.8.63": 20}
    assert all(one.status == 0x200 << 32 for one in grant.derived)


def test_a_second_meter_is_added_and_a_subtracted_one_taken_off() -> None:
    """TR-03109-1, TAF-2: arithmetic between devices."""
    hours = sorted(
        [*quarters(NOON, 10, 10, 10, 10), *quarters(NOON, 1, 2, 3, 4, device=SECOND_METER)],
        key=lambda one: one.reading.captured_at,
    )
    both = replace(TIME, meters=(*TIME.meters, SECOND_METER), billing=LOAD.billing)
    for subtracted, wanted in (((), 50), ((SECOND_METER,), 30)):
        (grant,) = walked(hours, replace(both, subtracted=subtracted))
        assert registers(grant) == {"1.8.0": wanted, "1.8.1": wanted, "1.8.2": 0, "1.8.63": 0}


def test_a_meter_that_was_exchanged_leaves_its_place_to_another_one() -> None:
    """TR-03109-1, TAF-2: the old one counts up to its last reading, the new one from its first."""
    change = NOON + 2 * QUARTER
    old, new = replace(METER, valid_until=change), replace(METER, id="new", meter=SECOND_METER, valid_from=change)
    both = replace(TIME, meters=(*TIME.meters, SECOND_METER), billing=LOAD.billing)
    readings = [*quarters(NOON, 10), *quarters(change, 5, 5, start=7, device=SECOND_METER)]
    (grant,) = walked(readings, both, meters=(old, new))
    assert registers(grant) == {"1.8.0": 20, "1.8.1": 20, "1.8.2": 0, "1.8.63": 0}


def test_a_meter_that_goes_at_the_end_of_a_period_is_read_no_more_and_the_next_one_closes_it() -> None:
    old, new = (
        replace(METER, valid_until=NOON + HOUR),
        replace(METER, id="new", meter=SECOND_METER, valid_from=NOON + HOUR),
    )
    both = replace(TIME, meters=(*TIME.meters, SECOND_METER), billing=LOAD.billing)
    (grant,) = walked(
        [*quarters(NOON, 10, 10, 10), reading(NOON + HOUR, 7, device=SECOND_METER)], both, meters=(old, new)
    )
    assert registers(grant)["1.8.0"] == 30


def test_a_meter_that_changed_its_profile_hangs_there_all_the_same() -> None:
    """However its profiles follow one another, a meter is one meter."""
    change = NOON + 2 * QUARTER
    former, later = replace(METER, valid_until=change), replace(METER, id="later", valid_from=change)
    for meters in ((former, later), (later, former)):
        (grant,) = walked(quarters(NOON, 10, 10, 10, 10), LOAD, meters=meters)
        assert registers(grant)["1.8.0"] == 40


def test_what_has_no_exact_sum_is_told_as_lost() -> None:
    """Units that differ, and registers beyond 64 bits."""
    history = Memory(quarters(NOON, 10, 10, 10))
    other = decided(reading(NOON + HOUR, 1040, unit=Unit.VARH), LOAD, history=history)
    assert [refusal.reason for refusal in other.refusals] == [RefusalReason.NOT_SUMMABLE]
    huge = Memory([reading(NOON, 0), reading(NOON, 0, device=SECOND_METER), reading(NOON + HOUR, 2**63 - 1)])
    both = replace(TIME, meters=(*TIME.meters, SECOND_METER), billing=LOAD.billing)
    lost = decided(reading(NOON + HOUR, 2**63 - 1, device=SECOND_METER), both, history=huge)
    assert [refusal.reason for refusal in lost.refusals] == [RefusalReason.NOT_SUMMABLE]


def test_a_register_that_begins_again_at_0_goes_on_counting() -> None:
    """TR-03109-1, TAF-2: an overflow inside a period, over its end, and in a gap."""
    shown = [9_970, 9_980, 9_990, 0, 10, 20]
    over = [reading(NOON + number * QUARTER, value) for number, value in enumerate(shown)]
    for profile in (LOAD, BLOCK, EVENT, replace(TIME, billing=LOAD.billing)):
        (grant,) = walked(over, profile)
        assert registers(grant) == {"1.8.0": 40, "1.8.1": 40, "1.8.2": 0, "1.8.63": 0}
    (late,) = walked([*over[:3], over[5]], LOAD)
    assert registers(late) == {"1.8.0": 50, "1.8.1": 20, "1.8.2": 0, "1.8.63": 30}
    (total,) = walked(over, replace(SUM, period_seconds=900))
    assert registers(total) == {"1.8.0": 40}


def test_the_registers_have_the_finest_scaler_and_blocks_count_watt_hours() -> None:
    coarse = [reading(one.reading.captured_at, one.reading.register.value, scaler=1) for one in quarters(NOON, 30, 10)]
    fine = [reading(NOON + HOUR, 104_50, scaler=0)]
    (grant,) = walked([*coarse, *fine], BLOCK)
    assert registers(grant) == {"1.8.0": 450, "1.8.1": 250, "1.8.2": 200, "1.8.63": 0}


@st.composite
def disturbed(draw: st.DrawFn) -> list[SignedReading]:
    """Five hours of quarters with readings that are missing, late, doubled or flagged."""
    found, shown = [], 1000
    for number in range(21):
        shown += draw(st.integers(0, 200))
        late = draw(st.sampled_from((0, 0, 0, 3, 9, 300)))
        status = draw(st.sampled_from((0, 0, 0, 0, 0x200 << 32)))
        one = reading(NOON + number * QUARTER + late * SECOND, shown, status=status)
        found += [one] * draw(st.sampled_from((0, 1, 1, 1, 2)))
    return found


@given(disturbed(), st.sampled_from((LOAD, BLOCK, EVENT, replace(TIME, billing=LOAD.billing))))
def test_all_periods_together_are_what_the_meter_advanced(
    world: list[SignedReading], profile: EvaluationProfile
) -> None:
    """TR-03109-1, TAF-2 to TAF-5: nothing is lost between periods and nothing is counted twice."""
    readings = world
    grants = walked(readings, profile)
    unique = {grant.key: grant for grant in grants}
    assert all(unique[grant.key].derived == grant.derived for grant in grants)  # a doubled reading says the same again
    for grant in unique.values():
        amounts = registers(grant)
        assert amounts.pop("1.8.0") == sum(amounts.values())
    usable = [one.reading for one in readings if not one.reading.status]
    whole = [one for one in usable if one.captured_at >= NOON]
    closed = [grant.period_end for grant in unique.values()]
    if closed:
        closing = next(one for one in whole if one.captured_at >= max(closed))
        advanced = closing.register.value - whole[0].register.value
        assert sum(registers(grant)["1.8.0"] for grant in unique.values()) == advanced


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([(3, 29), (6, 1), (10, 25)]), st.sets(st.integers(1, 91), max_size=60), st.randoms())
def test_the_live_bill_is_what_anybody_recalculates_from_the_series(
    day: tuple[int, int], missing: set[int], random: Random
) -> None:
    """TR-03109-1, TAF-2 and TAF-7: a party with the one and a party with the other can check one another.

    Days of 23, 24 and 25 hours, gaps, late, flagged and doubled readings, values off the raster.
    """
    begin = datetime(2026, *day, tzinfo=ZONE).astimezone(UTC)
    _, end = bounds(DAILY, begin)
    count, shown, readings = (end - begin) // QUARTER, 1000, []
    for number in range(count + 1):
        shown += random.randrange(200)
        late = random.choice((0, 0, 0, 4, 9)) if number not in missing else random.choice((400, None))
        if late is None:
            continue
        flagged = 0 < number < count and not random.randrange(20)
        readings.append(reading(begin + number * QUARTER + late * SECOND, shown, status=0x200 << 32 if flagged else 0))
        readings += readings[-1:] * (not random.randrange(20))
    series = replace(SERIES, valid_from=begin)
    grants = {(one.profile, one.key): one for one in walked(readings, TIME, series)}.values()
    told = [(one.period_begin, one.readings[0].reading) for one in of(series, grants)]
    values = ValueList.of(Value(seconds(point), one.register.value, is_usable(one)) for point, one in told)
    assert isinstance(TIME.rule, TimeStages)
    booked = taf2.book(values, TIME.rule, seconds(begin), seconds(end))
    live = next(registers(one) for one in of(TIME, grants) if one.period_begin == begin)
    assert {int(name.split(".")[2]): amount for name, amount in live.items()} == {**booked.registers, 0: booked.total}


def test_a_profile_without_a_rule_that_is_known_grants_nothing() -> None:
    wrong = replace(TIME, billing=DAILY)
    object.__setattr__(wrong, "rule", None)
    assert decided(reading(NOON), wrong).refusals[0].reason is RefusalReason.NO_RULE
