"""Step 7 of the walk: one sealed message through the tunnel, and what the receiver's answer means.

Decides what counts as an acknowledgement: status 200 with exactly the JSON object ``{"result": "stored"}`` or
``{"result": "duplicate"}``. Status 422 is a refusal for good, unless its reason is about the seal: a delivery is sealed
anew for each attempt, so a certificate that is registered tomorrow makes the same readings welcome. Everything else,
silence included, means that nothing is known and the delivery stays owed. The answer is bounded in size and in time,
drip-feeding included.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pki.errors import TunnelError, TunnelReason
from pki.tunnel import Tunnel
from wire.errors import HttpError
from wire.http import HttpClient, Response

ANSWER_TIMEOUT = 30.0
"""Seconds from the last byte sent to the last byte of the answer; a datacenter needs milliseconds."""
RECEIVE_SIZE = 16 * 1024
MAX_ANSWER_SIZE = 4096
"""Bytes of an answer's body that are looked at; the agreed answers have some thirty."""
MAX_REASON_LENGTH = 200

ABOUT_THE_SEAL = frozenset(
    {"seal-malformed", "seal-signature", "unknown-signer", "not-for-us", "decryption", "algorithm"}
)
"""Reasons of a 422 that say nothing about the content: the receiver does not know our new SIG certificate yet, or the
profile still has its former ENC certificate. Setting aside would lose readings that nobody objects to."""
FROM_THE_FUTURE = "future"
"""Reason of a 422 that passes by itself, if it is the clocks that differ; see ``Sender``."""


class Deferral(StrEnum):
    """Why a delivery stays owed."""

    RECIPIENT_CERTIFICATE = "RECIPIENT_CERTIFICATE"
    PEER_CERTIFICATE = "PEER_CERTIFICATE"
    OWN_SECURITY_MODULE = "OWN_SECURITY_MODULE"
    TUNNEL = "TUNNEL"
    TIMEOUT = "TIMEOUT"
    CLOSED = "CLOSED"
    BROKEN_ANSWER = "BROKEN_ANSWER"
    UNEXPECTED_ANSWER = "UNEXPECTED_ANSWER"
    REFUSED_FOR_NOW = "REFUSED_FOR_NOW"
    STORE = "STORE"
    CONTENT = "CONTENT"


class DeferredError(Exception):
    """The delivery stays owed; ``reason`` says why."""

    def __init__(self, reason: Deferral, sentence: str) -> None:
        """A reason for programs and a sentence for people."""
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The receiver has it in its table; ``duplicate`` where it had it before."""

    duplicate: bool


@dataclass(frozen=True, slots=True)
class RefusedForGood:
    """The receiver will never take this content."""

    reason: str


def exchange(
    tunnel: Tunnel, client: HttpClient, request: bytes, *, monotonic: Callable[[], float]
) -> Acknowledged | RefusedForGood:
    """Send the request of ``client`` and wait for its answer.

    Raises DeferredError; where no answer came, the tunnel is not to be used again.
    """
    try:
        tunnel.send(request)
        response = _receive(tunnel, client, monotonic() + ANSWER_TIMEOUT, monotonic)
    except TunnelError as error:
        timed_out = error.reason is TunnelReason.TIMEOUT
        raise DeferredError(Deferral.TIMEOUT if timed_out else Deferral.CLOSED, str(error)) from error
    except HttpError as error:
        raise DeferredError(Deferral.BROKEN_ANSWER, str(error)) from error
    return judge(response)


def judge(response: Response) -> Acknowledged | RefusedForGood:
    """What ``response`` says about the delivery. Raises DeferredError for everything that is not agreed."""
    if response.status == 200:
        result = _member(response.body, "result")
        if result in ("stored", "duplicate"):
            return Acknowledged(duplicate=result == "duplicate")
        raise DeferredError(Deferral.UNEXPECTED_ANSWER, "status 200 without the agreed result")
    if response.status == 422:
        reason = _member(response.body, "reason") or "no reason given"
        if reason in ABOUT_THE_SEAL:
            raise DeferredError(Deferral.REFUSED_FOR_NOW, f"the receiver cannot open it: {reason}")
        return RefusedForGood(reason)
    raise DeferredError(Deferral.REFUSED_FOR_NOW, f"status {response.status}")


def _receive(tunnel: Tunnel, client: HttpClient, deadline: float, monotonic: Callable[[], float]) -> Response:
    while True:
        left = deadline - monotonic()
        if left <= 0:
            raise TunnelError(TunnelReason.TIMEOUT, f"no complete answer within {ANSWER_TIMEOUT:.0f} s")
        data = tunnel.receive(RECEIVE_SIZE, left)
        if not data:
            raise TunnelError(TunnelReason.CLOSED, "the receiver ended the tunnel before its answer was complete")
        response = client.receive(data)
        if response is not None:
            return response


def _member(body: bytes, name: str) -> str | None:
    """The only member of a small JSON object, if it is ``name`` and a printable text."""
    if len(body) > MAX_ANSWER_SIZE:
        return None
    try:
        answer = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or set(answer) != {name} or not isinstance(answer[name], str):
        return None
    text: str = answer[name][:MAX_REASON_LENGTH]
    return text if text.isprintable() else None
