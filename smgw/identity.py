"""Who this gateway is, proven before it starts and before it changes its keys.

Decides whether certificates, keys and configuration belong together. A gateway whose certificates are missing, expired,
revoked, of another gateway or of other keys than its token's does not start: nobody would believe its messages. A
quality-seal certificate (Gütesiegelzertifikat) is believed in the first generation only: who was once somebody's never
is the manufacturer's again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
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


@dataclass(frozen=True, slots=True)
class Identity:
    """One generation of a gateway's keys with their certificates; what is signed and shown at one moment."""

    gateway: DeviceId
    generation: int
    certificates: OwnCertificates
    keys: Mapping[Purpose, ec.EllipticCurvePrivateKey]
    labels: Mapping[Purpose, str]
    """What the keys are called in the security module; a TLS key in a file has a label too, which nobody uses."""

    @property
    def seal(self) -> bool:
        """Whether these are still the manufacturer's quality-seal certificates."""
        return any(certificate.seal for certificate in self.certificates.by_purpose.values())


def own_certificates(
    folder: Path,
    gateway: DeviceId,
    keys: Mapping[Purpose, ec.EllipticCurvePublicKey],
    trust: TrustStore,
    at: datetime,
    *,
    seal: bool = True,
) -> OwnCertificates:
    """Read ``TLS.pem``, ``SIG.pem`` and ``ENC.pem`` and prove each of them.

    1. it is there and can be read;
    2. the gateway's own trust store believes it now, as a gateway's certificate for this purpose; a quality-seal
       certificate only where ``seal`` says so (the first generation);
    3. it names this gateway;
    4. it certifies the key that the security module holds.
    Raises CertificateError.
    """
    return OwnCertificates(
        {
            purpose: prove_own(_read(folder / f"{purpose}.pem"), purpose, gateway, keys[purpose], trust, at, seal=seal)
            for purpose in Purpose
        }
    )


def _read(path: Path) -> x509.Certificate:
    # 1
    try:
        return load_certificate(path.read_bytes())
    except OSError as error:
        raise CertificateError(
            CertificateReason.MALFORMED, f"our own certificate {path} cannot be read: {error.strerror}"
        ) from error


def prove_own(  # noqa: PLR0917 - who, for what, by whom, when: each caller has them by these names
    certificate: x509.Certificate,
    purpose: Purpose,
    gateway: DeviceId,
    key: ec.EllipticCurvePublicKey,
    trust: TrustStore,
    at: datetime,
    *,
    seal: bool,
) -> VerifiedCertificate:
    """Steps 2 to 4 of :func:`own_certificates` for one certificate. Raises CertificateError."""
    # 2
    try:
        verified = trust.verify(
            certificate, role=Role.SMGW, purpose=purpose, at=at, pinned={fingerprint(certificate)}, seal=seal
        )
    except CertificateError as error:
        raise CertificateError(error.reason, f"our own certificate for {purpose}: {error}") from error
    # 3
    if verified.identity != gateway.text:
        sentence = f"our own certificate for {purpose} is of {verified.identity}, this gateway is {gateway}"
        raise CertificateError(CertificateReason.WRONG_NAME, sentence)
    # 4
    if verified.public_key.public_numbers() != key.public_numbers():
        sentence = f"our own certificate for {purpose} certifies another key than the one in the security module"
        raise CertificateError(CertificateReason.NOT_PINNED, sentence)
    return verified


def software_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The TLS key of a gateway whose configuration keeps it in process memory.

    Raises TokenError: KEY_REFUSED where others may read the file, or it holds no key on brainpoolP256r1.
    """
    try:
        return read_key(path)
    except IssueError as error:
        raise TokenError(TokenReason.KEY_REFUSED, str(error)) from error
