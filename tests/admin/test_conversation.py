import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from cryptography import x509

from admin.conversation import ANSWER_SECONDS, STEP_SECONDS, Conversation, End, EndedError
from pki.acceptor import AcceptedTunnel, Acceptor
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate
from pki.errors import CertificateError, CertificateReason
from pki.tls import InProcessBackend, InProcessTunnel
from pki.tunnel import TunnelPeer
from tests.pki.tunnel_world import TIMEOUT, clock, ends

WORLD = ends()
ADMINISTRATOR = WORLD.pki.holder(Role.GWA, Purpose.TLS, "Admin")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Says = Callable[[InProcessTunnel], object]


@dataclass
class Line:
    """Our end; time passes by itself with each look at it, and the gateway is believed as long as a test says so."""

    elapsed: float = 0.0
    step: float = 0.0
    believed: bool = True
    wanted: End | None = None
    judged: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        self.elapsed += self.step
        return self.elapsed

    def verify(self, certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
        self.judged.append(self.elapsed)
        if not self.believed:
            raise CertificateError(CertificateReason.REVOKED, "no more")
        return WORLD.pki.verified(WORLD.gateway, Role.SMGW, Purpose.TLS)


@contextmanager
def talking(line: Line, says: Says) -> Iterator[Conversation]:
    """A conversation with a gateway that does what ``says`` does, in its own thread."""
    acceptor = Acceptor(
        "127.0.0.1",
        0,
        identity=WORLD.identity(ADMINISTRATOR),
        trust=lambda: WORLD.trust,
        verify=line.verify,
        clock=clock,
    )

    def dial() -> None:
        backend = InProcessBackend(WORLD.identity(WORLD.gateway), WORLD.trust, clock=clock)
        peer = TunnelPeer("127.0.0.1", acceptor.port, ADMINISTRATOR.certificate, Role.GWA)
        with closing(backend.open(peer, timeout=TIMEOUT)) as tunnel:
            says(tunnel)

    thread = threading.Thread(target=dial)
    thread.start()
    with closing(acceptor):
        incoming = acceptor.accept(TIMEOUT)
        assert incoming is not None
        tunnel: AcceptedTunnel = incoming.shake_hands(TIMEOUT)
        try:
            yield Conversation(tunnel, clock, line.monotonic, lambda: line.wanted)
        finally:
            tunnel.close()
            thread.join(TIMEOUT)


def ended(action: Callable[[], object]) -> EndedError:
    with pytest.raises(EndedError) as caught:
        action()
    return caught.value


def waiting(talk: Conversation) -> None:
    for _ in range(int(TIMEOUT / STEP_SECONDS)):
        talk.wait()


def test_questions_and_answers() -> None:
    asked: list[bytes] = []

    def answer(tunnel: InProcessTunnel) -> None:
        for _ in range(2):
            asked.append(tunnel.receive(65_536, TIMEOUT))
            tunnel.send(OK)
        tunnel.receive(1, TIMEOUT)

    with talking(Line(), answer) as talk:
        assert talk.ask("GET", "/status").body == b"{}"
        assert talk.ask("POST", "/orders", body=b"x", media_type="application/cms").status == 200
    assert asked[0].startswith(b"GET /status HTTP/1.1\r\nHost: eabc0012345678\r\n")
    assert b"Content-Type: application/cms\r\n" in asked[1]


def test_a_large_request_arrives_whole() -> None:
    received: list[int] = []

    def count(tunnel: InProcessTunnel) -> None:
        total = 0
        while total < 3_000_000:
            total += len(tunnel.receive(65_536, TIMEOUT))
        received.append(total)
        tunnel.send(OK)
        tunnel.receive(1, TIMEOUT)

    with talking(Line(), count) as talk:
        talk.ask("PUT", "/firmware", body=bytes(3_000_000))
    assert received[0] > 3_000_000


def test_a_gateway_that_says_nothing_at_all_is_silent() -> None:
    over = threading.Event()
    line = Line(step=ANSWER_SECONDS / 4)
    with talking(line, lambda _: over.wait(TIMEOUT)) as talk:
        assert ended(lambda: talk.ask("GET", "/status")).end is End.SILENT
        over.set()


@pytest.mark.parametrize(
    ("said", "end"),
    [
        (b"", End.GATEWAY),
        (b"nonsense\r\n\r\n", End.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\n\r\n", End.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", End.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", End.GATEWAY),
    ],
)
def test_a_broken_answer(said: bytes, end: End) -> None:
    def say(tunnel: InProcessTunnel) -> None:
        tunnel.receive(65_536, TIMEOUT)
        tunnel.send(said)  # and then the end: what is not complete now never will be

    with talking(Line(), say) as talk:
        assert ended(lambda: talk.ask("GET", "/status")).end is end


def test_an_answer_that_closes_is_the_last() -> None:
    def say(tunnel: InProcessTunnel) -> None:
        tunnel.receive(65_536, TIMEOUT)
        tunnel.send(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        tunnel.receive(1, TIMEOUT)

    with talking(Line(), say) as talk:
        assert talk.ask("GET", "/status").status == 200
        assert ended(lambda: talk.ask("GET", "/status")).end is End.GATEWAY


@pytest.mark.parametrize("said", [OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), OK + OK, OK + b"H"])
def test_a_tunnel_that_takes_no_further_request_is_not_waited_on(said: bytes) -> None:
    """Whether more than the answer came with it or after it is the network's chance; the end must not hang on it."""

    def say(tunnel: InProcessTunnel) -> None:
        tunnel.receive(65_536, TIMEOUT)
        tunnel.send(said)
        tunnel.receive(1, TIMEOUT)

    with talking(Line(), say) as talk:
        assert talk.ask("GET", "/status").status == 200
        assert ended(talk.wait).end is End.GATEWAY


def test_the_end_of_the_gateway_is_noticed_while_nothing_is_asked() -> None:
    with talking(Line(), lambda _: None) as talk:
        assert ended(lambda: waiting(talk)).end is End.GATEWAY


def test_bytes_that_nobody_asked_for() -> None:
    def say(tunnel: InProcessTunnel) -> None:
        tunnel.send(OK)
        tunnel.receive(1, TIMEOUT)

    with talking(Line(), say) as talk:
        assert ended(lambda: waiting(talk)).end is End.PROTOCOL


@pytest.mark.parametrize("wanted", [End.STOPPED, End.REPLACED])
def test_somebody_else_wants_the_end(wanted: End) -> None:
    over = threading.Event()
    line = Line(wanted=wanted)
    with talking(line, lambda _: over.wait(TIMEOUT)) as talk:
        error = ended(talk.wait)
        over.set()
    assert error.end is wanted
    assert error.why.startswith(f"{wanted}: ")


def test_a_newer_tunnel_ends_the_waiting_for_an_answer_and_stopping_does_not() -> None:
    line = Line()

    def hear(tunnel: InProcessTunnel) -> None:
        tunnel.receive(65_536, TIMEOUT)
        line.wanted = End.STOPPED
        tunnel.send(OK)
        tunnel.receive(65_536, TIMEOUT)
        line.wanted = End.REPLACED
        tunnel.receive(1, TIMEOUT)

    with talking(line, hear) as talk:
        assert talk.ask("GET", "/status").status == 200
        assert ended(lambda: talk.ask("GET", "/status")).end is End.REPLACED


def test_the_certificate_is_judged_before_each_question() -> None:
    line, asked = Line(), []

    def answer(tunnel: InProcessTunnel) -> None:
        asked.append(tunnel.receive(65_536, TIMEOUT))
        tunnel.send(OK)
        asked.append(tunnel.receive(65_536, TIMEOUT))

    with talking(line, answer) as talk:
        talk.ask("GET", "/status")
        line.believed = False
        error = ended(lambda: talk.ask("GET", "/status"))
    assert (error.end, error.why) == (End.CERTIFICATE, "certificate: revoked: no more")
    assert asked[1] == b""


def test_the_certificate_is_judged_while_an_answer_is_awaited() -> None:
    line = Line(step=1.0)

    def hear(tunnel: InProcessTunnel) -> None:
        tunnel.receive(65_536, TIMEOUT)
        line.believed = False
        tunnel.receive(1, TIMEOUT)

    with talking(line, hear) as talk:
        assert ended(lambda: talk.ask("GET", "/status")).end is End.CERTIFICATE


def test_the_certificate_is_judged_while_nothing_is_asked() -> None:
    over = threading.Event()
    line = Line(step=1.0)
    with talking(line, lambda _: over.wait(TIMEOUT)) as talk:
        line.believed = False
        assert ended(lambda: waiting(talk)).end is End.CERTIFICATE
        over.set()


def test_hanging_up_waits_for_the_gateway_and_closes() -> None:
    with talking(Line(), lambda _: None) as talk:
        talk.hang_up(TIMEOUT)
        assert ended(talk.wait).end is End.BROKEN
