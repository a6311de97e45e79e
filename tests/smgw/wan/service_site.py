"""A gateway's end of the service connection, and administrators at the other end: real TLS, real store.

The gateway's machine has a clock that ``drift`` makes wrong; ``late`` makes an exchange last longer than it does.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki.acceptor import AcceptedTunnel, Acceptor
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.errors import TunnelError
from pki.tls import InProcessBackend, TlsIdentity
from pki.tunnel import TunnelBackend
from smgw.clock import GatewayClock
from smgw.identity import Identity
from smgw.secure_states import SecureState, SecureStates
from smgw.store.calibration_log import CalibrationLog
from smgw.store.clock_records import ClockRecords
from smgw.store.notifications import Notifications
from smgw.store.profiles import ProfileSet
from smgw.tunnels import CurrentBackend
from smgw.wan.notifier import Notifier, NotifierPorts
from smgw.wan.service import ServicePorts
from smgw.wan.time_service import LONGEST_DELAY, TimePorts, TimeService
from testbed.small_pki import Holder, SmallPki
from tests.admin.server_world import World
from tests.pki.tunnel_world import clock, ends
from tests.smgw.administration.house import House
from tests.smgw.store import samples
from wire.http_server import HttpServer, Request
from wire.profiles import AccessPurpose, EvaluationProfile, UseCase

Answer = Callable[[Request], tuple[int, bytes]]
TIMEOUT = 60.0
"""Seconds for what takes milliseconds on an idle machine."""


@dataclass
class Site:
    """One gateway, as it is after a start (:meth:`boot`)."""

    pki: SmallPki
    folder: Path
    gateway: Holder
    drift: timedelta = timedelta()
    late: float = 0.0
    profiles: ProfileSet = field(default_factory=lambda: ProfileSet({}, {}, {}))
    changes: int = 0

    def __post_init__(self) -> None:
        self.house = House(self.pki, self.folder)
        self.boot()

    def boot(self) -> None:
        """Everything as after a start: nothing in memory but what the store kept."""
        database = self.house.database
        self.records = ClockRecords(database)
        self.queue = Notifications(database)
        self.clock = GatewayClock(lambda: clock() + self.drift, self.records.load())
        self.states = SecureStates(self.clock)
        backend = CurrentBackend(lambda: cast("Identity", self.gateway), lambda: self.house.trust, self._backend)
        self.ports = ServicePorts(
            lambda: self.house.profile, lambda: self.house.trust, backend, self.clock.administration, self._monotonic
        )
        self.time = TimeService(
            TimePorts(self.ports, self.clock, self.records, lambda: self.profiles, lambda: 0.0, self._changed)
        )
        self.notifier = Notifier(NotifierPorts(samples.GATEWAY, self.ports, self.queue, self.house.log, lambda: 0.0))

    def restart(self) -> None:
        self.house.restart()
        self.boot()

    def dials(self, port: int, tls: x509.Certificate, signature: x509.Certificate) -> None:
        """Who the administrator is, and where."""
        self.house.change(
            service_port=port,
            tls_certificate=tls.public_bytes(Encoding.DER),
            signature_certificate=signature.public_bytes(Encoding.DER),
        )

    def period(self, seconds: int) -> None:
        """Install one evaluation profile of that registration period."""
        profile = evaluation(self.house.now, seconds)
        self.profiles = ProfileSet({}, {profile.id: profile}, {})

    @property
    def state(self) -> SecureState:
        return self.states.at(self.clock())

    @property
    def error(self) -> timedelta:
        """How wrong the gateway's clock is."""
        return self.clock() - clock()

    def logged(self) -> list[str]:
        return [f"{entry.event.value} {entry.outcome.name}" for entry in self.house.logged()]

    def calibration(self) -> list[str]:
        return [f"{entry.event.value} {entry.outcome.name}" for entry in CalibrationLog(self.house.database).entries()]

    def close(self) -> None:
        self.time.stop()
        self.notifier.stop()
        self.house.close()

    def _backend(self, _: Identity, trust: TrustStore) -> TunnelBackend:
        chain = (self.gateway.certificate, self.pki.hierarchy.sub_ca.certificate)
        return InProcessBackend(TlsIdentity(chain, self.gateway.key), trust, clock=self.clock.administration)

    def _monotonic(self) -> float:
        return time.monotonic() + self.late

    def _changed(self) -> None:
        self.changes += 1


ERROR = LONGEST_DELAY / 2 + timedelta(seconds=1)
"""How wrong a comparison of two right clocks may be that is believed, and how long ago one of them was looked at."""


def near(found: timedelta, expected: timedelta) -> bool:
    """Equal but for what an exchange in this machine takes, however busy it is."""
    return abs(found - expected) < ERROR


def evaluation(now: datetime, seconds: int) -> EvaluationProfile:
    return EvaluationProfile(
        id=f"every-{seconds}", version=1, use_case=UseCase.TAF_7, party="grid", purpose=AccessPurpose.GRID_OPERATION,
        meters=(samples.METER,), registers=(samples.IMPORT,), period_seconds=seconds, dispatch_seconds=seconds,
        valid_from=now, valid_until=now + timedelta(days=1), recipient="0" * 64,
    )  # fmt: skip


@contextmanager
def at_office(office: World, folder: Path) -> Iterator[Site]:
    """A gateway of the inventory of ``office``, whose servers run."""
    folder.mkdir()
    keys = office.keys()
    office.add(keys)
    site = Site(office.pki, folder, keys.holders[Purpose.TLS])
    site.dials(office.server().ports[1], office.tls.certificate, office.signature_certificate)
    try:
        yield site
    finally:
        site.close()


@contextmanager
def at_clerk(folder: Path, answer: Answer) -> Iterator[Site]:
    """A gateway whose administrator answers what the test wants; ``answer`` gets each request."""
    world = ends()
    site = Site(world.pki, folder, world.gateway)
    pinned = {fingerprint(world.gateway.certificate)}

    def verify(certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
        return trust.verify(certificate, role=Role.SMGW, purpose=Purpose.TLS, at=at, pinned=pinned)

    acceptor = Acceptor(
        "127.0.0.1", 0, identity=world.identity(site.house.tls), trust=lambda: world.trust, verify=verify, clock=clock
    )
    stopping = threading.Event()
    thread = threading.Thread(target=_serve, args=(acceptor, answer, stopping))
    thread.start()
    site.dials(acceptor.port, site.house.tls.certificate, site.house.sig.certificate)
    try:
        yield site
    finally:
        stopping.set()
        thread.join()
        acceptor.close()
        site.close()


def _serve(acceptor: Acceptor, answer: Answer, stopping: threading.Event) -> None:
    while not stopping.is_set():
        incoming = acceptor.accept(0.05)
        if incoming is not None:
            with suppress(TunnelError):
                tunnel = incoming.shake_hands(TIMEOUT)
                _talk(tunnel, answer)
                tunnel.close()


def _talk(tunnel: AcceptedTunnel, answer: Answer) -> None:
    server = HttpServer()
    while data := tunnel.receive(65_536, TIMEOUT):
        request = server.receive(data)
        if request is not None:
            status, body = answer(request)
            if status == 0:
                return
            tunnel.send(server.respond(status, {"Content-Type": "application/octet-stream"}, body))
