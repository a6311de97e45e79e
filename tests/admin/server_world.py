"""The administrator's servers and gateways that dial them, over real TLS on the loopback interface.

The administrator is whole: token, database, certificates, trust folder, ports. A gateway is only its end of a tunnel:
it shows a certificate and answers what it is told to; the certificates are good by the system's clock, because OpenSSL
looks at it.
"""

import base64
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from admin.config import (
    AuthorityConfiguration,
    Configuration,
    KeyFiles,
    Listen,
    WakeUpConfiguration,
)
from admin.inventory import GatewayRecord, LifeCycle
from admin.office import SIGNATURE_KEY, Office
from admin.orders import OrderRecord
from admin.serve import Server
from admin.wake import Timing
from pki import cms
from pki.certificates import Purpose, Role
from pki.errors import TunnelError, TunnelReason
from pki.files import RENEWAL
from pki.new_token import TokenConfiguration
from pki.requests import build_renewal, build_triple, common_name_of, read_renewal
from pki.revoke import Revocation
from pki.store import write_atomically
from pki.tls import InProcessBackend, InProcessTunnel, TlsIdentity
from pki.tunnel import TunnelPeer
from testbed.small_pki import Holder, SmallPki
from tests.admin.bureau import StandingTime, furnish
from tests.ports import deaf_port
from tests.softhsm import MODULE, PIN, lend_token, shared_configuration, take_back
from wire.canonical_json import encode
from wire.http_server import HttpServer, Request
from wire.management import JSON, ORDERS, STATUS
from wire.orders import BreakUp, Command, InstallCertificates, Order, RenewKeys, Reply, ReplyOutcome
from wire.reading import DeviceId

STARTED = datetime.now(UTC).replace(microsecond=0)
TIMEOUT = 60.0
"""For one step of somebody else, on a machine that does much else."""
PATIENCE = 3 * TIMEOUT
"""For what may be done only after something else ran out of time: longer than any time-out of the servers."""
GATEWAY = DeviceId("EABC0012345678")
BY = "erika"

Answers = Callable[[Request], tuple[int, bytes]]


def clock() -> datetime:
    return datetime.now(UTC)


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something that another thread does; fails when it does not."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@dataclass
class Keys:
    """A gateway's three keys and certificates."""

    holders: Mapping[Purpose, Holder]

    @property
    def der(self) -> dict[Purpose, bytes]:
        return {purpose: each.certificate.public_bytes(Encoding.DER) for purpose, each in self.holders.items()}


