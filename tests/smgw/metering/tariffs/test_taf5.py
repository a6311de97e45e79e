"""TR-03109-1, TAF-5: events choose the stage."""

from hypothesis import given
from hypothesis import strategies as st

from smgw.metering.tariffs import taf5
from smgw.metering.tariffs.errors import TariffError
from smgw.metering.tariffs.taf5 import TariffEvent
from smgw.metering.tariffs.values import ValueList
from tests.smgw.metering.tariffs.house import BEGIN, RASTER, advance_of, end, lists, quarter_hours, stages
from wire.profiles import ERROR_STAGE, EventStages

RULE = EventStages(stages(1, 2, 3), 1, (("peak", 3), ("low", 2)))
FOUR = quarter_hours(10, 20, 40, 80)


def book(values: ValueList, *events: TariffEvent) -> dict[int, int]:
    return dict(taf5.book(values, RULE, events, BEGIN, end(values), raster_seconds=RASTER).registers)


def raised(after: int, name: str, *, active: bool = True) -> TariffEvent:
    return TariffEvent(BEGIN + after, name, active)


def test_without_events_the_initial_stage_holds() -> None:
    """TR-03109-1, TAF-5."""
    assert book(FOUR) == {1: 150, 2: 0, 3: 0, ERROR_STAGE: 0}
    assert book(FOUR, raised(0, "unknown")) == {1: 150, 2: 0, 3: 0, ERROR_STAGE: 0}


def test_an_event_takes_effect_at_the_next_raster_point() -> None:
    assert book(FOUR, raised(RASTER, "low")) == {1: 10, 2: 140, 3: 0, ERROR_STAGE: 0}
    assert book(FOUR, raised(RASTER + 1, "low")) == {1: 30, 2: 120, 3: 0, ERROR_STAGE: 0}
    assert book(FOUR, raised(-5000, "low"), raised(2 * RASTER, "low", active=False)) == {
        1: 120,
        2: 30,
        3: 0,
        ERROR_STAGE: 0,
    }


def test_of_several_the_first_of_the_rule_decides() -> None:
    events = (raised(0, "low"), raised(RASTER, "peak"), raised(3 * RASTER, "peak", active=False))
    assert book(FOUR, *events) == {1: 0, 2: 90, 3: 60, ERROR_STAGE: 0}


def test_a_switch_inside_a_gap_is_an_error_and_a_gap_inside_a_stage_is_not() -> None:
    gap = quarter_hours(10, None, 60, 80)
    assert book(gap) == {1: 150, 2: 0, 3: 0, ERROR_STAGE: 0}
    assert book(gap, raised(2 * RASTER, "low")) == {1: 10, 2: 80, 3: 0, ERROR_STAGE: 60}
    back = (raised(2 * RASTER - 9, "low"), raised(2 * RASTER - 3, "low", active=False))
    assert book(gap, *back) == {1: 150, 2: 0, 3: 0, ERROR_STAGE: 0}


def test_what_ran_backwards_is_an_error_and_no_negative_stage() -> None:
    assert book(quarter_hours(10, -4, 40), raised(RASTER, "low")) == {1: 10, 2: 40, 3: 0, ERROR_STAGE: -4}


events = st.builds(raised, st.integers(-2000, 24 * RASTER), st.sampled_from(("peak", "low")), active=st.booleans())


@given(lists(), st.lists(events, max_size=8))
def test_the_registers_sum_to_what_the_meter_advanced(values: ValueList, happened: list[TariffEvent]) -> None:
    """TR-03109-1, TAF-5: whatever happens when, nothing is lost and the order in which it is told is nothing."""
    wanted = advance_of(values)
    try:
        booking = taf5.book(values, RULE, happened, BEGIN, BEGIN + 10**6, raster_seconds=RASTER)
    except TariffError:
        assert wanted is None
        return
    assert sum(booking.registers.values()) == booking.total == wanted
    unambiguous = len({(event.at, event.name) for event in happened}) == len(happened)
    backwards = taf5.book(values, RULE, happened[::-1], BEGIN, BEGIN + 10**6, raster_seconds=RASTER)
    assert backwards == booking or not unambiguous
