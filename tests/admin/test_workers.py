import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime

import pytest
from cryptography import x509

from admin.workers import Refused, Serve, Workers
from pki.acceptor import AcceptedTunnel, Acceptor, Address
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate
from pki.errors import CertificateError, CertificateReason, TunnelError, TunnelReason
from pki.tls import InProcessBackend, InProcessTunnel
from pki.tunnel import TunnelPeer
from tests.admin.server_world import until
from tests.pki.tunnel_world import TIMEOUT, clock, ends

WORLD = ends()
OPENED: list[InProcessTunnel] = []
ADMINISTRATOR = WORLD.pki.holder(Role.GWA, Purpose.TLS, "Admin")


def believe(certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
    return WORLD.pki.verified(WORLD.gateway, Role.SMGW, Purpose.TLS)


def doubt(certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
    raise CertificateError(CertificateReason.NOT_PINNED, "nobody we know")


@contextmanager
def working(
    serve: Serve, *, verify: object = believe, limit: int = 16, refused: Refused = lambda _address, _error: None
) -> Iterator[tuple[Workers, int]]:
    acceptor = Acceptor(
        "127.0.0.1",
        0,
        identity=WORLD.identity(ADMINISTRATOR),
        trust=lambda: WORLD.trust,
        verify=verify,  # type: ignore[arg-type]
        clock=clock,
    )
    workers = Workers("test", acceptor, serve, limit=limit, refused=refused)
    workers.start()
    try:
        yield workers, acceptor.port
    finally:
        while OPENED:
            OPENED.pop().close()
        assert workers.stop(TIMEOUT) == 0


def dial(port: int, timeout: float = TIMEOUT) -> InProcessTunnel:
    backend = InProcessBackend(WORLD.identity(WORLD.gateway), WORLD.trust, clock=clock)
    peer = TunnelPeer("127.0.0.1", port, ADMINISTRATOR.certificate, Role.GWA)
    OPENED.append(backend.open(peer, timeout=timeout))
    return OPENED[-1]


def until_stopped(_: AcceptedTunnel, stopping: threading.Event) -> None:
    stopping.wait(TIMEOUT)


def test_many_are_served_at_once() -> None:
    together = threading.Barrier(5)

    def serve(_: AcceptedTunnel, stopping: threading.Event) -> None:
        together.wait(TIMEOUT)
        stopping.wait(TIMEOUT)

    with working(serve) as (workers, port):
        tunnels = [dial(port) for _ in range(4)]
        together.wait(TIMEOUT)  # broken if one of the four were served after another
        assert workers.busy == 4
        for tunnel in tunnels:
            tunnel.close()


def test_who_comes_beyond_the_bound_waits_for_a_place() -> None:
    leave = threading.Event()

    def serve(_: AcceptedTunnel, stopping: threading.Event) -> None:
        leave.wait(TIMEOUT)

    with working(serve, limit=1) as (workers, port):
        first = dial(port)
        with pytest.raises(TunnelError) as caught:
            dial(port, timeout=1.5)
        assert caught.value.reason is TunnelReason.TIMEOUT
        assert workers.busy == 1
        leave.set()
        dial(port).close()
        first.close()


def test_a_fault_with_one_takes_no_place_for_ever() -> None:
    served = []

    def serve(tunnel: AcceptedTunnel, _: threading.Event) -> None:
        served.append(tunnel)
        raise ZeroDivisionError

    with working(serve, limit=1) as (workers, port):
        for count in range(1, 4):
            tunnel = dial(port)
            assert tunnel.receive(1, TIMEOUT) == b""
            until(lambda count=count: len(served) == count)  # type: ignore[misc]
        until(lambda: workers.busy == 0)


def test_who_is_not_let_in_is_told_and_never_served() -> None:
    told: list[tuple[Address, TunnelError]] = []
    served = []

    with working(
        lambda tunnel, _: served.append(tunnel),
        verify=doubt,
        refused=lambda address, error: told.append((address, error)),
    ) as (workers, port):
        with suppress(TunnelError):
            dial(port).receive(1, TIMEOUT)
        until(lambda: bool(told) and workers.busy == 0)
    (address, error) = told[0]
    assert address[0] == "127.0.0.1"
    assert error.reason is TunnelReason.PEER_CERTIFICATE
    assert served == []


def test_stopping_lets_tunnels_end_and_accepts_nobody() -> None:
    with working(until_stopped) as (workers, port):
        tunnel = dial(port)
        until(lambda: workers.busy == 1)
        assert workers.stop(TIMEOUT) == 0
        assert tunnel.receive(1, TIMEOUT) == b""
        with pytest.raises(TunnelError) as caught:
            dial(port)
        assert caught.value.reason is TunnelReason.UNREACHABLE


def test_one_that_does_not_end_is_counted() -> None:
    leave = threading.Event()

    def serve(_: AcceptedTunnel, stopping: threading.Event) -> None:
        leave.wait(TIMEOUT)

    with working(serve) as (workers, port):
        dial(port)
        until(lambda: workers.busy == 1)
        assert workers.stop(0.0) == 1
        leave.set()


def mute(port: int, source: str = "127.0.0.1") -> socket.socket:
    """A connection on which no handshake is made."""
    return socket.create_connection(("127.0.0.1", port), TIMEOUT, (source, 0))


def test_one_address_without_handshakes_leaves_the_last_places_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.workers.HANDSHAKE_SECONDS", TIMEOUT)
    with working(until_stopped, limit=8) as (workers, port), ExitStack() as connections:
        for count in range(1, 7):
            connections.enter_context(mute(port))
            until(lambda count=count: workers.busy == count)  # type: ignore[misc]
        # A quarter is left, and this address holds more than its share by handshakes.
        late = connections.enter_context(mute(port))
        assert late.recv(1) == b""
        assert workers.busy == 6
        connections.enter_context(mute(port, "127.0.0.2"))
        until(lambda: workers.busy == 7)


def test_a_handshake_that_was_made_counts_no_more() -> None:
    with working(until_stopped, limit=4) as (workers, port):
        for count in range(1, 5):
            dial(port)
            until(lambda count=count: workers.busy == count)  # type: ignore[misc]
            until(lambda: not workers._shaking)
