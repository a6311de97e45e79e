"""TR-03109-1, TAF-4: blocks of energy."""

from hypothesis import given
from hypothesis import strategies as st

from smgw.metering.tariffs import taf4
from smgw.metering.tariffs.errors import TariffError
from smgw.metering.tariffs.values import ValueList
from tests.smgw.metering.tariffs.house import BEGIN, advance_of, end, lists, quarter_hours, stages
from wire.profiles import ERROR_STAGE, BlockStages

RULE = BlockStages(stages(1, 2, 3), (100, 250))


def book(values: ValueList, scaler: int = 0) -> dict[int, int]:
    return dict(taf4.book(values, RULE, BEGIN, end(values), scaler=scaler).registers)


def test_a_block_is_filled_before_the_next_begins() -> None:
    """TR-03109-1, TAF-4."""
    assert book(quarter_hours(40, 60)) == {1: 100, 2: 0, 3: 0, ERROR_STAGE: 0}
    assert book(quarter_hours(40, 61)) == {1: 100, 2: 1, 3: 0, ERROR_STAGE: 0}
    assert book(quarter_hours(200, 200)) == {1: 100, 2: 150, 3: 150, ERROR_STAGE: 0}


def test_limits_count_in_the_registers_unit() -> None:
    assert book(quarter_hours(1000, 1), scaler=-1) == {1: 1000, 2: 1, 3: 0, ERROR_STAGE: 0}


def test_a_gap_moves_nothing_and_what_runs_backwards_fills_nothing() -> None:
    assert book(quarter_hours(40, None, 61)) == {1: 100, 2: 1, 3: 0, ERROR_STAGE: 0}
    assert book(quarter_hours(90, -5, 10)) == {1: 100, 2: 0, 3: 0, ERROR_STAGE: -5}


@given(lists(), st.integers(-2, 0))
def test_the_registers_sum_to_what_the_meter_advanced(values: ValueList, scaler: int) -> None:
    """TR-03109-1, TAF-4: and every block but the last filled one is full."""
    wanted = advance_of(values)
    try:
        booking = taf4.book(values, RULE, BEGIN, BEGIN + 10**6, scaler=scaler)
    except TariffError:
        assert wanted is None
        return
    assert sum(booking.registers.values()) == booking.total == wanted
    first, second, third = (booking.registers[stage] for stage in (1, 2, 3))
    assert 0 <= first <= 100 * 10**-scaler
    assert second == 0 or first == 100 * 10**-scaler
    assert third == 0 or second == 150 * 10**-scaler
