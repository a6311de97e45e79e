"""TR-03109-1, TAF-8: minima and maxima of mean power."""

from hypothesis import given
from hypothesis import strategies as st

from smgw.metering.tariffs.taf8 import Extreme, Found, find, mean_power
from smgw.metering.tariffs.values import ValueList
from tests.smgw.metering.tariffs.house import BEGIN, RASTER, end, lists, quarter_hours
from wire.profiles import Extremes


def found(values: ValueList, minima: int, maxima: int) -> Found:
    return find(values, Extremes(minima, maxima), BEGIN, end(values), raster_seconds=RASTER)


def extreme(number: int, advance: int) -> Extreme:
    return Extreme(BEGIN + number * RASTER, advance)


def test_the_lowest_rise_and_the_highest_fall_and_the_earlier_comes_first() -> None:
    """TR-03109-1, TAF-8."""
    assert found(quarter_hours(5, 9, 1, 9, 1), 2, 3) == Found(
        (extreme(3, 1), extreme(5, 1)), (extreme(2, 9), extreme(4, 9), extreme(1, 5))
    )


def test_a_gap_is_no_extreme() -> None:
    assert found(quarter_hours(5, None, 900, 7, -3), 1, 1) == Found((extreme(1, 5),), (extreme(4, 7),))
    assert found(quarter_hours(), 1, 1) == Found((), ())


def test_power_is_exact_or_cut_off_after_three_places_more() -> None:
    assert mean_power(7, -1, 900) == (28, -1)
    assert mean_power(7, 0, 7200) == (3500, -3)
    assert mean_power(7, 0, 21600) == (1166, -3)


@given(lists(), st.integers(0, 5), st.integers(1, 5))
def test_none_that_was_left_out_is_more_extreme(values: ValueList, minima: int, maxima: int) -> None:
    """TR-03109-1, TAF-8: against every whole period, found the slow way."""
    by_time = {value.at: value for value in values.values if value.usable}
    whole = {at: values.advance(by_time[at - RASTER], value) for at, value in by_time.items() if at - RASTER in by_time}
    between = {at for at in whole if any(at - RASTER < other < at for other in by_time)}
    whole = {at: advance for at, advance in whole.items() if advance >= 0 and at not in between}
    both = find(values, Extremes(minima, maxima), BEGIN, BEGIN + 10**6, raster_seconds=RASTER)
    for chosen, wanted, sign in ((both.minima, minima, 1), (both.maxima, maxima, -1)):
        assert len(chosen) == min(wanted, len(whole))
        assert all(whole[one.at] == one.advance for one in chosen)
        others = [sign * advance for at, advance in whole.items() if at not in {one.at for one in chosen}]
        assert all(sign * one.advance <= other for one in chosen for other in others)
