"""Waking a gateway: real datagrams, and what silence is told to mean."""

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from admin.errors import InventoryError
from admin.inventory import LifeCycle
from admin.office import Letter, Office
from admin.tunnels import TunnelRecord
from admin.wake import WINDOW_SECONDS, Postman, Progress, SilenceReason, WakeOutcome, WakeResult, wake_and_wait
from pki.certificates import Purpose, load_certificate
from pki.revoke import Revocation
from smgw.wan.wakeup import WINDOW
from tests.admin.bureau import BY, GATEWAY, NOW, SECOND, Bureau, FakeTime, StandingTime, fake_timing, real_timing
from tests.admin.listener import Listener, serve_orders
from tests.ports import deaf_port
from wire.reading import DeviceId
from wire.wakeup import SIZE, WakeUp

pytestmark = pytest.mark.token


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """A socket that hears wake-ups and does nothing about them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        yield udp


def heard(ear: socket.socket) -> list[WakeUp]:
    found: list[WakeUp] = []
    while True:
        try:
            found.append(WakeUp.from_bytes(ear.recv(SIZE + 1)))
        except BlockingIOError:
            return found


def wake(office: Office, fake: FakeTime, **limits: float) -> WakeResult:
    return wake_and_wait(office, GATEWAY, fake_timing(fake, **limits), BY)


def reasons(result: WakeResult) -> list[SilenceReason]:
    assert result.outcome is WakeOutcome.SILENCE
    return [likely.reason for likely in result.reasons]


def test_a_tunnel_that_comes(bureau: Bureau) -> None:
    with Listener(bureau) as listener, bureau.office(GATEWAY, port=listener.port) as office:
        listener.react = serve_orders(office)
        result = wake_and_wait(office, GATEWAY, real_timing(), BY)
    assert (result.gateway, result.outcome, result.reasons) == (GATEWAY, WakeOutcome.CAME, ())
    assert result.tunnel is not None
    assert result.tunnel.gateway == GATEWAY
    assert result.wake_ups == len(listener.heard) == 1


def test_a_wake_up_that_is_lost_is_followed_by_another_one(bureau: Bureau) -> None:
    """The first two datagrams wake nobody; each is another one, later than the one before."""
    with Listener(bureau) as listener, bureau.office(GATEWAY, port=listener.port) as office:
        answered: list[WakeUp] = []
        # The clock goes on only when the listener has done what it does about what was sent so far.
        fake = StandingTime(goes=lambda: fake.slept < 5 * len(answered))

        def come(heard: WakeUp) -> None:
            if len(listener.heard) == 3:
                office.tunnels.opened(GATEWAY, NOW)
            answered.append(heard)

        listener.react = come
        result = wake_and_wait(office, GATEWAY, fake_timing(fake, timeout=3600), BY)
    assert (result.outcome, result.wake_ups) == (WakeOutcome.CAME, 3)
    assert len({one.nonce for one in listener.heard}) == 3
    # The signed time counts whole seconds, and five of them lie between two wake-ups, but for what a poll adds.
    gaps = [
        after.issued_at - before.issued_at for before, after in zip(listener.heard, listener.heard[1:], strict=False)
    ]
    assert all(timedelta(seconds=4) <= gap <= timedelta(seconds=6) for gap in gaps)


def test_a_tunnel_that_is_open_already_needs_no_wake_up(bureau: Bureau, ear: socket.socket) -> None:
    with bureau.office(GATEWAY, port=ear.getsockname()[1]) as office:
        number = office.tunnels.opened(GATEWAY, NOW)
        result = wake(office, FakeTime())
    assert (result.outcome, result.wake_ups) == (WakeOutcome.WAS_OPEN, 0)
    assert result.tunnel is not None
    assert result.tunnel.number == number
    assert heard(ear) == []


def test_a_tunnel_that_opens_at_the_first_look_is_seen(
    bureau: Bureau, ear: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway comes by an earlier wake-up, after it was looked whether it is there: it is no old tunnel."""
    with bureau.office(GATEWAY, port=ear.getsockname()[1]) as office:
        look = office.tunnels.open

        def opens(gateway: DeviceId, at: datetime) -> TunnelRecord | None:
            found = look(gateway, at)
            office.tunnels.opened(gateway, at)
            return found

        monkeypatch.setattr(office.tunnels, "open", opens)
        result = wake(office, FakeTime())
    assert result.outcome is WakeOutcome.CAME


def test_an_old_tunnel_is_not_taken_for_the_new_one(bureau: Bureau, ear: socket.socket) -> None:
    with bureau.office(GATEWAY, port=ear.getsockname()[1]) as office:
        office.tunnels.closed(office.tunnels.opened(GATEWAY, NOW), "broken up", NOW)
        assert wake(office, FakeTime()).outcome is WakeOutcome.SILENCE


