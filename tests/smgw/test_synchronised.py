"""A gateway that runs as a process, and an administrator whose time it takes: corrected, wrong, ordered, restarted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pki.acceptor import Acceptor
from pki.errors import TunnelError
from pki.tls import TlsIdentity
from tests.smgw import caller as callers
from tests.smgw.caller import PATIENCE, Caller
from tests.smgw.premises import Premises, now
from tests.smgw.test_main import MEMORY, made, running, smgw, wait_for
from wire import ntp
from wire.http_server import HttpServer, Request
from wire.management import JSON, NTP, TIME
from wire.notification import Notification
from wire.orders import BreakUp, ReplyOutcome, SynchroniseClock

pytestmark = pytest.mark.token


class Office:
    """An administrator who calls and is told; ``ahead`` is his time service, ``calling`` what he signs by."""

    def __init__(self, folder: Path) -> None:
        self.ahead = self.calling = timedelta()
        self.told: list[Notification] = []
        self.premises: Premises = made(folder, MEMORY)
        self.caller = Caller(self.premises)
        chain = (self.premises.dialled.certificate, self.premises.pki.hierarchy.sub_ca.certificate)
        trust = self.premises.pki.trust()
        self.service = Acceptor(
            "127.0.0.1", 0, identity=TlsIdentity(chain, self.premises.dialled.key), trust=lambda: trust,
            verify=self.caller._verify, clock=lambda: datetime.now(UTC),
        )  # fmt: skip
        profile = self.premises.administered(self.caller.acceptor.port, self.caller.wake_up_port)
        signed = self.premises.sign(replace(profile, service_port=self.service.port))
        (self.premises.folder / "administrator.cms").write_bytes(signed)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        self.service.close()
        self.caller.close()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            incoming = self.service.accept(0.05)
            if incoming is not None:
                with suppress(TunnelError):
                    tunnel = incoming.shake_hands(PATIENCE)
                    server = HttpServer()
                    while data := tunnel.receive(65_536, PATIENCE):
                        request = server.receive(data)
                        if request is not None:
                            media_type, body = self._answer(request)
                            tunnel.send(server.respond(200, {"Content-Type": media_type}, body))
                    tunnel.close()

    def _answer(self, request: Request) -> tuple[str, bytes]:
        if request.target == TIME:
            question = ntp.NtpPacket.from_bytes(request.body)
            return NTP, ntp.reply(question, self.clock(), self.clock()).to_bytes()
        self.told.append(Notification.from_bytes(request.body))
        return JSON, b'{"result":"stored"}'


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    made = Office(tmp_path)
    monkeypatch.setattr(callers, "now", lambda: now() + made.calling)
    yield made
    made.close()


def test_corrected_then_wrong_then_set_by_order_and_so_after_a_restart(office: Office) -> None:
    """FPT_STM.1, FMT_SMF.1; TR-03109-1, NTP-HTTPS, setting of the time."""
    premises, caller = office.premises, office.caller
    office.ahead = timedelta(seconds=10)
    with running(premises) as gateway:
        told = wait_for(premises, gateway, lambda told: told["clock"]["state"] == "valid")["clock"]
        assert 9_000 < told["deviation_milliseconds"] < 11_000
        assert 9_000 < told["offset_milliseconds"] < 11_000
        shown = smgw("status", premises.file).stdout
        assert "clock valid: last compared" in shown
        assert "state normal" in shown

        office.ahead = timedelta(hours=1)
        with caller.tunnel() as tunnel:  # signed by a time that the gateway still takes for right
            asked = tunnel.order(SynchroniseClock(accept_any_deviation=False))
            assert (asked.outcome, asked.result["state"]) == (ReplyOutcome.DONE, "deviating")
            office.calling = office.ahead
            assert tunnel.order(BreakUp()).outcome is ReplyOutcome.DONE
            assert tunnel.ended()
        told = wait_for(premises, gateway, lambda told: told["secure_states"]["state"] == "application")
        assert "not sent: the gateway is in a secure state" in str(told["profiles"])
        with caller.tunnel() as tunnel:  # woken and ordered by the administrator's time, an hour ahead of the gateway's
            status = tunnel.told("/status")
            assert 3_580 <= status["clock_deviation_seconds"] <= 3_600
            done = tunnel.order(SynchroniseClock(accept_any_deviation=True))
            assert (done.outcome, done.result["state"], done.result["corrected"]) == (ReplyOutcome.DONE, "valid", True)
            assert tunnel.told("/status")["secure_states"]["state"] == "normal"
            events = [entry["event"] for entry in tunnel.told("/logs/calibration")["entries"]]
            assert [event for event in events if event.startswith(("CLOCK", "SECURE"))] == [
                "CLOCK_DEVIATION", "SECURE_STATE", "CLOCK_SET", "SECURE_STATE",
            ]  # fmt: skip
            wait_for(premises, gateway, lambda _: len(office.told) >= 3)
            # Set back, the clock cuts every tunnel that is younger than the step; the answer is there for the next.
            # In this very tunnel, because after it the gateway would compare of its own accord.
            office.ahead = timedelta(minutes=30)
            document = caller.document(SynchroniseClock(accept_any_deviation=True))
            with suppress(TunnelError, AssertionError):
                tunnel.hand_in(document)
        office.calling = office.ahead
        with caller.tunnel() as tunnel:
            again = tunnel.hand_in(document)
            assert (again.outcome, again.result["corrected"]) == (ReplyOutcome.DONE, True)
            assert tunnel.told("/status")["clock"]["state"] == "valid"
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(PATIENCE) == 0
    assert [(one.number, one.event, one.outcome) for one in office.told[:3]] == [
        (1, "CLOCK_DEVIATION", "FAILURE"), (2, "SECURE_STATE", "FAILURE"), (3, "SECURE_STATE", "SUCCESS"),
    ]  # fmt: skip
    with running(premises) as gateway:
        told = wait_for(premises, gateway, lambda told: told["clock"]["state"] == "valid")["clock"]
        assert abs(told["deviation_milliseconds"]) < 2_000
        assert abs(told["offset_milliseconds"] - 1_800_000) < 2_000
