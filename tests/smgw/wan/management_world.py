"""A gateway's management tunnel and the administrator's port that it dials: real TLS, real store, real clock."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography import x509

from pki.acceptor import AcceptedTunnel, Acceptor
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.errors import TunnelError, TunnelReason
from pki.revoke import Revocation
from pki.tls import InProcessBackend
from pki.tunnel import TunnelBackend
from smgw.administration.errors import Done
from smgw.identity import Identity
from smgw.store.errors import StoreError
from smgw.tunnels import CurrentBackend
from smgw.wan.management import ManagementPorts, ManagementTunnel, TunnelState
from testbed.small_pki import Holder
from tests.pki.tunnel_world import clock, ends
from tests.smgw.administration.house import House
from wire.http import HttpClient, Response
from wire.management import MAX_ANSWER_BYTES, ORDERS
from wire.orders import Command, RunSelfTest
from wire.profiles.administrator import AdministratorProfile

WORLD = ends()
TIMEOUT = 60.0
"""Seconds for what takes milliseconds on an idle machine."""


@dataclass
class Place:
    """One gateway and one administrator. ``late`` shifts the gateway's monotonic clock, ``later`` its other one."""

    folder: Path
    backend: TunnelBackend | None = None
    delays: tuple[float, ...] = ()
    gateway: Holder = WORLD.gateway
    late: float = 0.0
    later: timedelta = timedelta()
    restarts: int = 0
    serves: bool = True
    """Whether the gateway's state lets the administrator be served."""
    ended: Callable[[], None] = lambda: None
    tested: list[datetime] = field(default_factory=list)
    faults: list[StoreError] = field(default_factory=list)
    """What the store says instead of the administrator's profile, once each."""

    def __post_init__(self) -> None:
        self.house = House(WORLD.pki, self.folder, handlers={RunSelfTest: self.run_self_test}, status={"version": "1"})
        self.house.now = clock().replace(microsecond=0)
        self.acceptor = self.listen(self.house.tls)
        self.held = ExitStack()
        self.house.change(management_port=self.acceptor.port)
        self.tunnel = ManagementTunnel(
            ManagementPorts(
                administrator=self.administrator,
                trust=lambda: self.house.trust,
                backend=self.backend or CurrentBackend(self.identity, lambda: self.house.trust, self.make_backend),
                desk=self.house.desk,
                log=self.house.log,
                clock=lambda: clock() + self.later,
                monotonic=lambda: time.monotonic() + self.late,
                restart=self.restart,
                ended=self.ended,
                may_serve=lambda _: self.serves,
            ),
            delays=self.delays,
        )

    def identity(self) -> Identity:
        """Only which one it is counts: the keys behind it are the holder's."""
        return cast("Identity", self.gateway)

    def make_backend(self, _: Identity, trust: TrustStore) -> TunnelBackend:
        return InProcessBackend(WORLD.identity(self.gateway), trust, clock=clock)

    def administrator(self) -> AdministratorProfile | None:
        if self.faults:
            raise self.faults.pop()
        return self.house.profile

    def run_self_test(self, _: Any, at: datetime) -> Done:
        self.tested.append(at)
        return Done({"found": 0})

    def restart(self) -> None:
        self.restarts += 1

    def listen(self, holder: Holder, port: int = 0) -> Acceptor:
        pinned = {fingerprint(self.gateway.certificate)}

        def verify(certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
            return trust.verify(certificate, role=Role.SMGW, purpose=Purpose.TLS, at=at, pinned=pinned)

        return Acceptor(
            "127.0.0.1", port, identity=WORLD.identity(holder), trust=lambda: WORLD.trust, verify=verify, clock=clock
        )

    def deafen(self) -> int:
        """From now on nobody listens where the gateway dials: neither we nor whoever is given that port by chance."""
        port = self.acceptor.port
        self.acceptor.close()
        bound = self.held.enter_context(socket.socket())
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so that one who listens may follow
        bound.bind(("127.0.0.1", port))
        return port

    def arrival(self) -> "Visit":
        """Whoever dials next."""
        incoming = self.acceptor.accept(TIMEOUT)
        assert incoming is not None
        return Visit(incoming.shake_hands(TIMEOUT))

    @contextmanager
    def woken(self) -> Iterator["Visit"]:
        """Wake the gateway and take its call."""
        self.tunnel.wake()
        visit = self.arrival()
        try:
            yield visit
        finally:
            visit.close()

    def wait_for(self, *states: TunnelState) -> None:
        """Until the tunnel is in one of ``states``; a test that fails here would wait for ever."""
        patience = threading.Event()
        for _ in range(int(TIMEOUT * 200)):
            if self.tunnel.state in states:
                return
            patience.wait(0.005)
        raise AssertionError(self.tunnel.state)

    def wait(self, seconds: float) -> None:
        """Let time pass on the gateway's monotonic clock."""
        self.late += seconds

    def revoke(self, holder: Holder) -> None:
        at = self.house.now - timedelta(minutes=1)
        self.house.trust = WORLD.pki.trust(sub_ca=(Revocation(holder.certificate.serial_number, at),))

    def logged(self) -> list[tuple[str, str]]:
        """(event, reason or what there is instead) of every entry, in order."""
        return [
            (entry.event.value, str(entry.parameters.get("reason", entry.parameters.get("profile", ""))))
            for entry in self.house.logged()
        ]

    def close(self) -> None:
        self.tunnel.stop()
        self.acceptor.close()
        self.held.close()
        self.house.close()


class Visit:
    """The administrator's side of one tunnel."""

    def __init__(self, tunnel: AcceptedTunnel) -> None:
        self.tunnel = tunnel
        self.client = HttpClient(maximum_body_bytes=MAX_ANSWER_BYTES)

    def ask(self, target: str, body: bytes = b"", method: str = "GET") -> Response:
        self.tunnel.send(self.client.request(target, "gateway", {}, body, method=method))
        return self.answer()

    def answer(self) -> Response:
        response = None
        while response is None:
            data = self.tunnel.receive(65_536, TIMEOUT)
            assert data, "the gateway ended the tunnel"
            response = self.client.receive(data)
        return response

    def order(self, place: Place, sequence: int, command: Command) -> Response:
        return self.ask(ORDERS, place.house.sign(place.house.order(sequence, command)), "POST")

    def ended(self, timeout: float = TIMEOUT) -> bool:
        """Whether the gateway ends the tunnel."""
        try:
            return self.tunnel.receive(1, timeout) == b""
        except TunnelError as error:
            return error.reason is TunnelReason.CLOSED

    def close(self) -> None:
        self.tunnel.close()
