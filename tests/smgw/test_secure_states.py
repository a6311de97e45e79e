"""The tables of the secure states, and what several conditions at once leave."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from smgw.clock import LONGEST_TRUST, ClockEvent, ClockMemory, GatewayClock
from smgw.secure_states import (
    CLOCK,
    FOLLOWS,
    GRACE,
    LONGEST_DETAIL,
    MAXIMUM_CHANGES,
    STORED,
    WORKS,
    Active,
    Condition,
    Conditions,
    Duty,
    SecureState,
    SecureStates,
    gravest,
    states_of,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADMINISTRATION = {Duty.HEAR_WAKE_UPS, Duty.SERVE_ADMINISTRATOR, Duty.SYNCHRONISE, Duty.NOTIFY, Duty.UPDATE_FIRMWARE}
SET = [condition for condition in Condition if condition not in CLOCK]


def gateway(*found: Condition) -> SecureStates:
    """A gateway whose clock is as it should be."""
    return SecureStates(GatewayClock(lambda: NOON), Conditions(Active(one, NOON) for one in found))


def test_every_state_and_every_condition_stands_in_the_tables() -> None:
    """TR-03109-1, secure states: boot, application, connectivity, measurement; each follows from something."""
    assert set(WORKS) == set(SecureState)
    assert set(FOLLOWS) == set(Condition)
    assert WORKS[SecureState.NORMAL] == set(Duty)
    assert set(FOLLOWS.values()) == set(SecureState) - {SecureState.NORMAL}
    assert set(GRACE) <= set(Condition)
    assert STORED.isdisjoint(CLOCK)


def test_no_set_of_conditions_locks_the_administrator_out() -> None:
    """FPT_FLS.1: whatever is wrong, the gateway can be put right."""
    everything, long_after = gateway(*SET), NOON + timedelta(days=365)
    everything.clock.take(ClockEvent.AGREED, ClockMemory(trusted_at=NOON))
    assert everything.holding(long_after) == set(SecureState) - {SecureState.NORMAL}
    assert {duty for duty in Duty if everything.works(duty, long_after)} == ADMINISTRATION


def test_only_administration_remains_where_nothing_can_be_recorded() -> None:
    """TR-03109-1, secure states: application and boot."""
    assert WORKS[SecureState.APPLICATION] == ADMINISTRATION | {Duty.CHANGE_PROFILES}
    assert WORKS[SecureState.BOOT] == ADMINISTRATION


def test_without_a_time_values_are_only_flagged() -> None:
    """TR-03109-1, secure states, invalid time."""
    assert set(Duty) - WORKS[SecureState.MEASUREMENT] == {Duty.CLAIM_VALID_TIME}


@pytest.mark.parametrize("condition", [Condition.CERTIFICATES_BAD, Condition.FIREWALL_NOT_APPLIED])
def test_while_nobody_outside_can_be_judged_meters_are_read_and_nobody_is_served(condition: Condition) -> None:
    """FPT_FLS.1; TR-03109-1, secure states: connectivity."""
    states = gateway(condition)
    assert states.at(NOON) is SecureState.CONNECTIVITY
    assert {duty for duty in Duty if states.works(duty, NOON)} == ADMINISTRATION | {
        Duty.READ_METERS, Duty.CLAIM_VALID_TIME, Duty.CHANGE_PROFILES,
    }  # fmt: skip


@pytest.mark.parametrize(
    "condition",
    [
        Condition.SECURITY_MODULE_FAILED,
        Condition.DATABASE_DAMAGED,
        Condition.LOG_CHAIN_BROKEN,
        Condition.DISK_FULL,
        Condition.CLOCK_DEVIATION,
    ],
)
def test_what_could_not_be_relied_on_is_not_recorded(condition: Condition) -> None:
    """FPT_FLS.1; TR-03109-1, secure states: application."""
    assert FOLLOWS[condition] is SecureState.APPLICATION


@pytest.mark.parametrize("condition", [Condition.CALIBRATION_LOG_FULL, Condition.PROGRAM_ALTERED])
def test_a_gateway_that_cannot_vouch_for_itself_neither_measures_nor_delivers(condition: Condition) -> None:
    """FAU_STG.4/CAL, FPT_FLS.1: operation stops."""
    states = gateway(condition)
    assert states.at(NOON) is SecureState.BOOT
    for duty in (Duty.READ_METERS, Duty.DELIVER, Duty.CHANGE_PROFILES, Duty.SERVE_CONSUMER, Duty.SERVE_CLS):
        assert not states.works(duty, NOON)


def test_a_duty_is_done_only_where_every_state_lets_it_be_done() -> None:
    for condition in SET:
        for other in SET:
            both, one, two = gateway(condition, other), gateway(condition), gateway(other)
            for duty in Duty:
                assert both.works(duty, NOON) is (one.works(duty, NOON) and two.works(duty, NOON))


def test_what_the_clock_says_is_a_condition() -> None:
    """FPT_STM.1, FPT_FLS.1: a deviation leaves administration alone, a time that is too old is flagged."""
    clock = GatewayClock(lambda: NOON)
    states = SecureStates(clock)
    claims, delivers = states.allows(Duty.CLAIM_VALID_TIME), states.allows(Duty.DELIVER)
    assert (claims(NOON), delivers(NOON), states.at(NOON)) == (True, True, SecureState.NORMAL)
    clock.take(ClockEvent.AGREED, ClockMemory(trusted_at=NOON))
    late = NOON + LONGEST_TRUST + timedelta(seconds=1)
    assert (claims(NOON), claims(late), delivers(late)) == (True, False, True)
    assert states.active(late) == (Active(Condition.NO_VALID_TIME, NOON),)
    clock.take(ClockEvent.DEVIATED, ClockMemory(deviating=True))
    assert (claims(NOON), delivers(NOON), states.works(Duty.HEAR_WAKE_UPS, NOON)) == (False, False, True)
    assert states.at(NOON) is SecureState.APPLICATION
    assert states.beside_the_clock(NOON) is SecureState.NORMAL


def test_the_gravest_counts() -> None:
    assert gravest([SecureState.CONNECTIVITY, SecureState.BOOT, SecureState.NORMAL]) is SecureState.BOOT
    assert gravest([]) is SecureState.NORMAL
    assert states_of((), NOON) == {SecureState.NORMAL}


def test_a_failed_update_has_time_to_be_replaced() -> None:
    """FPT_FLS.1: an update that failed is a secure state if nobody puts another in its place."""
    states, grace = gateway(Condition.UPDATE_FAILED), GRACE[Condition.UPDATE_FAILED]
    assert states.at(NOON + grace - timedelta(seconds=1)) is SecureState.NORMAL
    assert states.at(NOON + grace) is SecureState.BOOT
    assert states.at(NOON - grace) is SecureState.BOOT, "a clock that was set back prolongs nothing"


def test_a_condition_holds_since_it_was_found_first_until_it_is_found_gone() -> None:
    conditions, calls = Conditions(), []
    conditions.follow(lambda: calls.append(len(calls)))
    later = NOON + timedelta(hours=1)
    conditions.set(Condition.DISK_FULL, "first\n" + "x" * 300, NOON)
    conditions.set(Condition.DISK_FULL, "second", later)
    (found,) = conditions.active
    assert (found.condition, found.since, found.state) == (Condition.DISK_FULL, NOON, SecureState.APPLICATION)
    assert found.detail.startswith("first?x")
    assert len(found.detail) == LONGEST_DETAIL
    conditions.set(Condition.PROGRAM_ALTERED, "", later)
    assert [one.condition for one in conditions.active] == [Condition.DISK_FULL, Condition.PROGRAM_ALTERED]
    conditions.clear(Condition.DISK_FULL, later)
    conditions.clear(Condition.DISK_FULL, later)
    changes = conditions.take_changes()
    assert [(one.active.condition, one.began, one.at) for one in changes] == [
        (Condition.DISK_FULL, True, NOON),
        (Condition.PROGRAM_ALTERED, True, later),
        (Condition.DISK_FULL, False, later),
    ]
    assert conditions.take_changes() == ()
    assert calls == [0, 1, 2]


@pytest.mark.parametrize("condition", sorted(CLOCK))
def test_nobody_sets_what_follows_from_the_clock(condition: Condition) -> None:
    with pytest.raises(ValueError, match="follows from the clock"):
        Conditions().set(condition, "", NOON)
    assert Conditions([Active(condition, NOON)]).active == ()


def test_changes_that_nobody_takes_are_bounded() -> None:
    conditions = Conditions()
    for _ in range(MAXIMUM_CHANGES):
        conditions.set(Condition.DISK_FULL, "", NOON)
        conditions.clear(Condition.DISK_FULL, NOON)
    assert len(conditions.take_changes()) == MAXIMUM_CHANGES


def test_conditions_are_set_from_many_threads() -> None:
    conditions = Conditions()
    threads = [threading.Thread(target=conditions.set, args=(one, "", NOON)) for one in SET for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.condition for one in conditions.active} == set(SET)
    assert len(conditions.take_changes()) == len(SET)
