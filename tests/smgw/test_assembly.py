from datetime import timedelta
from pathlib import Path

import pytest

from smgw.clock import ClockEvent
from smgw.composed import Composed
from smgw.firewall.watch import NOT_MANAGED
from smgw.report import KEY_IN_MEMORY
from smgw.secure_states import Duty, SecureState
from smgw.self_test import CheckName
from smgw.store.logs import Event
from tests.smgw.composing import composed, name
from tests.smgw.premises import Premises, now
from tests.softhsm import shared_configuration

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
    with composed(premises) as one:
        keeping = one.timekeeping
        clock, sender = keeping.clock, one.runtime._make_sender("grid")
        assert one.environment.clock == one.gateway._clock == clock
        assert one.management._ports.ended == keeping.tunnel_ended
        assert (one.gateway._clock_valid(now()), sender.ports.may_deliver(now())) == (True, True)
        hour = timedelta(hours=1)
        clock.take(ClockEvent.DEVIATED, clock.after(ClockEvent.DEVIATED, hour, corrected=False))
        assert (one.gateway._clock_valid(now()), sender.ports.may_deliver(now())) == (False, False)
        assert one.management._ports.clock() - now() >= hour
        told, owner = one.report.for_administrator(), one.report.for_owner()
        assert told["clock_deviation_seconds"] == 3600
        assert told["clock"] == owner["clock"] == keeping.report()


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


def failed(one: Composed) -> list[CheckName]:
    return [check.name for check in one.self_test.run(now()) if not check.passed]
