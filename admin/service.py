"""ADMIN-SERVICE: what a gateway says on its own, over a connection that it opened (TR-03109-1, scenario ADMIN-SERVICE).

Decides the answer to each request of a gateway that came in: a notification is stored once however often it is sent, a
request for the time gets the clock's, a pseudonymous delivery goes to whoever relays it. Default deny: what is not in
the table of routes is refused. A gateway speaks for itself only, and its certificate is judged again for each request
and every few seconds in between, so that a revocation ends its connection, whether it is silent or drips. None takes
the places of the others: connections of one gateway are counted, and a request has its time.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from admin.errors import AdminError
from admin.pace import Pace
from admin.reports import Reports
from pki.acceptor import AcceptedTunnel
from pki.errors import CertificateError, TrustError, TunnelError, TunnelReason
from wire import canonical_json, ntp
from wire.errors import HttpError, NotificationError, NtpError
from wire.http_server import HttpServer, Request
from wire.management import JSON, NOTIFICATIONS, NTP, RELAY, TIME
from wire.notification import Notification
from wire.reading import DeviceId

MAXIMUM_RELAYED_BYTES: Final = 2 * 1024 * 1024
"""A sealed delivery on its way through us (a content document of 1 MiB and its envelope); the rest is far smaller."""
IDLE_SECONDS: Final = 600.0
"""A gateway that says nothing for ten minutes dials again for its next word."""
VERIFY_SECONDS: Final = 2.0
"""How long a revocation may stay without effect on a connection that asks nothing."""
REQUEST_SECONDS: Final = 60.0
"""From the first octet of a request to its last, beside what its size needs."""
SLOWEST_RATE: Final = 4096
"""Octets in a second that a gateway moves at least, on the worst line that still is one."""
MAXIMUM_CONNECTIONS: Final = 16
"""Of one gateway at once: its alarms, its time, what it has relayed, and former ones that nobody ended yet. A sixteenth
of all places, so that no gateway keeps the alarms of the others out."""
NOTIFICATIONS_IN_AN_HOUR: Final = 1000
"""Of one gateway: many times what a gateway in trouble tells, and a bound on what one can fill the audit log with. The
next one is put off, not lost: a gateway keeps what nobody took."""
_RECEIVE_BYTES: Final = 16 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RelayAnswer:
    """What the relay says to the gateway."""

    status: int
    media_type: str
    body: bytes


class Relay(Protocol):
    """Takes pseudonymous deliveries on their way to a market participant."""

    def deliver(self, gateway: DeviceId, request: Request, at: datetime) -> RelayAnswer:
        """Take what ``gateway`` (proven by its tunnel) sent; never raises over what the gateway sent."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, media type and body of one answer; ``close`` ends the connection after it."""

    status: int
    media_type: str
    body: bytes
    close: bool = False


@dataclass(frozen=True, slots=True)
class ServicePorts:
    """Everything outside that the service touches; ``relay`` is None where nobody relays."""

    reports: Reports
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    relay: Relay | None = None


