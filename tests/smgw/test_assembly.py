from datetime import timedelta
from pathlib import Path

import pytest

from smgw.clock import ClockEvent
from smgw.composed import Composed
from smgw.firewall.watch import NOT_MANAGED
from smgw.report import KEY_IN_MEMORY
from smgw.secure_states import Duty, SecureState
from smgw.self_test import CheckName
from smgw.store.calibration_log import CalibrationLog
from smgw.store.logs import Event, Outcome
from smgw.store.notifications import Notifications
from smgw.store.profiles import ProfileStore
from tests.smgw.composing import composed, make, name
from tests.smgw.premises import Premises, now
from tests.softhsm import shared_configuration
from tests.wire.profiles.examples import METER
from wire.orders import COMMANDS, ActivateFirmware, StoreFirmware

pytestmark = pytest.mark.token


def test_a_key_in_process_memory_is_said_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = 'tunnel = "private-key-in-process-memory"\ntls_key_file = "tls.key"'
    premises = Premises(tmp_path, shared_configuration(), name(), tunnel=memory)
    premises.enrol()
    assert (tmp_path / "tls.key").stat().st_mode & 0o777 == 0o600
    with premises.open_token() as token:
        assert "TLS" not in token.labels()
    with composed(premises) as one:
        assert one.status()["deviations"] == [KEY_IN_MEMORY, NOT_MANAGED]
        assert [entry.subject for entry in one.log.entries() if entry.event is Event.GATEWAY_STARTED] == ["wan.tunnel"]
    assert KEY_IN_MEMORY in caplog.text


def test_everything_goes_by_the_gateways_clock_and_asks_its_state(premises: Premises) -> None:
    at = now()
    with composed(premises, lambda: at) as one:
        keeping = one.timekeeping
        clock, sender = keeping.clock, one.runtime._make_sender("grid")
        assert one.environment.clock == one.gateway._clock == clock
        assert one.management._ports.ended == keeping.tunnel_ended
        assert (one.gateway._clock_valid(at), sender.ports.may_deliver(at)) == (True, True)
        hour = timedelta(hours=1)
        clock.take(ClockEvent.DEVIATED, clock.after(ClockEvent.DEVIATED, hour, corrected=False))
        assert (one.gateway._clock_valid(at), sender.ports.may_deliver(at)) == (False, False)
        assert one.management._ports.clock() == at + hour
        told, owner = one.report.for_administrator(), one.report.for_owner()
        assert told["clock_deviation_seconds"] == 3600
        assert told["clock"] == owner["clock"] == keeping.report()


def test_whatever_can_be_ordered_is_carried_out(premises: Premises) -> None:
    """FMT_SMF.1: each command has its handler, all but those about firmware where there are no slots for it."""
    with composed(premises) as one:
        assert set(COMMANDS.values()) - set(one.management._ports.desk._handlers) == {StoreFirmware, ActivateFirmware}


def test_altered_logs_are_found_by_the_self_test(premises: Premises) -> None:
    """FDP_SDI.2, FAU_STG.2, FPT_TST.1: an entry that nobody wrote stops the gateway from measuring."""
    with composed(premises) as one:
        assert failed(one) == []
        with one.gateway._readings._database.write() as connection:
            connection.exec_driver_sql("DROP TRIGGER log_entries_update")
            connection.exec_driver_sql("UPDATE log_entries SET subject = 'another' WHERE record_number = 1")
        assert failed(one) == [CheckName.LOGS]
        states = one.timekeeping.states
        assert states.at(now()) is SecureState.APPLICATION
        assert not states.works(Duty.READ_METERS, now())


def test_a_full_calibration_log_stops_operation_and_not_the_administrator(premises: Premises) -> None:
    """FAU_STG.4/CAL: nothing is measured or delivered any more, and whoever may mend it is served."""
    with composed(premises) as one:
        database, states = one.gateway._readings._database, one.timekeeping.states
        one.log.record(Event.PROFILE_INSTALLED, "meter-1", Outcome.SUCCESS, at=now(), kind="meter", version=1)
        one.log_watch.calibration = CalibrationLog(database, capacity=1)
        one.log_watch.fill(now())
        assert states.at(now()) is SecureState.BOOT
        works = {duty for duty in Duty if states.works(duty, now())}
        assert works.isdisjoint({Duty.READ_METERS, Duty.DELIVER, Duty.CHANGE_PROFILES})
        assert Duty.SERVE_ADMINISTRATOR in works
        one.timekeeping.look()
        assert Notifications(database).waiting() >= 1, "the administrator is told"


def failed(one: Composed) -> list[CheckName]:
    return [check.name for check in one.self_test.run(now()) if not check.passed]


def test_a_contract_ends_in_a_whole_gateway(tmp_path: Path) -> None:
    """FCS_CKM.4, FDP_RIP.2, FPT_STM.1: under a compared clock only; the module destroys the key, and the next start
    finds the new one.
    """
    premises = make(tmp_path)
    with composed(premises) as one:
        database, retention = one.gateway._readings._database, one.report.retention
        ProfileStore(database).put(METER, document=b"signed", at=METER.valid_from)
        with database.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO withdrawals (kind, id, version, at) VALUES ('meter', ?, ?, 0)", (METER.id, METER.version)
            )
        retention.sweep(now(), lambda _: False)
        assert retention.report()["waits_for"] == "a trusted time"
        clock = one.timekeeping.clock
        clock.take(ClockEvent.AGREED, clock.after(ClockEvent.AGREED, timedelta(), corrected=False))
        retention.sweep(now(), lambda _: False)
        told = {(entry.event, entry.subject) for entry in one.log.entries()}
        assert {(Event.DATA_ERASED, "contract"), (Event.KEYS_DESTROYED, "store")} <= told
        assert failed(one) == []
    with premises.open_token() as token:
        assert [label for label in token.labels() if label.startswith("STORAGE")] == ["STORAGE.2"]
    with composed(premises) as again:
        assert again.log.entries()
