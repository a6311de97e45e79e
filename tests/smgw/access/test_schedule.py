"""Raster points, tolerances and dispatch times: bounds, uniqueness, spread, and clocks that jump."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.access.schedule import due, jitter, next_dispatch, raster_point, served_point, tolerance
from tests.smgw.access.cases import BEGIN, GATEWAY, SERIES, at
from wire.instant import EPOCH
from wire.profiles import EvaluationProfile
from wire.reading import DeviceId

times = st.integers(0, 4 * 10**9).map(lambda second: EPOCH + timedelta(seconds=second))
rasters = st.integers(1, 366 * 86400)
gateways = st.integers(0, 10**8 - 1).map(lambda number: DeviceId(f"EABC00{number:08d}"))


@st.composite
def dispatched(draw: st.DrawFn) -> EvaluationProfile:
    seconds = draw(st.integers(1, 366 * 86400))
    return replace(SERIES, period_seconds=1, dispatch_seconds=seconds)


@given(times, rasters)
def test_a_raster_point_is_the_last_multiple_of_the_raster(instant: datetime, raster: int) -> None:
    point = raster_point(instant, raster)
    assert (point - EPOCH) % timedelta(seconds=raster) == timedelta(0)
    assert timedelta(0) <= instant - point < timedelta(seconds=raster)


@pytest.mark.parametrize(
    ("raster", "seconds"),
    [(1, 0), (2, 0), (3, 1), (10, 4), (11, 5), (15, 5), (60, 5), (600, 6), (900, 9), (3600, 36), (86400, 36)],
)
def test_tolerance_is_one_per_cent_within_its_bounds(raster: int, seconds: int) -> None:
    """PTB-A 50.8, raster."""
    assert tolerance(raster) == timedelta(seconds=seconds)


@given(times, rasters)
def test_a_time_stands_for_at_most_one_point(instant: datetime, raster: int) -> None:
    step = timedelta(seconds=raster)
    window = tolerance(raster)
    nearby = [raster_point(instant, raster) + step * count for count in (-1, 0, 1)]
    served = [point for point in nearby if point <= instant <= point + window]
    assert served_point(instant, raster) == (served[0] if served else None)
    assert len(served) <= 1
    assert window * 2 < step


def test_a_point_is_served_up_to_its_tolerance() -> None:
    assert served_point(at("12:00:00"), 900) == at("12:00:00")
    assert served_point(at("12:00:09"), 900) == at("12:00:00")
    assert served_point(at("12:00:10"), 900) is None
    assert served_point(at("11:59:59"), 900) is None


@given(dispatched(), gateways, times)
def test_the_next_dispatch_lies_ahead_within_one_interval_and_is_shifted_by_the_jitter_only(
    profile: EvaluationProfile, gateway: DeviceId, after: datetime
) -> None:
    """FPR_CON.1: when something leaves follows from profile, identities and time alone."""
    interval = timedelta(seconds=profile.dispatch_seconds)
    shift = jitter(profile, gateway)
    assert timedelta(0) <= shift <= interval / 10
    found = next_dispatch(profile, gateway, after)
    assert after < found <= after + interval
    assert raster_point(found, profile.dispatch_seconds) == found - shift
    assert next_dispatch(profile, gateway, found) == found + interval


def test_gateways_with_neighbouring_numbers_spread_evenly_and_always_alike() -> None:
    profile = replace(SERIES, dispatch_seconds=9000)
    shifts = Counter(jitter(profile, DeviceId(f"EABC00{number:08d}")).seconds // 90 for number in range(5000))
    # Ten cells of 500 expected; seven standard deviations are 148. The seconds 0..900 leave one more for cell 10.
    assert all(350 < shifts[cell] < 650 for cell in range(10))
    assert set(shifts) <= set(range(11))
    assert jitter(profile, GATEWAY) == jitter(replace(profile, version=2), GATEWAY)


def test_two_profiles_of_one_gateway_leave_at_different_times() -> None:
    profile = replace(SERIES, dispatch_seconds=86400)
    shifts = {jitter(replace(profile, id=f"series-{number}"), GATEWAY) for number in range(20)}
    assert len(shifts) > 15


def test_due_once_per_interval() -> None:
    first = next_dispatch(SERIES, GATEWAY, BEGIN)
    assert not due(SERIES, GATEWAY, None, BEGIN)
    assert not due(SERIES, GATEWAY, None, first - timedelta(seconds=1))
    assert due(SERIES, GATEWAY, None, first)
    assert not due(SERIES, GATEWAY, first, first)
    assert not due(SERIES, GATEWAY, first, first + timedelta(seconds=3599))
    assert due(SERIES, GATEWAY, first, first + timedelta(seconds=3600))
    assert due(SERIES, GATEWAY, first, first + timedelta(days=7))


@given(st.lists(st.integers(-90_000, 90_000), max_size=60), gateways)
def test_a_jumping_clock_neither_silences_nor_doubles(jumps: list[int], gateway: DeviceId) -> None:
    """Whatever the clock did, two dispatches on a clock that runs forward lie an interval apart, and one comes soon."""
    now = BEGIN + timedelta(days=100)
    last: datetime | None = None
    for jump in jumps:
        now += timedelta(seconds=jump)
        if due(SERIES, gateway, last, now):
            last = now
        assert not due(SERIES, gateway, last, now)
    assert due(SERIES, gateway, last, now + timedelta(seconds=2 * SERIES.dispatch_seconds))