def test_silence_takes_as_long_as_it_was_given(bureau: Bureau, ear: socket.socket) -> None:
    told: list[Progress] = []
    with bureau.office(GATEWAY, port=ear.getsockname()[1]) as office:
        fake = FakeTime()
        result = wake_and_wait(office, GATEWAY, fake_timing(fake, timeout=20, resend=5), BY, told.append)
        entries = [entry for entry in office.audit.entries() if entry.action == "wake-up"]
    assert result.wake_ups == len(heard(ear)) == len(entries) == 4
    assert result.after >= timedelta(seconds=20)
    assert told[-1].wake_ups == 4
    assert told[0].waited < told[-1].waited


def test_a_server_that_does_not_run_is_seen(bureau: Bureau, ear: socket.socket) -> None:
    with bureau.office(GATEWAY, port=ear.getsockname()[1]) as office:
        result = wake(office, FakeTime())
    assert reasons(result) == [SilenceReason.NO_SERVER]
    assert "smgw-admin serve" in result.reasons[0].sentence


def test_a_place_where_nobody_listens_is_seen(bureau: Bureau) -> None:
    with deaf_port() as port, bureau.office(GATEWAY, port=port) as office:
        office.tunnels.start(NOW)
        result = wake(office, FakeTime())
    assert reasons(result) == [SilenceReason.NOBODY_LISTENS]
    assert f"127.0.0.1:{port}" in result.reasons[0].sentence


def test_somebody_who_called_and_was_refused_is_seen(bureau: Bureau, ear: socket.socket) -> None:
    with bureau.office(GATEWAY, port=ear.getsockname()[1]) as office:
        office.tunnels.start(NOW)
        office.tunnels.refused("EOLD0000000001", "long ago", NOW - 60 * SECOND)
        office.tunnels.refused(GATEWAY.text, "its certificate is revoked", NOW)
        result = wake(office, FakeTime())
    assert reasons(result) == [SilenceReason.REFUSED_HERE]
    assert "its certificate is revoked" in result.reasons[0].sentence


def test_a_certificate_that_is_not_believed_here_is_seen(bureau: Bureau, ear: socket.socket) -> None:
    with bureau.office(GATEWAY, port=ear.getsockname()[1]) as office:
        office.tunnels.start(NOW)
        triple = office.inventory.get(GATEWAY).certificates
        assert SilenceReason.CERTIFICATE not in reasons(wake(office, FakeTime()))
        gone = Revocation(load_certificate(triple[Purpose.TLS]).serial_number, NOW - timedelta(hours=1))
        bureau.write_trust(*bureau.pki.crls(sub_ca=(gone,)))
        office.tunnels.start(NOW)
        (likely,) = wake(office, FakeTime()).reasons
    assert likely.reason is SilenceReason.CERTIFICATE
    assert f"the TLS certificate of {GATEWAY} is not believed" in likely.sentence
    assert "revoked" in likely.sentence


def test_an_address_that_takes_no_datagram_is_seen(bureau: Bureau) -> None:
    with bureau.office(GATEWAY) as office:
        office.tunnels.start(NOW)
        office.inventory.set_address(GATEWAY, "255.255.255.255", 4059, BY, NOW)
        assert reasons(wake(office, FakeTime())) == [SilenceReason.NOT_SENT]


def test_without_anything_to_see_the_likely_reasons_are_told(bureau: Bureau, ear: socket.socket) -> None:
    port = ear.getsockname()[1]
    with bureau.office(GATEWAY, port=port) as office:
        office.tunnels.start(NOW)
        result = wake(office, FakeTime())
        assert reasons(result) == [
            SilenceReason.NEVER_CAME,
            SilenceReason.ADDRESS,
            SilenceReason.CLOCK,
            SilenceReason.ADMINISTRATOR,
            SilenceReason.OFF,
        ]
        told = " ".join(likely.sentence for likely in result.reasons)
        assert f"127.0.0.1:{port}" in told
        assert "2026-01-15 12:00" in told
        assert str(bureau.signature_file) in told
        office.tunnels.closed(office.tunnels.opened(GATEWAY, NOW), "", NOW)
        assert SilenceReason.NEVER_CAME not in reasons(wake(office, FakeTime()))


def test_the_window_that_is_told_is_the_gateways() -> None:
    assert timedelta(seconds=WINDOW_SECONDS) == WINDOW


def test_who_may_not_be_woken_is_not_waited_for(office: Office) -> None:
    office.tunnels.opened(GATEWAY, NOW)
    office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, NOW)
    with pytest.raises(InventoryError):
        wake(office, FakeTime())


def test_a_datagram_that_comes_back_is_no_answer(ear: socket.socket) -> None:
    """Whatever a stranger sends to the waiting socket changes nothing."""
    address = ("127.0.0.1", ear.getsockname()[1])
    with Postman() as postman:
        postman.look()
        postman.send(Letter(socket.AF_INET, address, b"x"))
        ear.setblocking(True)
        ear.settimeout(60)
        _, sender = ear.recvfrom(10)
        ear.sendto(b"I am awake", sender)
        postman.look()
        assert (postman.bounced, postman.failure) == (False, "")
