"""A meter's share of a period: its ends, the readings between them, and what must not count."""

from dataclasses import replace
from datetime import timedelta

from smgw.access.use_cases.case import Case
from smgw.access.use_cases.shares import Share, share_of, target
from tests.smgw.access.cases import GATEWAY, SECOND_METER, Memory, at, reading
from tests.smgw.access.use_cases.worlds import LOAD, QUARTER, quarters
from tests.wire.profiles.examples import METER, METER_DEVICE
from wire.profiles import MeterProfile
from wire.reading import SignedReading

NOON = at("12:00:00")
ONE = at("13:00:00")
SECOND = timedelta(seconds=1)


def share(measured: SignedReading, *before: SignedReading, meter: MeterProfile | None = None) -> Share | None:
    meters = {} if meter is None else {METER_DEVICE: meter}
    case = Case(measured, LOAD, Memory(before), GATEWAY, meters=meters)
    return share_of(case, METER_DEVICE, NOON, ONE, inner=True)


def test_one_reading_a_raster_point_and_both_ends() -> None:
    hour = quarters(NOON, 1, 2, 3)
    extra = [reading(NOON + 3 * SECOND, 1000), reading(NOON + 400 * SECOND, 1001)]
    found = share(reading(ONE + 9 * SECOND, 1010), *hour[:1], *extra, *hour[1:])
    assert found is not None
    assert [one.captured_at for one in found.readings] == [
        *(one.reading.captured_at for one in hour),
        ONE + 9 * SECOND,
    ]
    assert found.closing == found.readings[-1]
    assert found.exact


def test_a_last_reading_that_came_twice_for_its_point_closes_the_share() -> None:
    """What a meter that goes advanced between the two is the rest, and no contradiction."""
    twice = reading(NOON + 3 * QUARTER + 4 * SECOND, 1031)
    hour = quarters(NOON, 10, 10, 10)
    successor = reading(ONE, device=SECOND_METER)
    found = share(successor, *hour, twice, meter=replace(METER, valid_until=ONE))
    assert found is not None
    assert found.readings == tuple(one.reading for one in hour)
    assert found.closing == twice.reading


def test_ends_that_came_late_are_ends_and_are_not_exact() -> None:
    found = share(reading(ONE + 600 * SECOND, 1010), reading(NOON + 700 * SECOND, 1000), *quarters(NOON, 1)[1:])
    assert found is not None
    assert [one.captured_at for one in found.readings] == [NOON + 700 * SECOND, NOON + QUARTER]
    assert (found.closing is not None, found.exact) == (True, False)


def test_a_meter_without_a_reading_contributes_nothing_and_one_that_was_not_there_lacks_nothing() -> None:
    nothing = share(reading(ONE))
    assert (nothing is not None, nothing and nothing.readings, nothing and nothing.exact) == (True, (), False)
    absent = share(reading(ONE), meter=replace(METER, valid_from=ONE))
    assert (absent and absent.readings, absent and absent.exact) == ((), True)


def test_another_meter_that_has_not_reached_the_end_keeps_the_period_open() -> None:
    case = Case(reading(ONE), LOAD, Memory([reading(NOON)]), GATEWAY)
    other = replace(METER).meter
    assert share_of(case, other, NOON, ONE, inner=False) is not None
    elsewhere = Case(reading(ONE, device=type(other)("1ISK0000000009")), LOAD, Memory([reading(NOON)]), GATEWAY)
    assert share_of(elsewhere, other, NOON, ONE, inner=False) is None


def test_a_reading_stands_for_a_boundary_before_it_stands_for_a_raster_point() -> None:
    case = Case(reading(NOON), LOAD, Memory(), GATEWAY)
    odd = NOON + 7 * SECOND
    assert target(case, reading(odd).reading, (odd, ONE)) == odd
    assert target(case, reading(odd).reading, (ONE,)) == NOON
    assert target(case, reading(NOON + 100 * SECOND).reading, (ONE,)) is None
