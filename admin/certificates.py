"""What the certificates of a gateway are worth before the inventory takes them.

Decides that a triple is believed now, as one gateway's, and whether it is the manufacturer's quality seal (Guetesiegel)
or operational: all three are of one kind.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from admin.errors import InventoryError, InventoryReason
from pki.certificates import Purpose, Role, TrustStore, fingerprint, load_certificate
from pki.errors import CertificateError
from wire.reading import DeviceId


def read_folder(folder: Path) -> dict[Purpose, bytes]:
    """``TLS.pem``, ``SIG.pem`` and ``ENC.pem`` of ``folder`` as DER. Raises InventoryError(CERTIFICATES)."""
    found: dict[Purpose, bytes] = {}
    for purpose in Purpose:
        path = folder / f"{purpose}.pem"
        try:
            found[purpose] = load_certificate(path.read_bytes()).public_bytes(Encoding.DER)
        except OSError as error:
            raise InventoryError(
                InventoryReason.CERTIFICATES,
                f"{path} cannot be read: {error.strerror}; it needs TLS.pem, SIG.pem, ENC.pem",
            ) from error
        except CertificateError as error:
            raise InventoryError(InventoryReason.CERTIFICATES, f"{path}: {error}") from error
    return found


def judged(certificates: Mapping[Purpose, bytes], gateway: DeviceId, trust: TrustStore, at: datetime) -> bool:
    """Whether a triple of ``gateway`` is the manufacturer's seal; operational otherwise.

    1. Each is believed now, as a gateway's certificate for its purpose; a seal is believed here.
    2. Each names this gateway.
    3. All three are of one kind.

    Raises InventoryError(CERTIFICATES).
    """
    kinds: set[bool] = set()
    for purpose, der in certificates.items():
        # 1
        try:
            certificate = load_certificate(der)
            verified = trust.verify(
                certificate, role=Role.SMGW, purpose=purpose, at=at, pinned={fingerprint(certificate)}, seal=True
            )
        except CertificateError as error:
            raise InventoryError(
                InventoryReason.CERTIFICATES, f"the {purpose} certificate of {gateway} is not believed: {error}"
            ) from error
        # 2
        if verified.identity != gateway.text:
            raise InventoryError(
                InventoryReason.CERTIFICATES, f"the {purpose} certificate is of {verified.identity}, not of {gateway}"
            )
        kinds.add(verified.seal)
    # 3
    if len(kinds) != 1:
        raise InventoryError(
            InventoryReason.CERTIFICATES, f"the certificates of {gateway} are partly a seal and partly operational"
        )
    return kinds.pop()
