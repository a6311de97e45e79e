from datetime import UTC, datetime, timedelta

import pytest

from smgw.clock import (
    BACKWARD_SLACK,
    EARLIEST_VALID_TIME,
    LONGEST_TRUST,
    TRANSITIONS,
    ClockEvent,
    ClockMemory,
    ClockState,
    GatewayClock,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Machine:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def machine() -> Machine:
    return Machine()


def happens(
    clock: GatewayClock, event: ClockEvent, deviation: timedelta = timedelta(), *, corrected: bool = True
) -> None:
    clock.take(event, clock.after(event, deviation, corrected=corrected))


def test_the_table_is_whole_and_only_an_order_leaves_a_deviation() -> None:
    """FPT_STM.1: nothing but the administrator ends a deviation."""
    assert set(TRANSITIONS) == {(state, event) for state in ClockState for event in ClockEvent}
    leaving = {
        event
        for (state, event), to in TRANSITIONS.items()
        if state is ClockState.DEVIATING and to is not ClockState.DEVIATING
    }
    assert leaving == {ClockEvent.SET}
    assert {state for (_, event), state in TRANSITIONS.items() if event is ClockEvent.DEVIATED} == {
        ClockState.DEVIATING
    }


def test_a_new_clock_is_the_machines(machine: Machine) -> None:
    """FPT_STM.1; TR-03109-1, invalid time: none is valid in which this software did not exist."""
    clock = GatewayClock(machine)
    assert (clock(), clock.administration(), clock.state) == (NOON, NOON, ClockState.UNKNOWN)
    assert clock.valid(NOON), "nobody to ask, and no reason to doubt"
    assert clock.valid(EARLIEST_VALID_TIME)
    assert not clock.valid(EARLIEST_VALID_TIME - SECOND)


def test_a_correction_adds_up_and_survives(machine: Machine) -> None:
    clock = GatewayClock(machine)
    happens(clock, ClockEvent.AGREED, 5 * SECOND)
    happens(clock, ClockEvent.AGREED, -7 * SECOND)
    assert (clock(), clock.state) == (NOON - 2 * SECOND, ClockState.VALID)
    again = GatewayClock(machine, clock.memory)
    assert (again(), again.state) == (NOON - 2 * SECOND, ClockState.UNKNOWN)
    assert again.valid(NOON)


def test_what_would_be_kept_changes_nothing(machine: Machine) -> None:
    clock = GatewayClock(machine)
    for event in ClockEvent:
        clock.after(event, SECOND, corrected=True)
    assert (clock(), clock.memory, clock.state) == (NOON, ClockMemory(), ClockState.UNKNOWN)


def test_an_agreement_without_correction_is_trusted_as_well(machine: Machine) -> None:
    clock = GatewayClock(machine)
    happens(clock, ClockEvent.AGREED, SECOND, corrected=False)
    assert (clock(), clock.memory.trusted_at) == (NOON, NOON)


def test_trust_ends_with_age_and_comes_back(machine: Machine) -> None:
    """FPT_STM.1: a comparison is relied upon for 24 hours."""
    clock = GatewayClock(machine)
    happens(clock, ClockEvent.AGREED)
    machine.now += LONGEST_TRUST
    assert (clock.state, clock.valid(machine.now)) == (ClockState.VALID, True)
    machine.now += SECOND
    assert (clock.state, clock.valid(machine.now)) == (ClockState.UNKNOWN, False)
    happens(clock, ClockEvent.AGREED)
    assert (clock.state, clock.valid(machine.now)) == (ClockState.VALID, True)


def test_a_clock_behind_a_proven_time_is_not_valid(machine: Machine) -> None:
    """A machine that lost its power and wakes up with an old time, plausible as it is."""
    clock = GatewayClock(machine)
    happens(clock, ClockEvent.AGREED)
    machine.now = NOON - timedelta(days=90)
    woken = GatewayClock(machine, clock.memory)
    assert not woken.valid(woken())
    assert woken.valid(NOON - BACKWARD_SLACK)
    assert not woken.valid(NOON - BACKWARD_SLACK - SECOND)
    assert woken.state is ClockState.UNKNOWN


def test_a_deviation_corrects_nothing_but_is_known(machine: Machine) -> None:
    clock = GatewayClock(machine)
    happens(clock, ClockEvent.AGREED, 5 * SECOND)
    happens(clock, ClockEvent.DEVIATED, 60 * SECOND)
    assert (clock(), clock.state) == (NOON + 5 * SECOND, ClockState.DEVIATING)
    assert clock.administration() == NOON + 65 * SECOND
    assert not clock.valid(clock())
    again = GatewayClock(machine, clock.memory)
    assert (again.state, again.administration()) == (ClockState.DEVIATING, NOON + 65 * SECOND)
    machine.now += 2 * LONGEST_TRUST
    assert clock.state is ClockState.DEVIATING


def test_a_deviation_that_is_gone_is_still_one_until_it_is_ordered_to_end(machine: Machine) -> None:
    clock = GatewayClock(machine)
    happens(clock, ClockEvent.DEVIATED, 60 * SECOND)
    happens(clock, ClockEvent.AGREED, SECOND)
    assert (clock.state, clock(), clock.administration()) == (ClockState.DEVIATING, NOON, NOON + SECOND)
    happens(clock, ClockEvent.SET, SECOND)
    assert (clock.state, clock(), clock.administration()) == (ClockState.VALID, NOON + SECOND, NOON + SECOND)
    assert clock.valid(clock())
