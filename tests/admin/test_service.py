import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from admin.audit import Action
from admin.inventory import LifeCycle
from admin.serve import Server
from admin.service import MAXIMUM_CONNECTIONS, REQUEST_SECONDS, Relay, RelayAnswer
from pki.certificates import Purpose
from pki.errors import TunnelError, TunnelReason
from pki.tls import InProcessTunnel
from tests.admin.server_world import BY, GATEWAY, TIMEOUT, Keys, World, clock, until, world
from wire import ntp
from wire.errors import HttpError
from wire.http import HttpClient, Response
from wire.http_server import Request
from wire.management import NOTIFICATIONS, RELAY, TIME
from wire.notification import Notification
from wire.reading import DeviceId

pytestmark = pytest.mark.token

OTHER = DeviceId("EABC0012345679")


@dataclass
class Caller:
    """A gateway's end of the service connection."""

    tunnel: InProcessTunnel
    client: HttpClient = field(default_factory=HttpClient)

    def post(self, target: str, body: bytes, method: str = "POST") -> Response:
        self.tunnel.send(self.client.request(target, "admin", {}, body, method=method))
        while True:
            data = self.tunnel.receive(65_536, TIMEOUT)
            response = self.client.receive(data)
            if response is not None:
                return response

    def is_cut(self) -> bool:
        try:
            return self.tunnel.receive(1, TIMEOUT) == b""
        except TunnelError as error:
            return error.reason is not TunnelReason.TIMEOUT


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def keys(here: World) -> Keys:
    made = here.keys()
    here.add(made)
    return made


@pytest.fixture
def caller(here: World, keys: Keys) -> Iterator[Caller]:
    with closing(here.dial(here.server().ports[1], keys.holders[Purpose.TLS])) as tunnel:
        yield Caller(tunnel)


def notification(number: int = 1, gateway: DeviceId = GATEWAY) -> Notification:
    at = clock().replace(microsecond=0)
    return Notification(
        gateway=gateway,
        number=number,
        event="self-test",
        outcome="failure",
        subject="clock",
        at=at,
        parameters={"seconds": 40},
    )


def test_a_notification_is_stored_once_and_audited(here: World, caller: Caller) -> None:
    told = notification()
    first, again = (caller.post(NOTIFICATIONS, told.to_bytes()) for _ in range(2))
    assert (first.status, first.body) == (200, b'{"result":"stored"}')
    assert (again.status, again.body) == (200, b'{"result":"duplicate"}')
    assert here.office.reports.notifications(GATEWAY) == [told]
    entries = [each for each in here.office.audit.entries() if each.action == Action.NOTIFICATION]
    assert [each.subject for each in entries] == [GATEWAY.text]


def test_a_gateway_speaks_for_itself_only(here: World, caller: Caller) -> None:
    assert caller.post(NOTIFICATIONS, notification(gateway=OTHER).to_bytes()).status == 403
    assert here.office.reports.notifications() == []


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff"])
def test_what_is_no_notification_is_refused_and_the_next_is_heard(caller: Caller, body: bytes) -> None:
    assert caller.post(NOTIFICATIONS, body).status == 400
    assert caller.post(NOTIFICATIONS, notification().to_bytes()).status == 200


def test_the_time(caller: Caller) -> None:
    sent = clock()
    response = caller.post(TIME, ntp.request(sent).to_bytes())
    arrived = clock()
    assert response.status == 200
    measured = ntp.measure(sent, ntp.NtpPacket.from_bytes(response.body), arrived)
    assert abs(measured.offset) <= measured.delay / 2 + (arrived - sent)


@pytest.mark.parametrize("body", [b"", bytes(48), bytes(47)])
def test_what_is_no_question_for_the_time_is_refused(caller: Caller, body: bytes) -> None:
    assert caller.post(TIME, body).status == 400


@pytest.mark.parametrize(
    ("method", "target"), [("GET", NOTIFICATIONS), ("POST", "/"), ("PUT", TIME), ("POST", "/time/"), ("POST", RELAY)]
)
def test_nothing_else_is_served(caller: Caller, method: str, target: str) -> None:
    assert caller.post(target, b"", method).status == 404


