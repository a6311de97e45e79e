"""When a period closes: once, by the reading that completes it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smgw.access.grants import RefusalReason
from smgw.access.use_cases.periods import MAXIMUM_CLOSED, bounds
from tests.smgw.access.cases import GATEWAY, SECOND_METER, Memory, at, decided, reading, walked
from tests.smgw.access.use_cases.worlds import DAILY, LOAD, QUARTER, TIME, quarters, registers
from tests.wire.profiles.examples import METER
from wire.instant import format_instant
from wire.profiles import BillingPeriod, BillingUnit, UseCase

NOON = at("12:00:00")
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_bounds_are_local_months_and_days_or_seconds() -> None:
    """TR-03109-1, TAF-1: billing periods."""
    moment = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert bounds(BillingPeriod(1, BillingUnit.MONTH), moment) == (
        datetime(2026, 2, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 31, 22, tzinfo=UTC),
    )
    assert bounds(DAILY, moment) == (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC))
    assert bounds(BillingPeriod(3600, BillingUnit.SECOND), NOON + SECOND) == (NOON, NOON + HOUR)


@pytest.mark.parametrize(
    ("late", "reason"),
    [(0, RefusalReason.ALREADY_SERVED), (9, RefusalReason.ALREADY_SERVED), (10, RefusalReason.PERIOD_OPEN)],
)
def test_what_closed_is_closed(late: int, reason: RefusalReason) -> None:
    history = Memory([*quarters(NOON, 1, 1, 1, 1), reading(NOON + 2 * HOUR, 1010)])
    refused = decided(reading(NOON + HOUR + late * SECOND, 1004), LOAD, history=history)
    assert refused.grants == ()
    assert refused.refusals[0].reason is reason


def test_one_gap_closes_so_many_periods_and_the_one_in_which_it_began() -> None:
    """All that was used in a gap stands where the gap began: however long it was, that is not lost."""
    hours = MAXIMUM_CLOSED + 20
    both = replace(TIME, meters=(*TIME.meters, SECOND_METER), billing=LOAD.billing)
    there = [reading(NOON + number * HOUR, 10 * number, device=SECOND_METER) for number in range(hours + 1)]
    grants = decided(reading(NOON + hours * HOUR, 5000), both, history=Memory([reading(NOON), *there])).grants
    newest = range(hours - MAXIMUM_CLOSED + 1, hours)
    assert [grant.period_begin for grant in grants] == [NOON, *(NOON + number * HOUR for number in newest)]
    assert [registers(grant)["1.8.0"] for grant in grants] == [4010, *(10 for _ in newest)]


@pytest.mark.parametrize("left", [3 * HOUR - QUARTER, 3 * HOUR])
def test_a_meter_that_fell_silent_and_was_taken_away_later_keeps_no_period_open(left: timedelta) -> None:
    """TR-03109-1, TAF-2: nor is what it had advanced lost, nor what the other meter did meanwhile."""
    meters = (replace(METER, valid_until=NOON + left), replace(METER, id="other", meter=SECOND_METER))
    both = replace(TIME, meters=(*TIME.meters, SECOND_METER), billing=LOAD.billing)
    there = quarters(NOON, *(1,) * 16, device=SECOND_METER)
    readings = sorted([*quarters(NOON, 10, 10), *there], key=lambda one: one.reading.captured_at)
    grants = walked(readings, both, meters=meters)
    assert [(grant.period_begin, registers(grant)["1.8.0"]) for grant in grants] == [
        (NOON, 24),
        (NOON + HOUR, 4),
        (NOON + 2 * HOUR, 4),
        (NOON + 3 * HOUR, 4),
    ]
    in_time = walked([one for one in readings if one.reading.captured_at <= NOON + left], both, meters=meters)
    assert len(in_time) == 2 + (left == 3 * HOUR)  # nobody waits for the next period's end
    sums = replace(both, use_case=UseCase.TAF_1, rule=None)  # no boundary reading, no sum
    assert [grant.period_begin for grant in walked(readings, sums, meters=meters)] == [NOON + 3 * HOUR]


def test_the_first_reading_of_a_meter_closes_every_period_that_waited_for_it() -> None:
    """TR-03109-1, TAF-2: one that should have been read long ago."""
    both = replace(TIME, meters=(*TIME.meters, SECOND_METER), billing=LOAD.billing)
    readings = [*quarters(NOON, *(1,) * 12), reading(NOON + 3 * HOUR + SECOND, device=SECOND_METER)]
    grants = walked(readings, both)
    assert [(grant.period_begin, registers(grant)["1.8.0"]) for grant in grants] == [
        (NOON + number * HOUR, 4) for number in range(3)
    ]


def test_a_meter_that_comes_days_after_another_one_went_closes_what_that_left_open() -> None:
    """TR-03109-1, TAF-2: between two meters none hangs there, and nobody could close the period meanwhile."""
    change = NOON + 3 * HOUR + 2 * QUARTER
    meters = (
        replace(METER, valid_until=NOON + 2 * QUARTER),
        replace(METER, id="new", meter=SECOND_METER, valid_from=change),
    )
    both = replace(TIME, meters=(*TIME.meters, SECOND_METER), billing=LOAD.billing)
    readings = [*quarters(NOON, 10), *quarters(change, 5, 5, 5, device=SECOND_METER)]
    grants = walked(readings, both, meters=meters)
    assert {grant.key: registers(grant)["1.8.0"] for grant in grants} == {
        f"{GATEWAY}|1-0:1.8.0*255|{format_instant(begin)}": amount
        for begin, amount in ((NOON, 10), (NOON + 3 * HOUR, 10))
    }


def test_a_period_counts_only_if_it_lies_wholly_inside_the_validity() -> None:
    """FDP_IFF.1/MTR: not before the profile began and not after it ended."""
    hours = quarters(NOON, *(5,) * 12)
    inside = replace(LOAD, valid_from=NOON + 600 * SECOND, valid_until=NOON + 2 * HOUR)
    assert [grant.period_begin for grant in walked(hours, inside)] == [NOON + HOUR]
