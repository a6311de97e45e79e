"""One management tunnel from its opening to its end: the administrator asks, the gateway serves (MANAGEMENT).

Decides when a tunnel ends and why, with one word of :class:`Ending` for the log. It trusts nothing that once was good:
the owner's ``judge`` is asked again before every request and at least every ``LOOK_SECONDS``, so that an administrator
whose certificate is revoked or ends loses an idle tunnel too. Whoever sends slowly, takes slowly or sends nothing is
bounded by time as well as by size. What may be asked for is decided in ``smgw/administration/desk.py``.
PP-0073: FIA_UAU.6.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pki.errors import TunnelError, TunnelReason
from pki.tunnel import Tunnel
from smgw.administration.desk import Desk
from smgw.administration.errors import FollowUp
from wire.errors import HttpError
from wire.http_server import HttpServer, Request
from wire.management import LARGER_BODIES

LOOK_SECONDS: Final = 1.0
"""Longest time between two looks at the stop signal, the clocks and the administrator's certificate. Five seconds are
allowed to a certificate that is good no more; stopping should not take as long."""
REQUEST_SECONDS: Final = 60.0
"""From the first octet of a request to its last, beside what its size needs; and the same for taking an answer."""
SLOWEST_RATE: Final = 4096
"""Octets in a second that a peer moves at least, on the worst line that still is one: a firmware package may take its
hours, a head of a request may not."""
RECEIVE_SIZE: Final = 16 * 1024
SEND_SIZE: Final = 16 * 1024
"""An answer leaves in pieces of this size, with a look at the certificate between them."""


class Ending(StrEnum):
    """Why a tunnel ended."""

    BREAK_UP = "break-up"
    """An order ended it: BreakUp itself, or one that took away what the tunnel rests on."""
    RESTART = "restart"
    IDLE = "idle"
    SESSION = "session"
    """It was as old as the administrator's profile lets it become, at most 48 hours."""
    PEER_CLOSED = "peer-closed"
    STOPPED = "stopped"
    """The gateway itself stops."""
    CHANGED = "changed"
    """Another certificate, or none, is the administrator's now."""
    CERTIFICATE = "certificate"
    """The administrator's certificate is good no more: revoked, over, or without a current revocation list."""
    SECURE_STATE = "secure-state"
    """The gateway came into a state in which nobody is served."""
    TOO_SLOW = "too-slow"
    PROTOCOL = "protocol"
    """The peer broke HTTP or a bound on it."""
    BROKEN = "broken"
    FAULT = "fault"
    """A fault of the gateway's own."""


ORDERLY: Final = frozenset(
    {Ending.BREAK_UP, Ending.RESTART, Ending.IDLE, Ending.SESSION, Ending.PEER_CLOSED, Ending.STOPPED, Ending.CHANGED}
)
"""Ends that are no failure of anybody."""

_AFTER_ANSWER: Final = {FollowUp.END_TUNNEL: Ending.BREAK_UP, FollowUp.RESTART: Ending.RESTART}


@dataclass(frozen=True, slots=True)
class SessionPorts:
    """Everything around a session. ``judge`` says whether the tunnel must end now, for a reason outside of it."""

    desk: Desk
    judge: Callable[[datetime], Ending | None]
    stopped: Callable[[], bool]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]


class _EndedError(Exception):
    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.value)
        self.ending = ending


