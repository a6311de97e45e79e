"""TAF-8, live: extremes with their times, at the end of the period."""

from dataclasses import replace
from datetime import timedelta

from smgw.access.grants import RefusalReason
from tests.smgw.access.cases import GATEWAY, Memory, at, decided, reading, walked
from tests.smgw.access.use_cases.worlds import EXTREME, QUARTER, quarters
from wire.reading import Unit

NOON = at("12:00:00")
HOUR = timedelta(hours=1)


def test_extremes_are_told_in_watts_at_the_end_of_their_registration_period() -> None:
    """TR-03109-1, TAF-8: n minima and m maxima of mean power, and nothing else of the load."""
    (grant,) = walked(quarters(NOON, 90, 110, 40, 30), EXTREME)
    told = [(str(one.obis), one.register.value, one.register.unit, one.captured_at) for one in grant.derived]
    assert told == [
        ("1-0:1.3.0*255", 120, Unit.W, NOON + 4 * QUARTER),
        ("1-0:1.6.0*255", 440, Unit.W, NOON + 2 * QUARTER),
        ("1-0:1.6.0*255", 360, Unit.W, NOON + QUARTER),
    ]
    assert {one.device for one in grant.derived} == {GATEWAY}
    assert (grant.period_begin, grant.period_end) == (NOON, NOON + HOUR)


def test_without_a_whole_registration_period_there_is_no_extreme() -> None:
    lost = decided(reading(NOON + HOUR), EXTREME, history=Memory([reading(NOON)]))
    assert [refusal.reason for refusal in lost.refusals] == [RefusalReason.BOUNDARY_MISSING]
    wrong = replace(EXTREME)
    object.__setattr__(wrong, "rule", None)
    assert decided(reading(NOON), wrong).refusals[0].reason is RefusalReason.NO_RULE
