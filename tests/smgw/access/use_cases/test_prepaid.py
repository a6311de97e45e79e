"""TAF-12, live: the credit's states, each told once, and what is left at the end."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.access.grants import Grant, RefusalReason
from smgw.access.use_cases import prepaid
from smgw.access.use_cases.prepaid import REMAINING, STATE
from smgw.metering.status import GatewayStatus, combined
from tests.smgw.access.cases import Memory, at, decided, reading, walked
from tests.smgw.access.use_cases.worlds import DAILY, PREPAID, QUARTER, quarters
from wire.obis import Obis
from wire.profiles import Prepaid
from wire.reading import DeviceId, Reading

NOON = at("12:00:00")
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def told(grants: list[Grant]) -> list[tuple[int, int, int]]:
    """Quarter hour, what is left, state."""
    found = []
    for grant in grants:
        values = {one.obis: one.register.value for one in grant.derived}
        (moment,) = {one.captured_at for one in grant.derived}
        assert grant.period_begin <= moment <= grant.period_end
        found.append(((moment - NOON) // QUARTER, values[REMAINING], values[STATE]))
    return found


def test_every_state_is_told_once_and_the_rest_at_the_end() -> None:
    """TR-03109-1, TAF-12: warning, end of the credit, end of the tolerance."""
    assert told(walked(quarters(NOON, 210, 10, 80, 100), PREPAID)) == [(1, 90, 1), (3, 0, 2), (4, -100, 3)]


def test_a_credit_begins_anew_with_the_period() -> None:
    grants = walked(quarters(NOON, 10, 10, 10, 10, 10, 195), PREPAID)
    assert told(grants) == [(4, 260, 0), (6, 95, 1)]


def test_a_gap_at_the_end_is_used_up_all_the_same() -> None:
    grants = walked(quarters(NOON, 10, 10, 10, None, 20), PREPAID)
    assert told(grants) == [(4, 250, 0)]


def test_a_period_that_was_lost_and_a_state_that_changed_are_both_told() -> None:
    history = Memory([reading(NOON - 3 * HOUR), reading(NOON + QUARTER, 1005)])
    decision = decided(reading(NOON + 2 * QUARTER, 1300), PREPAID, history=history)
    assert told(list(decision.grants)) == [(2, 5, 1)]


def test_nothing_is_told_between_raster_points_twice_or_outside_the_validity() -> None:
    """FDP_IFF.1/MTR."""
    history = Memory([reading(NOON, 1000)])
    assert decided(reading(NOON + 100 * SECOND, 1290), PREPAID, history=history).grants == ()
    second = Memory([reading(NOON, 1000), reading(NOON + QUARTER, 1290)])
    assert decided(reading(NOON + QUARTER + SECOND, 1291), PREPAID, history=second).grants == ()
    later = replace(PREPAID, valid_from=NOON + QUARTER)
    assert decided(reading(NOON + QUARTER, 1290), later, history=history).grants == ()
    wrong = replace(PREPAID)
    object.__setattr__(wrong, "rule", None)
    assert decided(reading(NOON), wrong).refusals[0].reason is RefusalReason.NO_RULE


DAY = replace(PREPAID, billing=DAILY)
MIDNIGHT = at("22:00:00") - timedelta(days=1)
"""Of the first day, in Berlin."""


class Counting(Memory):
    """Counts how many readings are looked at in lists."""

    looked = 0

    def between(self, device: DeviceId, obis: Obis, begin: datetime, end: datetime) -> list[Reading]:
        found = super().between(device, obis, begin, end)
        self.looked += len(found)
        return found


@pytest.mark.parametrize(("warn_at", "tolerance"), [(300, 0), (290, 4000), (100, 86_400), (0, 900)])
def test_a_day_of_low_credit_costs_as_much_as_it_has_readings(warn_at: int, tolerance: int) -> None:
    """Not its square: the period is looked at as a whole only where a state begins."""
    day = replace(DAY, rule=Prepaid(300, warn_at, tolerance))
    history = Counting()
    walked(quarters(MIDNIGHT, *[10] * 94), day, history=history)
    assert history.looked <= 4 * 96


@given(
    advances=st.lists(st.none() | st.sampled_from([0, 1, 20, 60]), min_size=4, max_size=40),
    unusable=st.sets(st.integers(0, 40), max_size=4),
    late=st.sets(st.integers(0, 40), max_size=4),
    rule=st.builds(Prepaid, st.just(300), st.sampled_from([0, 90, 300]), st.sampled_from([0, 60, 900, 2000, 7200])),
)
def test_nothing_is_overlooked_by_looking_less(
    advances: list[int | None], unusable: set[int], late: set[int], rule: Prepaid
) -> None:
    """What is told is what a look at all of the period tells: with gaps, errors and readings off the raster."""
    rows = quarters(MIDNIGHT + 3 * QUARTER, *advances)
    for place, one in enumerate(rows):
        status = combined(GatewayStatus.SYSTEM_TIME_INVALID) if place in unusable else 0
        moment = one.reading.captured_at + (100 * SECOND if place in late else 0 * SECOND)
        rows[place] = replace(one, reading=replace(one.reading, status=status, captured_at=moment))
    profile = replace(DAY, rule=rule)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(prepaid, "_is_settled", lambda *_: False)
        expected = told(walked(rows, profile))
    assert told(walked(rows, profile)) == expected


def test_a_register_that_began_again_uses_up_the_credit() -> None:
    """It shows less than when the period began, and is looked at as a whole."""
    rows = [reading(NOON + place * QUARTER, shown) for place, shown in enumerate((850, 950, 45, 95))]
    assert told(walked(rows, PREPAID)) == [(3, 55, 1)]
