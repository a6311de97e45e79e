"""Which gateway stands behind a TLS certificate, and whether it may come in now (TR-03109-1: only gateways dial).

Decides who is served, at the handshake and again while a tunnel lasts: the same steps each time, so that a revocation,
a lock or a replaced certificate ends a running tunnel as surely as it refuses a new one. It never believes a name
alone: the certificate must be one that the inventory holds for exactly that gateway, or one that an order on its way
brings to it.
"""

from datetime import datetime
from typing import Final

from cryptography import x509

from admin.errors import InventoryError
from admin.inventory import GatewayRecord, Inventory
from admin.life_cycle import REACHABLE, LifeCycle
from admin.orders import OrderBook
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint, load_certificate
from pki.errors import CertificateError, CertificateReason
from pki.profiles import read_subject
from wire.orders import InstallCertificates
from wire.reading import DeviceId

SEAL_ADMITTED: Final = frozenset({LifeCycle.DELIVERED, LifeCycle.INSTALLED})
"""States in which a quality-seal certificate (Guetesiegelzertifikat) is enough: before enrolment is complete."""


class Admission:
    """Who may come in; one for both servers."""

    def __init__(self, inventory: Inventory, orders: OrderBook) -> None:
        """Ask these two each time: nothing is remembered between two questions."""
        self._inventory = inventory
        self._orders = orders

    def verify(self, certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
        """Believe that a gateway which may come in stands behind ``certificate``, or raise.

        1. Its name is that of a gateway.
        2. The inventory has that gateway, in a state in which it is served.
        3. It is the TLS certificate that the inventory holds for it, or that an open order installs there.
        4. The trust store believes it, a quality-seal certificate only before enrolment is complete.

        Raises:
            CertificateError: WRONG_NAME, WRONG_ROLE, NOT_PINNED (steps 1 to 3), or the trust store's reason.
        """
        # 1. Its name is that of a gateway.
        subject = read_subject(certificate.subject)
        if subject.role is not Role.SMGW:
            raise CertificateError(CertificateReason.WRONG_ROLE, f"{subject.identity} is a {subject.role}, no gateway")
        gateway = DeviceId(subject.identity)
        # 2. The inventory has that gateway, in a state in which it is served.
        try:
            record = self._inventory.get(gateway)
        except InventoryError as error:
            raise CertificateError(CertificateReason.NOT_PINNED, f"{gateway.text} is not in the inventory") from error
        if record.state not in REACHABLE:
            raise CertificateError(CertificateReason.NOT_PINNED, f"{gateway.text} is {record.state}, not served")
        # 3. It is the TLS certificate that the inventory holds for it, or that an open order installs there.
        pinned = {fingerprint(load_certificate(der)) for der in self._expected(record)}
        # 4. The trust store believes it, a quality-seal certificate only before enrolment is complete.
        return trust.verify(
            certificate,
            role=Role.SMGW,
            purpose=Purpose.TLS,
            at=at,
            pinned=pinned,
            seal=record.state in SEAL_ADMITTED,
        )

    def _expected(self, record: GatewayRecord) -> list[bytes]:
        """The certificate in use, and the one that replaces it once its order is through.

        The second is needed where a tunnel broke after the gateway had switched and before we had its answer: it can
        only come in with the new certificate then, and the repeated order brings the answer.
        """
        held = record.certificates.get(Purpose.TLS)
        expected = [held] if held is not None else []
        for each in self._orders.open(record.gateway):
            # By the column first: other commands may be large, and this is asked every few seconds.
            if each.kind != InstallCertificates.KIND or each.document is None:
                continue
            command = each.command
            if isinstance(command, InstallCertificates):
                expected.append(command.tls)
        return expected