class ServiceServer:
    """Answers gateways; one object for all tunnels."""

    def __init__(self, ports: ServicePorts) -> None:
        """Serve with ``ports``."""
        self._ports = ports
        self._lock = threading.Lock()
        self._connections: Counter[str] = Counter()
        self._notifications = Pace(NOTIFICATIONS_IN_AN_HOUR, ports.monotonic)
        self._routes: dict[tuple[str, str], Callable[[DeviceId, Request], Answer]] = {
            ("POST", NOTIFICATIONS): self._notification,
            ("POST", TIME): self._time,
            ("POST", RELAY): self._relay,
        }

    def serve(self, tunnel: AcceptedTunnel, stopping: threading.Event) -> None:
        """Answer until the gateway ends, is silent for too long, is no longer believed, or ``stopping`` is set."""
        gateway = DeviceId(tunnel.peer.identity)
        if not self._admit(gateway):
            _log.warning("service: %s has %d connections already", gateway.text, MAXIMUM_CONNECTIONS)
            return
        try:
            self._serve(gateway, tunnel, stopping)
        finally:
            self._leave(gateway)

    def _admit(self, gateway: DeviceId) -> bool:
        with self._lock:
            if self._connections[gateway.text] >= MAXIMUM_CONNECTIONS:
                return False
            self._connections[gateway.text] += 1
            return True

    def _leave(self, gateway: DeviceId) -> None:
        with self._lock:
            self._connections[gateway.text] -= 1
            if not self._connections[gateway.text]:
                del self._connections[gateway.text]

    def _serve(self, gateway: DeviceId, tunnel: AcceptedTunnel, stopping: threading.Event) -> None:
        server = HttpServer(larger_bodies={("POST", RELAY): MAXIMUM_RELAYED_BYTES})
        try:
            while (request := self._receive(tunnel, server, stopping)) is not None:
                # The certificate is judged for this very request, not only when the connection was made.
                tunnel.verify_again(self._ports.clock())
                answer = self.answer(gateway, request)
                headers = {"Content-Type": answer.media_type}
                tunnel.send(server.respond(answer.status, headers, answer.body, close=answer.close))
                if not server.reusable:
                    return
        except CertificateError as error:
            _log.warning("service: %s is no longer served: %s: %s", gateway.text, error.reason.value, error)
        except HttpError as error:
            _log.warning("service: %s broke HTTP: %s", gateway.text, error)
            _refuse_last(tunnel, server)
        except TunnelError as error:
            _log.info("service: the connection of %s ended: %s", gateway.text, error)

    def answer(self, gateway: DeviceId, request: Request) -> Answer:
        """The answer to ``gateway``, proven by its tunnel; 503 where our side fails, so that it comes again."""
        route = self._routes.get((request.method, request.target))
        if route is None:
            return _refusal(404, "not-found")
        try:
            return route(gateway, request)
        except (AdminError, TrustError):
            _log.exception("service: %s %s", request.method, request.target)
            return _refusal(503, "not-now")

    def _receive(self, tunnel: AcceptedTunnel, server: HttpServer, stopping: threading.Event) -> Request | None:
        """The next request; None where the gateway ended in order, was silent or slow for too long, or we are to stop.

        1. The certificate is judged again every few seconds, whatever arrives meanwhile.
        2. A request that has begun is not overdue; where none has, the gateway was not silent for too long.
        """
        silent_since = verified = self._ports.monotonic()
        begun, received = None, 0
        while not stopping.is_set():
            now = self._ports.monotonic()
            # 1
            if now - verified >= VERIFY_SECONDS:
                tunnel.verify_again(self._ports.clock())
                verified = now
            # 2
            if begun is not None and now - begun >= REQUEST_SECONDS + received / SLOWEST_RATE:
                raise TunnelError(TunnelReason.TIMEOUT, "a request takes too long")
            if begun is None and now - silent_since >= IDLE_SECONDS:
                return None
            try:
                data = tunnel.receive(_RECEIVE_BYTES, VERIFY_SECONDS)
            except TunnelError as error:
                if error.reason is not TunnelReason.TIMEOUT:
                    raise
                continue
            request = server.receive(data)
            if request is not None:
                return request
            if not data:
                return None
            received += len(data)
            # Empty lines between requests begin none (RFC 9112 2.2): a gateway that sends only them is silent.
            if begun is None and not server.idle:
                begun = now
        return None

    def _notification(self, gateway: DeviceId, request: Request) -> Answer:
        """Store a notification once, however often it is sent: its sender repeats it until it is answered."""
        try:
            notification = Notification.from_bytes(request.body)
        except NotificationError:
            return _refusal(400, "malformed")
        if notification.gateway != gateway:
            return _refusal(403, "foreign-gateway")
        if not self._notifications.take(gateway.text):
            return _refusal(503, "not-now")
        new = self._ports.reports.keep_notification(notification, self._ports.clock())
        return Answer(200, JSON, canonical_json.encode({"result": "stored" if new else "duplicate"}))

    def _time(self, _gateway: DeviceId, request: Request) -> Answer:
        """The clock's answer (RFC 5905): when the request was here, and when the answer leaves."""
        received = self._ports.clock()
        try:
            question = ntp.NtpPacket.from_bytes(request.body)
            packet = ntp.reply(question, received, self._ports.clock())
        except NtpError:
            return _refusal(400, "malformed")
        return Answer(200, NTP, packet.to_bytes())

    def _relay(self, gateway: DeviceId, request: Request) -> Answer:
        if self._ports.relay is None:
            return _refusal(404, "not-found")
        answer = self._ports.relay.deliver(gateway, request, self._ports.clock())
        return Answer(answer.status, answer.media_type, answer.body)


def _refuse_last(tunnel: AcceptedTunnel, server: HttpServer) -> None:
    """One last answer on a connection that is of no more use, if there is still somebody who reads it."""
    refusal = _refusal(400, "malformed")
    try:
        tunnel.send(server.respond(refusal.status, {"Content-Type": JSON}, refusal.body, close=True))
    except (TunnelError, HttpError, RuntimeError):
        _log.debug("nobody reads the last answer")


def _refusal(status: int, reason: str) -> Answer:
    return Answer(status, JSON, canonical_json.encode({"reason": reason}))
