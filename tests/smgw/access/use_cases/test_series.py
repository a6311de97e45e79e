"""TAF-7 and TAF-14: one reading a raster point, stored or not."""

from dataclasses import replace
from datetime import timedelta

from smgw.access.grants import RefusalReason
from tests.smgw.access.cases import COMMUNICATION, SERIES, Memory, at, decided, reading
from tests.smgw.access.use_cases.worlds import FAST
from wire.profiles import AccessPurpose

NOON = at("12:00:00")
SECOND = timedelta(seconds=1)
ANYTHING = replace(COMMUNICATION, purposes=tuple(AccessPurpose))


def test_high_frequency_values_are_volatile_and_one_a_point() -> None:
    """TR-03109-1, TAF-14: never stored; FDP_IFF.1/MTR: at no finer resolution."""
    history = Memory()
    first, second = reading(NOON + SECOND), reading(NOON + 2 * SECOND)
    decision = decided(first, FAST, history=history, communications=(ANYTHING,), recorded=False)
    assert decision.grants == ()
    assert [grant.readings for grant in decision.volatile] == [(first,)]
    history.unstored.append(first)
    for again in (first, second):
        told = decided(again, FAST, history=history, communications=(ANYTHING,), recorded=False)
        assert (told.volatile, told.refusals[0].reason) == ((), RefusalReason.ALREADY_SERVED)
    between = decided(reading(NOON + 30 * SECOND), FAST, history=history, communications=(ANYTHING,), recorded=False)
    assert between.refusals[0].reason is RefusalReason.OFF_RASTER


def test_a_stored_series_has_stored_readings_only() -> None:
    """TR-03109-1, TAF-7: what is never stored is owed to nobody who gets stored values."""
    assert decided(reading(NOON), SERIES, recorded=False).refusals[0].reason is RefusalReason.NOT_RECORDED
    served = decided(reading(NOON + SECOND), SERIES, history=Memory([reading(NOON)]))
    assert served.refusals[0].reason is RefusalReason.ALREADY_SERVED
