"""TAF-12, live: the credit's states, each told once, and what is left at the end."""

from dataclasses import replace
from datetime import timedelta

from smgw.access.grants import Grant, RefusalReason
from smgw.access.use_cases.prepaid import REMAINING, STATE
from tests.smgw.access.cases import Memory, at, decided, reading, walked
from tests.smgw.access.use_cases.worlds import PREPAID, QUARTER, quarters

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
