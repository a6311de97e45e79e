"""``smgw-admin serve``: the two ports that gateways dial, for management and for service, in one process.

Decides how the parts are put together and how they end: on a wish to stop nobody is accepted any more, every tunnel
finishes what it is asking and is closed in order, and only then does the process end. It owns no clock, installs no
signal handler and reads no configuration: ``__main__`` does. The administrator's TLS key is a file (0600) because
OpenSSL's servers want one; the SIG key, which gateways obey, stays in the token.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from admin.admission import Admission
from admin.errors import AdminError, ConfigError
from admin.management import ManagementServer
from admin.office import Office
from admin.pace import Pace
from admin.service import Relay, ServicePorts, ServiceServer
from admin.workers import Workers
from pki.acceptor import Acceptor, Address
from pki.certificates import TrustStore, load_certificate
from pki.errors import CertificateError, IssueError, TrustError, TunnelError, TunnelReason
from pki.files import read_key
from pki.tls import TlsIdentity

SIGN_OF_LIFE_SECONDS: Final = 5.0
"""How often the tables hear that the server and its tunnels are there; commands that wait believe it for longer."""
SHUTDOWN_SECONDS: Final = 15.0
"""For tunnels to finish an answer that is on its way; what is cut off comes again at the next tunnel."""
MAXIMUM_STRANGERS: Final = 256
"""Addresses whose refusals are told apart; more would let a flood from many addresses fill tables."""
REFUSALS_IN_A_SECOND: Final = 10
"""Of one address that are counted: each is a transaction, and strangers must not keep the orders from theirs."""

_log = logging.getLogger(__name__)


class Server:
    """Both servers over one office."""

    def __init__(
        self,
        office: Office,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        relay: Relay | None = None,
    ) -> None:
        """Listen on both ports; nobody is served before :meth:`start`. Raises ConfigError."""
        self._office = office
        self._clock = clock
        config = office.configuration
        try:
            identity = tls_identity(office, office.trust())
            admission = Admission(office.inventory, office.orders)
            self._management_port = Acceptor(
                config.management.host,
                config.management.port,
                identity=identity,
                trust=office.trust,
                verify=admission.verify,
                clock=clock,
            )
            try:
                self._service_port = Acceptor(
                    config.service.host,
                    config.service.port,
                    identity=identity,
                    trust=office.trust,
                    verify=admission.verify,
                    clock=clock,
                )
            except TunnelError:
                self._management_port.close()
                raise
        except (CertificateError, TunnelError) as error:
            raise ConfigError(f"the server cannot start: {error}") from error
        self.management = ManagementServer(
            office, clock=clock, monotonic=monotonic, linger_seconds=config.linger_seconds
        )
        service = ServiceServer(ServicePorts(office.reports, clock, monotonic, relay))
        self._workers = (
            Workers("management", self._management_port, self.management.serve, refused=self._refused),
            Workers("service", self._service_port, service.serve, refused=self._refused),
        )
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._strangers: set[str] = set()
        self._refusals = Pace(REFUSALS_IN_A_SECOND, monotonic, seconds=1.0)
        self._heart = threading.Thread(target=self._beat, name="sign of life", daemon=True)

    @property
    def ports(self) -> tuple[int, int]:
        """Where management and service listen."""
        return self._management_port.port, self._service_port.port

    def start(self) -> None:
        """Accept gateways. Raises StorageError, TokenError."""
        self._office.tunnels.start(self._clock())
        for workers in self._workers:
            workers.start()
        self._heart.start()

    def stop(self) -> None:
        """Accept nobody any more, let tunnels end in order, and say so in the tables."""
        left = sum(workers.stop(SHUTDOWN_SECONDS) for workers in self._workers)
        if left:
            _log.warning("%d tunnels did not end within %.0f s", left, SHUTDOWN_SECONDS)
        self._stopping.set()
        self._heart.join()
        self._office.tunnels.stop(self._clock())

    def run(self, stopping: threading.Event) -> None:
        """Serve until ``stopping`` is set. Raises StorageError, TokenError."""
        self.start()
        _log.info("gateways are served: management on port %d, service on port %d", *self.ports)
        try:
            stopping.wait()
        finally:
            self.stop()
        _log.info("stopped")

    def _beat(self) -> None:
        while not self._stopping.wait(SIGN_OF_LIFE_SECONDS):
            try:
                self._office.tunnels.beat(self._clock(), self.management.live)
            except AdminError:
                _log.exception("no sign of life")

    def _refused(self, address: Address, error: TunnelError) -> None:
        """Somebody was not let in: kept where the command that waits for a gateway looks, a certificate's trouble only.

        Anybody may knock from anywhere, so the number of names is bounded; who comes after is one of the others.
        """
        if error.reason is not TunnelReason.PEER_CERTIFICATE:
            return
        with self._lock:
            known = address[0] in self._strangers or len(self._strangers) < MAXIMUM_STRANGERS
            if known:
                self._strangers.add(address[0])
        name = address[0] if known else "others"
        if not self._refusals.take(name):
            return
        try:
            self._office.tunnels.refused(name, str(error), self._clock())
        except (AdminError, TrustError):
            _log.exception("a refusal cannot be kept")


def tls_identity(office: Office, trust: TrustStore) -> TlsIdentity:
    """The administrator's TLS certificate, the sub-CAs below the root, and its key. Raises ConfigError."""
    keys = office.configuration.keys
    try:
        certificate = load_certificate(keys.tls_certificate.read_bytes())
        key = read_key(keys.tls_key)
    except OSError as error:
        raise ConfigError(
            f"[keys]: {keys.tls_certificate} cannot be read: {error.strerror}; have the requests of smgw-admin init "
            "certified (smgw-pki issue --role GWA)"
        ) from error
    except (CertificateError, IssueError) as error:
        raise ConfigError(f"[keys]: {error}") from error
    chain = [each for each in trust.authorities if each.subject == certificate.issuer and each.subject != each.issuer]
    return TlsIdentity((certificate, *chain), key)
