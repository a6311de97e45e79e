from datetime import timedelta
from pathlib import Path

import pytest

from smgw.clock import ClockEvent
from smgw.firewall.watch import NOT_MANAGED
from smgw.report import KEY_IN_MEMORY
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
