from datetime import UTC, datetime, timedelta

import pytest

from smgw.clock import LONGEST_TRUST, ClockEvent, ClockState, GatewayClock
from smgw.secure_states import WORKS, Duty, SecureState, SecureStates, follows

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADMINISTRATION = {Duty.HEAR_WAKE_UPS, Duty.SERVE_ADMINISTRATOR, Duty.SYNCHRONISE, Duty.NOTIFY}


def test_every_state_says_what_works() -> None:
    assert set(WORKS) == set(SecureState)
    assert WORKS[SecureState.NORMAL] == set(Duty)
    for works in WORKS.values():
        assert works >= ADMINISTRATION | {Duty.READ_METERS}


def test_a_wrong_clock_leaves_only_administration_and_reading() -> None:
    assert WORKS[SecureState.DEVIATION] == ADMINISTRATION | {Duty.READ_METERS}


def test_no_valid_time_only_takes_the_claim_of_one() -> None:
    assert set(Duty) - WORKS[SecureState.MEASUREMENT] == {Duty.CLAIM_VALID_TIME}


@pytest.mark.parametrize(
    ("clock", "valid", "state"),
    [
        (ClockState.UNKNOWN, True, SecureState.NORMAL),
        (ClockState.VALID, True, SecureState.NORMAL),
        (ClockState.UNKNOWN, False, SecureState.MEASUREMENT),
        (ClockState.VALID, False, SecureState.MEASUREMENT),
        (ClockState.DEVIATING, True, SecureState.DEVIATION),
        (ClockState.DEVIATING, False, SecureState.DEVIATION),
    ],
)
def test_what_follows_from_the_clock(clock: ClockState, state: SecureState, *, valid: bool) -> None:
    assert follows(clock, valid=valid) is state


def test_only_what_happens_by_itself_is_found_later() -> None:
    clock = GatewayClock(lambda: NOON)
    states, old = SecureStates(clock), datetime(1970, 1, 1, tzinfo=UTC)
    normal, measurement, deviation = SecureState
    assert [states.entered(since, NOON) for since in SecureState] == [None, normal, None]
    assert [states.entered(since, old) for since in SecureState] == [measurement, None, None]
    clock.take(ClockEvent.DEVIATED, clock.after(ClockEvent.DEVIATED, timedelta(hours=1), corrected=True))
    assert states.at(NOON) is deviation
    assert [states.entered(since, NOON) for since in SecureState] == [None] * 3


def test_the_state_of_a_gateway() -> None:
    clock = GatewayClock(lambda: NOON)
    states = SecureStates(clock)
    claims, delivers = states.allows(Duty.CLAIM_VALID_TIME), states.allows(Duty.DELIVER)
    assert (claims(NOON), delivers(NOON)) == (True, True)
    old = datetime(1970, 1, 1, tzinfo=UTC)
    assert (claims(old), delivers(old)) == (False, True)
    clock.take(ClockEvent.AGREED, clock.after(ClockEvent.AGREED, timedelta(), corrected=False))
    late = NOON + LONGEST_TRUST + timedelta(seconds=1)
    assert (claims(NOON), claims(late), states.at(late)) == (True, False, SecureState.MEASUREMENT)
    clock.take(ClockEvent.DEVIATED, clock.after(ClockEvent.DEVIATED, timedelta(hours=1), corrected=True))
    assert (claims(NOON), delivers(NOON), states.works(Duty.HEAR_WAKE_UPS, NOON)) == (False, False, True)
