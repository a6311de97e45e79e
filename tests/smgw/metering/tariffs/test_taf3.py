"""TR-03109-1, TAF-3: stages by mean power."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.metering.tariffs import taf3
from smgw.metering.tariffs.errors import TariffError
from smgw.metering.tariffs.values import ValueList
from tests.smgw.metering.tariffs.house import BEGIN, RASTER, advance_of, end, lists, quarter_hours, stages
from wire.profiles import ERROR_STAGE, LoadStages

RULE = LoadStages(stages(1, 2, 3), (400, 1000))
"""100 and 250 Wh in a quarter of an hour."""


def book(values: ValueList, scaler: int = 0) -> dict[int, int]:
    return dict(taf3.book(values, RULE, BEGIN, end(values), raster_seconds=RASTER, scaler=scaler).registers)


def test_the_limit_itself_belongs_to_the_stage_above() -> None:
    """TR-03109-1, TAF-3."""
    assert book(quarter_hours(99, 100, 249, 250)) == {1: 99, 2: 349, 3: 250, ERROR_STAGE: 0}


def test_limits_are_watts_whatever_the_register_counts_in() -> None:
    assert book(quarter_hours(999, 1000, 2500), scaler=-1) == {1: 999, 2: 1000, 3: 2500, ERROR_STAGE: 0}


def test_an_advance_over_a_gap_has_no_known_power() -> None:
    assert book(quarter_hours(50, None, 120, 60)) == {1: 110, 2: 0, 3: 0, ERROR_STAGE: 120}


def test_a_register_that_ran_backwards_is_no_low_load() -> None:
    assert book(quarter_hours(50, -10, 60)) == {1: 110, 2: 0, 3: 0, ERROR_STAGE: -10}


@given(lists(), st.integers(-3, 0))
def test_the_registers_sum_to_what_the_meter_advanced(values: ValueList, scaler: int) -> None:
    """TR-03109-1, TAF-3: late, doubled, missing, unusable readings and an overflow lose nothing."""
    wanted = advance_of(values)
    try:
        booking = taf3.book(values, RULE, BEGIN, BEGIN + 10**6, raster_seconds=RASTER, scaler=scaler)
    except TariffError:
        assert wanted is None
        return
    assert sum(booking.registers.values()) == booking.total == wanted
    assert all(amount >= 0 for stage, amount in booking.registers.items() if stage != ERROR_STAGE)


def test_less_than_two_readings_are_no_bill() -> None:
    with pytest.raises(TariffError):
        taf3.book(quarter_hours(), RULE, BEGIN, BEGIN, raster_seconds=RASTER)
