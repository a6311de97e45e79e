"""Tunnels that others open to us: who gets one, who does not, and what happens to it when the lists change."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from cryptography import x509

from pki.acceptor import AcceptedTunnel, Acceptor
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.errors import CertificateError, CertificateReason, TunnelError, TunnelReason
from pki.revoke import Revocation
from pki.tls import InProcessBackend, InProcessTunnel, TlsIdentity, client_context
from pki.tls_engine import TlsEngine
from pki.tunnel import MAX_TUNNEL_AGE, TunnelPeer
from testbed.small_pki import GATEWAY, Holder
from tests.pki.tunnel_world import STARTED, TIMEOUT, clock, ends, files

WORLD = ends()
OFFICE = WORLD.pki.holder(Role.GWA, Purpose.TLS, "Verwalter")
NOVICE = WORLD.pki.holder(Role.SMGW, Purpose.TLS, GATEWAY, seal=True)


def identity(holder: Holder) -> TlsIdentity:
    above = WORLD.pki.seal_ca if holder is NOVICE else WORLD.pki.hierarchy.sub_ca
    return TlsIdentity((holder.certificate, above.certificate), holder.key)


@dataclass
class Station:
    """An administrator's port that knows two certificates of one gateway."""

    trust: TrustStore = WORLD.trust
    seal: bool = False
    shift: timedelta = timedelta()
    built: int = 0
    pinned: frozenset[str] = frozenset(map(fingerprint, (WORLD.gateway.certificate, NOVICE.certificate)))
    acceptor: Acceptor = field(init=False)

    def __post_init__(self) -> None:
        self.acceptor = Acceptor(
            "127.0.0.1", 0, identity=identity(OFFICE), trust=self.now, verify=self.verify, clock=self.clock
        )

    def now(self) -> TrustStore:
        return self.trust

    def clock(self) -> datetime:
        return clock() + self.shift

    def verify(self, certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
        return trust.verify(certificate, role=Role.SMGW, purpose=Purpose.TLS, at=at, pinned=self.pinned, seal=self.seal)

    def dial(self, holder: Holder = WORLD.gateway, trust: TrustStore = WORLD.trust) -> InProcessTunnel:
        peer = TunnelPeer("127.0.0.1", self.acceptor.port, OFFICE.certificate, Role.GWA)
        return InProcessBackend(identity(holder), trust, clock=clock).open(peer, timeout=TIMEOUT)

    def serve(self) -> AcceptedTunnel:
        incoming = self.acceptor.accept(TIMEOUT)
        assert incoming is not None
        return incoming.shake_hands(TIMEOUT)

    @contextlib.contextmanager
    def meeting(self, dial: Callable[[], object]) -> Iterator[Future[AcceptedTunnel]]:
        """The server's half of ``dial``, which runs meanwhile and whose own failure is the client's business."""
        with ThreadPoolExecutor(1) as pool:
            dialling = pool.submit(dial)
            accepted: Future[AcceptedTunnel] = Future()
            try:
                accepted.set_result(self.serve())
            except TunnelError as error:
                accepted.set_exception(error)
            yield accepted
            with contextlib.suppress(TunnelError, OSError):
                # In TLS 1.3 a client may believe for a moment that it has one.
                if isinstance(tunnel := dialling.result(TIMEOUT), InProcessTunnel):
                    tunnel.close()

    def refusal(self, dial: Callable[[], object]) -> TunnelReason:
        with self.meeting(dial) as accepted, pytest.raises(TunnelError) as caught:
            accepted.result(0)
        return caught.value.reason


@pytest.fixture
def station() -> Iterator[Station]:
    made = Station()
    yield made
    made.acceptor.close()


@contextlib.contextmanager
def open_tunnel(station: Station, holder: Holder = WORLD.gateway) -> Iterator[tuple[InProcessTunnel, AcceptedTunnel]]:
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(station.serve)
        dialled = station.dial(holder)
        accepted = serving.result(TIMEOUT)
        try:
            yield dialled, accepted
        finally:
            dialled.close()
            accepted.close()


def test_a_conversation(station: Station) -> None:
    with open_tunnel(station) as (dialled, accepted):
        assert (accepted.peer.identity, accepted.peer.role, accepted.peer.seal) == (GATEWAY, Role.SMGW, False)
        assert accepted.address[0] == "127.0.0.1"
        assert STARTED <= accepted.opened_at <= clock()
        accepted.send(b"order")
        assert dialled.receive(10, TIMEOUT) == b"order"
        dialled.send(b"done")
        assert accepted.receive(2, TIMEOUT) + accepted.receive(2, TIMEOUT) == b"done"
        dialled.close()
        assert accepted.receive(1, TIMEOUT) == b""


def test_what_comes_with_the_last_of_the_handshake_is_not_lost(station: Station) -> None:
    """In TLS 1.3 a client may speak in the very segment that ends its handshake."""

    def office(certificate: x509.Certificate) -> VerifiedCertificate:
        pinned = {fingerprint(OFFICE.certificate)}
        return WORLD.trust.verify(certificate, role=Role.GWA, purpose=Purpose.TLS, at=clock(), pinned=pinned)

    def dial_and_speak() -> None:
        engine = TlsEngine(client_context(identity(WORLD.gateway), WORLD.trust), server=False, verify=office)
        with socket.create_connection(("127.0.0.1", station.acceptor.port), TIMEOUT) as raw:
            while engine.peer is None:
                raw.sendall(engine.outgoing())
                engine.receive(raw.recv(65_536))
            assert engine.parameters[0] == "TLSv1.3"
            engine.send(b"early")
            raw.sendall(engine.outgoing())
            raw.recv(65_536)

    with station.meeting(dial_and_speak) as accepted:
        tunnel = accepted.result(0)
        assert tunnel.receive(10, TIMEOUT) == b"early"
        tunnel.close()


def test_a_quality_seal_opens_a_tunnel_only_where_it_is_taken(station: Station) -> None:
    assert station.refusal(lambda: station.dial(NOVICE)) is TunnelReason.PEER_CERTIFICATE
    station.seal = True
    with open_tunnel(station, NOVICE) as (_, accepted):
        assert accepted.peer.seal
    with open_tunnel(station) as (_, accepted):
        assert not accepted.peer.seal


def test_another_role_an_unknown_one_and_no_certificate(station: Station) -> None:
    assert station.refusal(lambda: station.dial(WORLD.participant)) is TunnelReason.PEER_CERTIFICATE
    stranger = WORLD.pki.holder(Role.SMGW, Purpose.TLS, "EABC0012345679")
    assert station.refusal(lambda: station.dial(stranger)) is TunnelReason.PEER_CERTIFICATE

    def anonymous() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ecdh_curve("brainpoolP256r1")
        with (
            socket.create_connection(("127.0.0.1", station.acceptor.port), TIMEOUT) as raw,
            context.wrap_socket(raw) as connection,
        ):
            connection.recv(1)

    assert station.refusal(anonymous) in {TunnelReason.HANDSHAKE, TunnelReason.PEER_CERTIFICATE}


def test_a_refused_client_never_had_a_tunnel_in_tls_1_2(station: Station) -> None:
    """The last word is ours, after OpenSSL's: the client's handshake must not end well before it is spoken."""
    results: list[str] = []

    def dial() -> None:
        with files(WORLD.participant, WORLD.trust) as (chain, key, trusted):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ecdh_curve("brainpoolP256r1")
            context.load_cert_chain(chain, key)
            context.load_verify_locations(trusted)
        with socket.create_connection(("127.0.0.1", station.acceptor.port), TIMEOUT) as raw:
            try:
                context.wrap_socket(raw).close()
                results.append("open")
            except OSError:
                results.append("refused")

    assert station.refusal(dial) is TunnelReason.PEER_CERTIFICATE
    assert results == ["refused"]


def revoking(*holders: Holder) -> TrustStore:
    return WORLD.pki.trust(sub_ca=tuple(Revocation(each.certificate.serial_number, STARTED) for each in holders))


def test_new_lists_count_for_the_next_handshake_and_for_open_tunnels_that_are_asked(station: Station) -> None:
    with open_tunnel(station) as (_, accepted):
        assert accepted.verify_again(clock()) == accepted.peer
        with pytest.raises(CertificateError) as caught:
            accepted.verify_again(clock() + timedelta(days=800))
        assert caught.value.reason is CertificateReason.EXPIRED
        station.trust = revoking(WORLD.gateway)
        with pytest.raises(CertificateError) as caught:
            accepted.verify_again(clock())
        assert caught.value.reason is CertificateReason.REVOKED
    assert station.refusal(station.dial) is TunnelReason.PEER_CERTIFICATE
    station.trust = WORLD.trust
    with open_tunnel(station):
        pass


def test_while_nobody_can_be_believed_nobody_gets_in(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> TrustStore:
        raise CertificateError(CertificateReason.MALFORMED, "the folder is being changed")

    monkeypatch.setattr(station.acceptor, "_trust", unreadable)
    assert station.refusal(station.dial) is TunnelReason.PEER_CERTIFICATE


def test_after_48_hours_the_tunnel_refuses_service(station: Station) -> None:
    with open_tunnel(station) as (_, accepted):
        station.shift = MAX_TUNNEL_AGE
        with pytest.raises(TunnelError) as caught:
            accepted.send(b"x")
        assert caught.value.reason is TunnelReason.CLOSED


def test_who_says_nothing_is_given_up_and_delays_nobody(station: Station) -> None:
    with socket.create_connection(("127.0.0.1", station.acceptor.port)) as silent:
        incoming = station.acceptor.accept(TIMEOUT)
        assert incoming is not None
        with open_tunnel(station) as (dialled, accepted):
            dialled.send(b"x")
            assert accepted.receive(1, TIMEOUT) == b"x"
        with pytest.raises(TunnelError) as caught:
            incoming.shake_hands(0.05)
        assert caught.value.reason is TunnelReason.TIMEOUT
        assert silent.recv(1) == b""


def test_who_hangs_up_or_speaks_another_language(station: Station) -> None:
    def cut() -> None:
        socket.create_connection(("127.0.0.1", station.acceptor.port)).close()

    def http() -> None:
        with socket.create_connection(("127.0.0.1", station.acceptor.port), TIMEOUT) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
            raw.recv(10)

    assert station.refusal(cut) is TunnelReason.CLOSED
    assert station.refusal(http) is TunnelReason.HANDSHAKE


def test_an_incoming_may_be_turned_away(station: Station) -> None:
    with socket.create_connection(("127.0.0.1", station.acceptor.port), TIMEOUT) as raw:
        incoming = station.acceptor.accept(TIMEOUT)
        assert incoming is not None
        assert incoming.address == raw.getsockname()
        incoming.close()
        assert raw.recv(1) == b""
        with pytest.raises(TunnelError):
            incoming.shake_hands(TIMEOUT)


def test_nobody_came_and_closing_ends_the_waiting(station: Station) -> None:
    assert station.acceptor.accept(0.01) is None
    waiting = threading.Thread(target=station.acceptor.accept, args=(600.0,))
    waiting.start()
    station.acceptor.close()
    station.acceptor.close()
    waiting.join(TIMEOUT)
    assert not waiting.is_alive()
    assert station.acceptor.accept(600.0) is None


def test_an_address_that_is_taken_and_a_key_that_does_not_fit(station: Station) -> None:
    def acceptor(port: int, own: TlsIdentity) -> Acceptor:
        return Acceptor(
            "127.0.0.1", port, identity=own, trust=station.now, verify=station.verify, clock=clock, backlog=1
        )

    with pytest.raises(TunnelError) as caught:
        acceptor(station.acceptor.port, identity(OFFICE))
    assert caught.value.reason is TunnelReason.UNREACHABLE
    with pytest.raises(TunnelError) as caught:
        acceptor(0, TlsIdentity((OFFICE.certificate,), NOVICE.key))
    assert caught.value.reason is TunnelReason.HANDSHAKE
