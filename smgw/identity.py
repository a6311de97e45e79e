"""Who this gateway is, proven before it starts.

Decides whether certificates, keys and configuration belong together. A gateway whose certificates are missing, expired,
revoked, of another gateway or of other keys than its token's does not start: nobody would believe its messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint, load_certificate
from pki.errors import CertificateError, CertificateReason, IssueError, TokenError, TokenReason
from pki.files import read_key
from wire.reading import DeviceId


@dataclass(frozen=True, slots=True)
class OwnCertificates:
    """The triple of one gateway, verified."""

    by_purpose: Mapping[Purpose, VerifiedCertificate]

    def __getitem__(self, purpose: Purpose) -> VerifiedCertificate:
        """The certificate for ``purpose``."""
        return self.by_purpose[purpose]


def own_certificates(
    folder: Path,
    gateway: DeviceId,
    keys: Mapping[Purpose, ec.EllipticCurvePublicKey],
    trust: TrustStore,
    at: datetime,
) -> OwnCertificates:
    """Read ``TLS.pem``, ``SIG.pem`` and ``ENC.pem`` and prove each of them.

    1. it is there and can be read;
    2. the gateway's own trust store believes it now, as a gateway's certificate for this purpose;
    3. it names this gateway;
    4. it certifies the key that the security module holds.
    Raises CertificateError.
    """
    return OwnCertificates({purpose: _own(folder, purpose, gateway, keys[purpose], trust, at) for purpose in Purpose})


def _own(  # noqa: PLR0917 - one caller, which has them all by name
    folder: Path,
    purpose: Purpose,
    gateway: DeviceId,
    key: ec.EllipticCurvePublicKey,
    trust: TrustStore,
    at: datetime,
) -> VerifiedCertificate:
    path = folder / f"{purpose}.pem"
    # 1
    try:
        certificate = load_certificate(path.read_bytes())
    except OSError as error:
        raise CertificateError(
            CertificateReason.MALFORMED, f"our own certificate {path} cannot be read: {error.strerror}"
        ) from error
    # 2
    try:
        verified = trust.verify(certificate, role=Role.SMGW, purpose=purpose, at=at, pinned={fingerprint(certificate)})
    except CertificateError as error:
        raise CertificateError(error.reason, f"our own certificate {path}: {error}") from error
    # 3
    if verified.identity != gateway.text:
        raise CertificateError(
            CertificateReason.WRONG_NAME, f"{path} is of {verified.identity}, this gateway is {gateway}"
        )
    # 4
    if verified.public_key.public_numbers() != key.public_numbers():
        raise CertificateError(
            CertificateReason.NOT_PINNED, f"{path} certifies another key than the one in the security module"
        )
    return verified


def software_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The TLS key of a gateway whose configuration keeps it in process memory.

    Raises TokenError: KEY_REFUSED where others may read the file, or it holds no key on brainpoolP256r1.
    """
    try:
        return read_key(path)
    except IssueError as error:
        raise TokenError(TokenReason.KEY_REFUSED, str(error)) from error