class World:
    """One administrator. ``dial`` brings a gateway into one of its ports."""

    def __init__(self, folder: Path, stack: ExitStack, *, linger: int = 3600, pki: SmallPki | None = None) -> None:
        self.folder = folder
        self.shift = timedelta()
        self._linger = linger
        self.pki = pki or SmallPki(seed=31, now=STARTED - timedelta(hours=1))
        self.revoked: list[Revocation] = []
        self.trust = folder / "trust"
        self.trust.mkdir()
        self._authorities()
        self.publish()
        self.tls = self.pki.holder(Role.GWA, Purpose.TLS, "Admin")
        token = lend_token(SIGNATURE_KEY)
        stack.callback(take_back, token)
        self._label = token.label
        self.signature_certificate = self._identity(folder, token.public_keys[SIGNATURE_KEY])
        self.believed = self.pki.trust()
        """What gateways believe; they hear nothing of revocations here."""
        signer = Holder(self.signature_certificate, self.tls.key)
        self.signer = self.pki.verified(signer, Role.GWA, Purpose.SIG)
        furnish(folder / "admin.db")
        self.office = stack.enter_context(Office(self._configuration(folder), monotonic=time.monotonic))
        self._stack = stack
        self.ports = (0, 0)

    # -- the administrator ---------------------------------------------------------------------------------------------

    def server(self) -> Server:
        """Its servers, running until the test ends."""
        server = Server(self.office, clock=self.clock, monotonic=time.monotonic)
        server.start()
        self.ports = server.ports
        self._stack.callback(server.stop)
        return server

    def clock(self) -> datetime:
        return clock() + self.shift

    @property
    def timing(self) -> Timing:
        return Timing(self.clock, time.monotonic, time.sleep, timedelta(seconds=TIMEOUT), timedelta(seconds=5))

    def impatient(self, once: Callable[[], bool] = lambda: True) -> Timing:
        """Somebody who waits no longer than a second, and for whom it begins to pass ``once`` that holds."""
        passing = StandingTime(goes=once)
        second = timedelta(seconds=1)
        return Timing(self.clock, passing.monotonic, passing.sleep, second, 5 * second)

    def revoke(self, *certificates: x509.Certificate) -> None:
        """Bring new revocation lists, put in place by renaming."""
        self.revoked += [Revocation(each.serial_number, clock()) for each in certificates]
        self.publish()

    def publish(self) -> None:
        store = self.pki.trust(sub_ca=tuple(self.revoked), seal=tuple(self.revoked))
        for number, crl in enumerate(store.crls):
            write_atomically(self.trust / f"{number}.crl", crl.public_bytes(Encoding.PEM), mode=0o644)

    def order(self, command: Command, gateway: DeviceId = GATEWAY) -> int:
        return self.office.orders.queue(gateway, command, BY, self.clock())

    def finished(self, number: int) -> OrderRecord:
        """The order, once it is finished."""
        until(lambda: self.office.orders.get(number).finished_at is not None)
        return self.office.orders.get(number)

    def why(self, gateway: DeviceId = GATEWAY) -> str:
        """Why the gateway's last tunnel was closed, once it is."""

        def closed() -> bool:
            last = self.office.tunnels.last(gateway)
            return last is not None and last.closed_at is not None

        until(closed)
        last = self.office.tunnels.last(gateway)
        assert last is not None
        return last.why

    # -- gateways ------------------------------------------------------------------------------------------------------

    def keys(self, gateway: DeviceId = GATEWAY, *, seal: bool = False) -> Keys:
        return Keys({one: self.pki.holder(Role.SMGW, one, gateway.text, seal=seal) for one in Purpose})

    def add(
        self,
        keys: Keys,
        state: LifeCycle = LifeCycle.OPERATING,
        *,
        seal: bool = False,
        gateway: DeviceId = GATEWAY,
        wake_port: int = 0,
    ) -> None:
        port = wake_port or self._stack.enter_context(deaf_port())
        record = GatewayRecord(gateway, state, wake_port=port, certificates=keys.der, seal=seal)
        self.office.inventory.add(record, BY, self.clock())

    def dial(self, port: int, holder: Holder) -> InProcessTunnel:
        """A gateway's handshake; raises TunnelError where the administrator is not believed."""
        above = self.pki.seal_ca.certificate, self.pki.hierarchy.sub_ca.certificate
        chain = [each for each in above if each.subject == holder.certificate.issuer]
        backend = InProcessBackend(TlsIdentity((holder.certificate, *chain), holder.key), self.believed, clock=clock)
        return backend.open(TunnelPeer("127.0.0.1", port, self.tls.certificate, Role.GWA), timeout=TIMEOUT)

    # -- how it is made ------------------------------------------------------------------------------------------------

    def _authorities(self) -> None:
        hierarchy = self.pki.hierarchy
        for name, issuer in (("root", hierarchy.root), ("sub-ca", hierarchy.sub_ca), ("seal-ca", self.pki.seal_ca)):
            (self.trust / f"{name}.pem").write_bytes(issuer.certificate.public_bytes(Encoding.PEM))

    def _identity(self, folder: Path, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
        (folder / "pin").write_text(PIN)
        (folder / "pin").chmod(0o600)
        certificate = self.pki.certify(key, Role.GWA, Purpose.SIG, "Admin")
        (folder / "SIG.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / "TLS.pem").write_bytes(self.tls.certificate.public_bytes(Encoding.PEM))
        data = self.tls.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_atomically(folder / "TLS.key", data)
        return certificate

    def _configuration(self, folder: Path, authority: AuthorityConfiguration | None = None) -> Configuration:
        return Configuration(
            name="Admin",
            token=TokenConfiguration(MODULE, shared_configuration(), self._label, folder / "pin"),
            trust=self.trust,
            keys=KeyFiles(folder / "TLS.pem", folder / "TLS.key", folder / "SIG.pem"),
            database=folder / "admin.db",
            management=Listen("127.0.0.1", 0),
            service=Listen("127.0.0.1", 0),
            wake_up=WakeUpConfiguration(),
            authority=authority,
            linger_seconds=self._linger,
        )


@dataclass
class Gateway:
    """A gateway's end of management tunnels: one thread serves one tunnel after the other when it is told to dial.

    It answers every order as done, unless ``reply`` says otherwise; ``orders`` and ``documents`` are what came.
    """

    world: World
    keys: Keys
    gateway: DeviceId = GATEWAY
    reply: Callable[[Order], Reply | None] = lambda _: None
    other: Answers = lambda _: (404, b"{}")
    orders: list[Order] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    tunnel: InProcessTunnel | None = None
    cut: Callable[[Order], bool] = lambda _: False
    """Orders at which the line is cut in place of an answer."""
    instead: Callable[[Order], tuple[int, bytes] | None] = lambda _: None
    """Status and body in place of a reply."""
    status: tuple[int, bytes] = (200, encode({"version": "1.0"}))
    coming: Keys | None = None
    _thread: threading.Thread | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)

    def come(self, port: int) -> "Gateway":
        """Dial in and serve in a thread."""
        self.leave()
        self._stopping.clear()
        self.tunnel = self.world.dial(port, self.keys.holders[Purpose.TLS])
        self._thread = threading.Thread(target=self._serve, args=(self.tunnel,))
        self._thread.start()
        return self

    @contextlib.contextmanager
    def asleep(self, port: int) -> Iterator[int]:
        """Waits for wake-ups and comes at each of them, unless its tunnel is open; yields its UDP port."""
        stopping = threading.Event()

        def ear(udp: socket.socket) -> None:
            while not stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    udp.recv(1024)
                    # Its last tunnel may be over for the administrator and have a breath left here.
                    while self._serves and not stopping.is_set() and not self._counts:
                        time.sleep(0.01)
                    if not self._serves:
                        self.come(port)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            udp.settimeout(0.05)
            thread = threading.Thread(target=ear, args=(udp,))
            thread.start()
            try:
                yield int(udp.getsockname()[1])
            finally:
                stopping.set()
                thread.join()
                self.leave()

    @property
    def _serves(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def _counts(self) -> bool:
        """Whether the administrator sees a tunnel of this gateway."""
        return self.world.office.tunnels.open(self.gateway, self.world.clock()) is not None

    def leave(self) -> None:
        """End the tunnel in order, if there is one."""
        self._stopping.set()
        self.wait()

    def wait(self) -> None:
        """Until the tunnel is over."""
        if self._thread is not None:
            self._thread.join(PATIENCE)
            assert not self._thread.is_alive()
            self._thread = None

    def _serve(self, tunnel: InProcessTunnel) -> None:
        server = HttpServer(maximum_body_bytes=2 * 1024 * 1024)
        with contextlib.closing(tunnel), contextlib.suppress(TunnelError):
            while not self._stopping.is_set():
                try:
                    data = tunnel.receive(65_536, 0.05)
                except TunnelError as error:
                    if error.reason is TunnelReason.TIMEOUT:
                        continue
                    raise
                request = server.receive(data)
                if request is None:
                    if not data:
                        return
                    continue
                answer = self._answer(request)
                if answer is None:
                    return
                status, body, last = answer
                tunnel.send(server.respond(status, {"Content-Type": JSON}, body))
                if last:
                    return

    def _answer(self, request: Request) -> tuple[int, bytes, bool] | None:
        self.requests.append((request.method, request.target))
        if request.target == STATUS and request.method == "GET":
            return *self.status, False
        if (request.method, request.target) != ("POST", ORDERS):
            return *self.other(request), False
        self.documents.append(request.body)
        order = Order.from_bytes(cms.open_document(request.body, signers=[self.world.signer]).content)
        if self.cut(order):
            return None
        self.orders.append(order)
        other = self.instead(order)
        if other is not None:
            return *other, False
        reply = self.reply(order) or self._done(order)
        status = 200 if reply.outcome is ReplyOutcome.DONE else 422
        last = isinstance(order.command, BreakUp | InstallCertificates) and status == 200
        return status, reply.to_bytes(), last

    def _done(self, order: Order) -> Reply:
        result: dict[str, object] = {}
        if isinstance(order.command, RenewKeys):
            result = {"renewal": base64.b64encode(self.renewal()).decode()}
        if isinstance(order.command, InstallCertificates) and self.coming is not None:
            self.keys, self.coming = self._certified(order.command), None
        return Reply(order.sequence, ReplyOutcome.DONE, result=result)  # type: ignore[arg-type]

    def renewal(self) -> bytes:
        """New keys, and requests for them signed with the present SIG key."""
        new = {purpose: self.world.pki.key(ec.BrainpoolP256R1()) for purpose in Purpose}
        present = self.keys.holders[Purpose.SIG]
        self.coming = Keys({purpose: Holder(present.certificate, key) for purpose, key in new.items()})
        triple = build_triple(new, common_name_of(Role.SMGW, self.gateway.text))
        return build_renewal(triple, present.certificate, present.key)

    def _certified(self, command: InstallCertificates) -> Keys:
        assert self.coming is not None
        der = {Purpose.TLS: command.tls, Purpose.SIG: command.sig, Purpose.ENC: command.enc}
        return Keys(
            {
                purpose: Holder(x509.load_der_x509_certificate(der[purpose]), each.key)
                for purpose, each in self.coming.holders.items()
            }
        )


@contextlib.contextmanager
def world(folder: Path, *, linger: int = 3600, pki: SmallPki | None = None) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(folder, stack, linger=linger, pki=pki)


def certified(world: World, folder: Path, *, seal: bool = False, gateway: DeviceId = GATEWAY) -> None:
    """What a certification authority does with the renewal in ``folder``, without its own checks."""
    renewal = read_renewal((folder / RENEWAL).read_bytes())
    for purpose, request in zip(Purpose, renewal._requests, strict=True):
        key = x509.load_der_x509_csr(request).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        certificate = world.pki.certify(key, Role.SMGW, purpose, gateway.text, seal=seal)
        (folder / f"{purpose}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
