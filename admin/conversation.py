"""Questions and answers over one management tunnel: the gateway dialled, and now the administrator asks (MANAGEMENT).

Decides when a conversation is over: the gateway ended it or broke it off, does not answer in time, breaks HTTP, is not
believed any more, or gave way to its own newer tunnel. Its certificate is judged again before each question and every
few seconds of waiting, so that a revocation or a lock ends a running tunnel in the middle of an answer (TR-03109-1).
What is asked is not decided here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from pki.acceptor import AcceptedTunnel
from pki.errors import CertificateError, TunnelError, TunnelReason
from wire.errors import HttpError
from wire.http import HttpClient, Response
from wire.management import MAX_ANSWER_BYTES

ANSWER_SECONDS: Final = 120.0
"""From the last byte asked to the last byte answered. New keys and a self-test take a token some seconds; a firmware
package is hashed and verified; a gateway that needs two minutes has stopped."""
VERIFY_SECONDS: Final = 2.0
"""How long a revocation or a lock may stay without effect while nothing is asked or an answer is awaited."""
STEP_SECONDS: Final = 0.5
"""How long one look at the tunnel lasts: so late, at most, is a new order or a wish to stop noticed."""
PIECE_BYTES: Final = 64 * 1024
"""A request is handed over in pieces, each with the tunnel's own bound on time: a large package on a slow line is
progress and no failure."""


class End(StrEnum):
    """Why a tunnel is over; the first word of ``why`` in the table of tunnels."""

    BREAK_UP = "break-up"
    """Ordered by us and confirmed."""
    GATEWAY = "ended-by-gateway"
    BROKEN = "broken"
    SILENT = "no-answer"
    PROTOCOL = "broken-answer"
    CERTIFICATE = "certificate"
    """The gateway is not believed, or not served, any more."""
    RENEWED = "certificates-replaced"
    """The tunnel rests on a certificate that was just replaced; the next one has the new certificate."""
    REPLACED = "newer-tunnel"
    STOPPED = "server-stopped"
    OURS = "trouble-of-ours"


class EndedError(Exception):
    """The conversation is over."""

    def __init__(self, end: End, sentence: str) -> None:
        """Keep ``end`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.end = end

    @property
    def why(self) -> str:
        """Both, for the table of tunnels."""
        return f"{self.end}: {self}"


@dataclass(slots=True)
class Conversation:
    """One tunnel as the administrator uses it; for one thread. ``over`` says whether somebody else wants it to end."""

    tunnel: AcceptedTunnel
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    over: Callable[[], End | None]
    _client: HttpClient = field(init=False)
    _verified: float = field(init=False)

    def __post_init__(self) -> None:
        """A fresh connection whose gateway was verified a moment ago."""
        self._client = HttpClient(maximum_body_bytes=MAX_ANSWER_BYTES)
        self._verified = self.monotonic()

    def ask(self, method: str, target: str, *, body: bytes = b"", media_type: str = "") -> Response:
        """Send one request and wait for its answer. Raises EndedError; the tunnel is of no more use then."""
        self.require_believed()
        self._require_reusable()
        headers = {"Content-Type": media_type} if media_type else {}
        host = self.tunnel.peer.identity.lower()
        try:
            request = self._client.request(target, host, headers, body, method=method)
            for position in range(0, len(request), PIECE_BYTES):
                self.tunnel.send(request[position : position + PIECE_BYTES])
                self._look()
            deadline = self.monotonic() + ANSWER_SECONDS
            while self.monotonic() < deadline:
                data = self._receive(STEP_SECONDS)
                if data == b"":
                    raise EndedError(End.GATEWAY, "the gateway ended the tunnel before its answer was complete")
                response = None if data is None else self._client.receive(data)
                if response is not None:
                    return response
        except HttpError as error:
            raise EndedError(End.PROTOCOL, str(error)) from error
        except TunnelError as error:
            raise _ended(error) from error
        raise EndedError(End.SILENT, f"no answer to {method} {target} within {ANSWER_SECONDS:.0f} s")

    def wait(self) -> None:
        """Let at most STEP_SECONDS pass with nothing asked. Raises EndedError as soon as the tunnel is over."""
        wanted = self.over()
        if wanted is not None:
            raise EndedError(wanted, _WANTED.get(wanted, "somebody else needs it to end"))
        # Nothing can be asked any more, for instance because more than an answer came in one piece: waiting on would
        # only keep a tunnel that brings no order.
        self._require_reusable()
        try:
            data = self._receive(STEP_SECONDS)
        except TunnelError as error:
            raise _ended(error) from error
        if data == b"":
            raise EndedError(End.GATEWAY, "the gateway ended the tunnel")
        if data is not None:
            raise EndedError(End.PROTOCOL, "the gateway sent bytes that nobody asked for")

    def _require_reusable(self) -> None:
        if not self._client.reusable:
            raise EndedError(End.GATEWAY, "the gateway takes no further request on this tunnel")

    def hang_up(self, seconds: float) -> None:
        """Give the gateway ``seconds`` to end the tunnel itself, then close it."""
        deadline = self.monotonic() + seconds
        try:
            while self.monotonic() < deadline and self._receive(STEP_SECONDS) != b"":
                pass
        except (TunnelError, EndedError):
            pass
        finally:
            self.tunnel.close()

    def _receive(self, seconds: float) -> bytes | None:
        """What arrived within ``seconds``, ``b""`` after an orderly end, None for nothing. Raises as its callers."""
        self._look()
        try:
            return self.tunnel.receive(PIECE_BYTES, seconds)
        except TunnelError as error:
            if error.reason is TunnelReason.TIMEOUT:
                return None
            raise

    def _look(self) -> None:
        # A gateway has one tunnel: where a newer one is, nothing more comes through this one. Whoever stops us can wait
        # for an answer.
        if self.over() is End.REPLACED:
            raise EndedError(End.REPLACED, _WANTED[End.REPLACED])
        if self.monotonic() - self._verified >= VERIFY_SECONDS:
            self.require_believed()

    def require_believed(self) -> None:
        """Judge the gateway's certificate by what is believed now. Raises EndedError."""
        try:
            self.tunnel.verify_again(self.clock())
        except CertificateError as error:
            raise EndedError(End.CERTIFICATE, f"{error.reason.value}: {error}") from error
        self._verified = self.monotonic()


_WANTED: Final = {
    End.STOPPED: "the server was stopped",
    End.REPLACED: "the gateway came in with a newer tunnel",
}


def _ended(error: TunnelError) -> EndedError:
    timed_out = error.reason is TunnelReason.TIMEOUT
    return EndedError(End.SILENT if timed_out else End.BROKEN, str(error))
