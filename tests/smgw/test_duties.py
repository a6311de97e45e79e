"""Every duty in every state, asked of a gateway that is put together whole: what is done is what the table says."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from pki.certificates import Purpose, Role
from smgw import secure_states
from smgw.administration.errors import CommandRefusedError
from smgw.administration.permission import PermissionReason
from smgw.clock import LONGEST_TRUST, ClockEvent, ClockMemory
from smgw.composed import Composed
from smgw.config import Framing, LineConfiguration
from smgw.secure_states import CLOCK, FOLLOWS, WORKS, Condition, Duty, SecureState
from smgw.wan.sender import SECURE_STATE
from smgw.wan.time_service import ComparisonError, TimeReason
from tests.smgw.composing import composed, copied
from tests.smgw.premises import Premises, now, pem
from wire.orders import ChangeProfiles, StoreFirmware
from wire.orders.commands import ProfileReference

pytestmark = pytest.mark.token

LATER = {Duty.SERVE_CONSUMER, Duty.SERVE_CLS}
"""Nobody does these yet."""


@pytest.fixture(scope="module")
def one(built: Premises, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    premises = copied(built, tmp_path_factory.mktemp("duties") / "copy")
    manufacturer = premises.pki.holder(Role.EMT, Purpose.SIG)
    (premises.folder / "manufacturer.pem").write_bytes(pem(manufacturer.certificate))
    premises.write_configuration(lines='[firmware]\nfolder = "firmware"\nmanufacturer = "manufacturer.pem"\n')
    with composed(premises) as gateway:
        yield gateway


def ordered(one: Composed, command: Any) -> bool:
    desk = one.management._ports.desk
    try:
        desk._handlers[type(command)](command, now())
    except CommandRefusedError as error:
        return error.reason is not PermissionReason.SECURE_STATE
    return True


def staged(one: Composed) -> bool:
    stage = one.management._ports.desk._ports.stage
    assert stage is not None
    try:
        stage(b"", now())
    except CommandRefusedError as error:
        return error.reason is not PermissionReason.SECURE_STATE
    return True


def compared(one: Composed) -> bool:
    try:
        one.timekeeping.service.synchronise()
    except ComparisonError as error:
        return error.reason != TimeReason.SECURE_STATE.value
    return True


def delivered(one: Composed) -> bool:
    sender = one.runtime._make_sender("grid")
    sender.step(now())
    return sender.progress["grid-1"].last_error != SECURE_STATE


def read(one: Composed) -> bool:
    settings = LineConfiguration("line-1", "/nowhere", 9600, Framing.SEVEN_EVEN, echo=False)
    line: Any = one.runtime._make_line(settings, (), None)
    return bool(line._may_read(now()))


PROBES: Mapping[Duty, Callable[[Composed], bool]] = {
    Duty.READ_METERS: read,
    Duty.CLAIM_VALID_TIME: lambda one: one.gateway._clock_valid(now()),
    Duty.DELIVER: delivered,
    Duty.HEAR_WAKE_UPS: lambda one: one.wake_up_port._may_hear(now()),
    Duty.SERVE_ADMINISTRATOR: lambda one: one.management._ports.may_serve(now()),
    Duty.SYNCHRONISE: compared,
    Duty.NOTIFY: lambda one: one.timekeeping.notifier._ports.may_tell(now()),
    Duty.CHANGE_PROFILES: lambda one: ordered(one, ChangeProfiles(withdraw=(ProfileReference("meter", "nobody"),))),
    Duty.UPDATE_FIRMWARE: lambda one: ordered(one, StoreFirmware("0" * 64)) and staged(one),
}


def done(one: Composed) -> set[Duty]:
    return {duty for duty, probe in PROBES.items() if probe(one)}


def test_every_duty_has_a_probe() -> None:
    assert set(PROBES) == set(Duty) - LATER


@pytest.mark.parametrize("condition", [None, *Condition])
def test_what_is_done_is_what_the_table_says(one: Composed, condition: Condition | None) -> None:
    """FPT_FLS.1: whatever is wrong, the parts of the gateway do what its state lets them do, and nothing else."""
    states, clock = one.timekeeping.states, one.timekeeping.clock
    before, state = clock.memory, SecureState.NORMAL if condition is None else FOLLOWS[condition]
    if condition is Condition.NO_VALID_TIME:
        clock.take(ClockEvent.AGREED, ClockMemory(trusted_at=now() - LONGEST_TRUST - timedelta(hours=1)))
    elif condition is Condition.CLOCK_DEVIATION:
        clock.take(ClockEvent.DEVIATED, ClockMemory(deviating=True))
    elif condition is not None:
        states.conditions.set(condition, "", now() - timedelta(days=31))
    try:
        assert states.at(now()) is state
        assert done(one) == WORKS[state] - LATER
    finally:
        if condition in CLOCK:
            clock.take(ClockEvent.SET, before)
        elif condition is not None:
            states.conditions.clear(condition, now())


def test_each_part_asks(one: Composed, monkeypatch: pytest.MonkeyPatch) -> None:
    """FPT_FLS.1: nothing is done that the table does not name, administration included."""
    monkeypatch.setattr(secure_states, "WORKS", dict.fromkeys(SecureState, frozenset()))
    assert done(one) == set()
