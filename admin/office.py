"""The office: everything that one process needs to administrate, opened once from the configuration.

Decides when the security module is opened (at the first signature; reading needs none), that the SIG certificate and
the key in the module belong together, and that nothing is signed for gateways with a certificate that they would not
believe now. Several processes may have an office on the same database and token at once; one process has one.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from cryptography import x509

from admin.audit import Action, Audit, Signer
from admin.config import Configuration
from admin.database import open_database
from admin.drafts import Drafts
from admin.errors import ConfigError, InventoryError, InventoryReason
from admin.inventory import Inventory
from admin.orders import CLOCK_ALLOWANCE, OrderBook
from admin.reports import Reports
from admin.tunnels import Tunnels
from admin.users import Users
from pki import cms
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint, load_certificate
from pki.errors import CertificateError
from pki.pin import read_pin
from pki.token import Token, use_configuration
from pki.trust_folder import TrustFolder
from pki.wakeup import sign_wake_up
from wire.orders import Order
from wire.reading import DeviceId
from wire.wakeup import NONCE_SIZE

SIGNATURE_KEY: Final = "SIG"
"""The label of the administrator's SIG key in its token."""


Address: TypeAlias = "tuple[str, int] | tuple[str, int, int, int]"


@dataclass(frozen=True, slots=True)
class Letter:
    """A signed wake-up and where it goes."""

    family: int
    address: Address
    datagram: bytes


class Office:
    """Inventory, orders, drafts, reports, tunnels, audit log and keys. A context manager; safe from several threads."""

    def __init__(self, configuration: Configuration, *, monotonic: Callable[[], float]) -> None:
        """Open the database; the token is opened when it is needed. Raises StorageError.

        Args:
            configuration: Where everything is.
            monotonic: Seconds of a clock that nobody sets, for the age of the session with the token.
        """
        self.configuration = configuration
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._opened = ExitStack()
        self._token: Token | None = None
        self._signer: Signer | None = None
        self._trust: TrustFolder | None = None
        self.engine = open_database(configuration.database)
        self._opened.callback(self.engine.dispose)
        self.audit = Audit(self.engine, self.signer)
        self.inventory = Inventory(self.engine, self.audit)
        self.orders = OrderBook(self.engine, self.audit, self.inventory)
        self.drafts = Drafts(self.engine, self.audit, self.orders)
        self.tunnels = Tunnels(self.engine, self.audit)
        self.reports = Reports(self.engine, self.audit)
        self.users = Users(self.engine, self.audit)

    def __enter__(self) -> Self:
        """The office itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Leave token and database. Closing twice is harmless."""
        with self._lock:
            self._token = self._signer = None
            self._opened.close()

    def signer(self) -> Signer:
        """SIG certificate and key. Raises TokenError, CertificateError, and ConfigError where they do not match."""
        with self._lock:
            if self._signer is None:
                path = self.configuration.keys.signature_certificate
                certificate = self._certificate(path)
                key = self._open_token().key(SIGNATURE_KEY)
                if key.public_key() != certificate.public_key():
                    raise ConfigError(f"{path} certifies another key than {SIGNATURE_KEY} in the token")
                self._signer = Signer(certificate, key)
            return self._signer

    def signature_certificate(self) -> x509.Certificate:
        """The SIG certificate, whatever it is worth now; needs no token. Raises ConfigError, CertificateError."""
        return self._certificate(self.configuration.keys.signature_certificate)

    def trust(self) -> TrustStore:
        """Whom the administrator believes now. Raises CertificateError."""
        with self._lock:
            if self._trust is None:
                self._trust = TrustFolder(self.configuration.trust)
        return self._trust()

    def require_good(self, at: datetime) -> VerifiedCertificate:
        """Our own SIG certificate, good now: gateways would believe it. Raises CertificateError."""
        certificate = self.signer().certificate
        pinned = {fingerprint(certificate)}
        return self.trust().verify(certificate, role=Role.GWA, purpose=Purpose.SIG, at=at, pinned=pinned)

    def sign_order(self, order: Order) -> bytes:
        """The signed document of ``order``, while gateways would believe it. Raises TokenError, CertificateError."""
        self.require_good(order.valid_from + CLOCK_ALLOWANCE)
        signer = self.signer()
        return cms.sign_document(order.to_bytes(), signer=signer.certificate, key=signer.key)

    def letter(self, gateway: DeviceId, at: datetime, by: str = "smgw-admin") -> Letter:
        """A new wake-up for ``gateway``, signed and audited; the caller sends it.

        1. The gateway is in the inventory and may be woken.
        2. Our certificate is good, so that the gateway can believe it.
        3. Its address can be found.
        4. Signed, with a nonce of the token.

        Raises InventoryError: UNKNOWN, STATE, ADDRESS; CertificateError; TokenError.
        """
        # 1
        record = self.inventory.require_reachable(gateway)
        # 2
        self.require_good(at)
        # 3
        family, address = _resolve(record.wake_host, record.wake_port)
        # 4
        signer = self.signer()
        with self._lock:
            nonce = self._open_token().random(NONCE_SIZE)
        datagram = sign_wake_up(gateway, at.replace(microsecond=0), nonce, signer.key)
        self.orders.woken(gateway, at)
        self.audit.record(Action.WAKE_UP, gateway.text, by, at, address=f"{record.wake_host}:{record.wake_port}")
        return Letter(family, address, datagram)

    def _open_token(self) -> Token:
        if self._token is None:
            chosen = self.configuration.token
            if chosen.configuration is not None:
                use_configuration(chosen.configuration)
            self._token = self._opened.enter_context(
                Token.open(chosen.module, chosen.label, read_pin(chosen.pin_file), monotonic=self._monotonic)
            )
        return self._token

    @staticmethod
    def _certificate(path: Path) -> x509.Certificate:
        try:
            return load_certificate(path.read_bytes())
        except OSError as error:
            raise ConfigError(
                f"our certificate {path} cannot be read: {error.strerror}; have the requests of smgw-admin init "
                "certified (smgw-pki issue --role GWA)"
            ) from error
        except CertificateError as error:
            raise CertificateError(error.reason, f"our certificate {path}: {error}") from error


def _resolve(host: str, port: int) -> tuple[int, Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise InventoryError(
            InventoryReason.ADDRESS,
            f"{host} cannot be found: {error.strerror}; correct it: smgw-admin gateways address",
        ) from error
    family, _, _, _, address = found[0]
    if not isinstance(address[0], str):
        raise InventoryError(InventoryReason.ADDRESS, f"{host} has no internet address")
    return family, address