def test_deliveries_go_to_the_relay_with_the_gateway_that_the_tunnel_proved(here: World, keys: Keys) -> None:
    class Recording(Relay):
        def deliver(self, gateway: DeviceId, request: Request, at: datetime) -> RelayAnswer:
            seen.append((gateway, request.body))
            return RelayAnswer(200, "application/json", b"{}")

    seen: list[tuple[DeviceId, bytes]] = []
    server = Server(here.office, clock=clock, monotonic=lambda: 0.0, relay=Recording())
    server.start()
    try:
        with closing(here.dial(server.ports[1], keys.holders[Purpose.TLS])) as tunnel:
            sealed = bytes(200_000)
            assert Caller(tunnel).post(RELAY, sealed).body == b"{}"
    finally:
        server.stop()
    assert seen == [(GATEWAY, sealed)]


def test_only_a_delivery_may_be_large(caller: Caller) -> None:
    request = caller.client.request(NOTIFICATIONS, "admin", {}, bytes(200_000))
    # It is refused by the length that it names; whoever sends the rest may hear of a broken line and of nothing else.
    caller.tunnel.send(request[:1000])
    answer = caller.client.receive(caller.tunnel.receive(65_536, TIMEOUT))
    assert answer is not None
    assert answer.status == 400
    assert caller.is_cut()


def test_revocation_cuts_a_silent_connection(here: World, keys: Keys, caller: Caller) -> None:
    assert caller.post(NOTIFICATIONS, notification().to_bytes()).status == 200
    here.revoke(keys.holders[Purpose.TLS].certificate)
    assert caller.is_cut()


def dripping(tunnel: InProcessTunnel) -> bool:
    """Sends an endless request octet by octet; True once that is no longer taken."""
    tunnel.send(b"POST /relay HTTP/1.1\r\nHost: admin\r\nContent-Length: 2000000\r\n\r\n")
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            tunnel.send(b"x")
            tunnel.receive(1, 0.05)
        except TunnelError as error:
            if error.reason is not TunnelReason.TIMEOUT:
                return True
        else:
            return True
    return False


def test_revocation_cuts_a_connection_that_drips(here: World, keys: Keys, caller: Caller) -> None:
    here.revoke(keys.holders[Purpose.TLS].certificate)
    assert dripping(caller.tunnel)


def test_a_request_has_its_time_however_it_drips(here: World, keys: Keys) -> None:
    elapsed = 0.0

    def hurrying() -> float:
        nonlocal elapsed
        elapsed += REQUEST_SECONDS / 4
        return elapsed

    server = Server(here.office, clock=clock, monotonic=hurrying)
    server.start()
    try:
        with closing(here.dial(server.ports[1], keys.holders[Purpose.TLS])) as tunnel:
            assert dripping(tunnel)
    finally:
        server.stop()


def test_no_gateway_takes_the_places_of_all(here: World, keys: Keys) -> None:
    port = here.server().ports[1]
    other = here.keys(OTHER)
    here.add(other, gateway=OTHER)
    with ExitStack() as opened:
        tunnels = [
            Caller(opened.enter_context(closing(here.dial(port, keys.holders[Purpose.TLS]))))
            for _ in range(MAXIMUM_CONNECTIONS)
        ]
        for number, each in enumerate(tunnels, start=1):
            assert each.post(NOTIFICATIONS, notification(number).to_bytes()).status == 200
        with closing(here.dial(port, keys.holders[Purpose.TLS])) as surplus:
            assert Caller(surplus).is_cut()
        with closing(here.dial(port, other.holders[Purpose.TLS])) as tunnel:
            assert Caller(tunnel).post(NOTIFICATIONS, notification(1, OTHER).to_bytes()).status == 200
        tunnels[0].tunnel.close()

        def welcome() -> bool:
            with closing(here.dial(port, keys.holders[Purpose.TLS])) as tunnel, suppress(TunnelError, HttpError):
                return Caller(tunnel).post(NOTIFICATIONS, notification(99).to_bytes()).status == 200
            return False

        until(welcome)


def test_a_lock_refuses_the_next_request(here: World, caller: Caller) -> None:
    assert caller.post(NOTIFICATIONS, notification().to_bytes()).status == 200
    here.office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, here.clock())
    caller.tunnel.send(caller.client.request(NOTIFICATIONS, "admin", {}, notification(2).to_bytes()))
    assert caller.is_cut()
    assert [each.number for each in here.office.reports.notifications()] == [1]


def test_trouble_of_ours_is_no_refusal(here: World, caller: Caller) -> None:
    with here.office.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE notifications RENAME TO gone")
    assert caller.post(NOTIFICATIONS, notification().to_bytes()).status == 503