class Session:
    """Serves one open tunnel; only its own thread calls it."""

    def __init__(self, tunnel: Tunnel, ports: SessionPorts, *, idle_seconds: int, session_seconds: int) -> None:
        """``tunnel`` stays the caller's to close."""
        self._tunnel = tunnel
        self._ports = ports
        self._idle_seconds = idle_seconds
        self._session_seconds = session_seconds
        self._server = HttpServer(larger_bodies=LARGER_BODIES)
        self._opened = self._idle_since = self._judged = ports.monotonic()
        self._begun: float | None = None
        self._received = 0

    def serve(self) -> Ending:
        """Serve until the tunnel ends; returns why. Raises nothing that a peer can cause."""
        try:
            self._judge()
            while True:
                self._require_time()
                request = self._receive()
                if request is not None:
                    self._answer(request)
        except _EndedError as error:
            return error.ending

    def _judge(self) -> None:
        ending = self._ports.judge(self._ports.clock())
        if ending is not None:
            raise _EndedError(ending)
        self._judged = self._ports.monotonic()

    def _require_time(self) -> None:
        """End what has lasted long enough.

        1. The gateway does not stop.
        2. The session is younger than it may become.
        3. The administrator is still who it was, and good.
        4. A request that has begun is not overdue; where none has, the tunnel is not idle for too long.
        """
        now = self._ports.monotonic()
        # 1. The gateway does not stop.
        if self._ports.stopped():
            raise _EndedError(Ending.STOPPED)
        # 2. The session is younger than it may become.
        if now - self._opened >= self._session_seconds:
            raise _EndedError(Ending.SESSION)
        # 3. The administrator is still who it was, and good.
        if now - self._judged >= LOOK_SECONDS:
            self._judge()
        # 4. A request that has begun is not overdue; where none has, the tunnel is not idle for too long.
        if self._begun is not None:
            if now - self._begun >= _allowance(self._received):
                raise _EndedError(Ending.TOO_SLOW)
        elif now - self._idle_since >= self._idle_seconds:
            raise _EndedError(Ending.IDLE)

    def _receive(self) -> Request | None:
        """A complete request, or None after at most LOOK_SECONDS."""
        try:
            data = self._tunnel.receive(RECEIVE_SIZE, LOOK_SECONDS)
        except TunnelError as error:
            if error.reason is TunnelReason.TIMEOUT:
                return None
            raise _EndedError(Ending.BROKEN) from error
        idle = self._server.idle
        if not data:
            raise _EndedError(Ending.PEER_CLOSED if idle else Ending.BROKEN)
        if self._begun is None:
            self._received = 0
        try:
            request = self._server.receive(data)
        except HttpError as error:
            self._send(self._server.respond(400, {}, b"", close=True))
            raise _EndedError(Ending.PROTOCOL) from error
        self._received += len(data)
        # Empty lines between requests begin none (RFC 9112 §2.2): the tunnel stays idle while only they come.
        if self._begun is None and not self._server.idle:
            self._begun = self._ports.monotonic()
        return request

    def _answer(self, request: Request) -> None:
        self._judge()
        at = self._ports.clock().replace(microsecond=0)
        answer = self._ports.desk.handle(request, at)
        ending = _AFTER_ANSWER.get(answer.then)
        data = self._server.respond(answer.status, answer.headers, answer.body, close=ending is not None)
        try:
            self._send(data)
        except _EndedError:
            # The order is done whether its answer arrives or not. Asked again, the gateway only repeats the answer: a
            # restart that did not follow now would never follow.
            if ending is not Ending.RESTART:
                raise
        if ending is not None:
            raise _EndedError(ending)
        if not self._server.reusable:  # the request announced that it is the last
            raise _EndedError(Ending.PEER_CLOSED)
        self._begun, self._idle_since = None, self._ports.monotonic()

    def _send(self, data: bytes) -> None:
        """Send in pieces, to a peer that takes them in time."""
        began = self._ports.monotonic()
        for start in range(0, len(data), SEND_SIZE):
            if start and self._ports.monotonic() - self._judged >= LOOK_SECONDS:
                self._judge()
            if self._ports.monotonic() - began >= _allowance(start):
                raise _EndedError(Ending.TOO_SLOW)
            try:
                self._tunnel.send(data[start : start + SEND_SIZE])
            except TunnelError as error:
                slow = error.reason is TunnelReason.TIMEOUT
                raise _EndedError(Ending.TOO_SLOW if slow else Ending.BROKEN) from error


def _allowance(octets: int) -> float:
    """Seconds that moving so many octets may take."""
    return REQUEST_SECONDS + octets / SLOWEST_RATE
