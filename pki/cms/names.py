"""How CMS names a certificate: issuer and serial number, or subject key identifier (RFC 5652 §5.3 and §6.2.2).

Decides equality of names by comparing encoded bytes, taken from the certificate itself and never re-encoded. Cached,
because the same few certificates name every message on a connection.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from pki.cms.key_agreement import require_curve
from pki.der import INTEGER, OCTET_STRING, SEQUENCE, DerError, Reader, encode
from pki.errors import SealError, SealReason

_VERSION_TAG: Final = 0xA0
_CACHED_CERTIFICATES: Final = 16_384
"""About 40 MiB when full: more gateways than one process serves at a time."""


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """Both names of a certificate, as encoded elements and octets, and its key on brainpoolP256r1."""

    issuer_and_serial: bytes
    key_identifier: bytes | None
    public_key: ec.EllipticCurvePublicKey

    def as_signer(self) -> tuple[bytes, ...]:
        """Every SignerIdentifier that means this certificate."""
        if self.key_identifier is None:
            return (self.issuer_and_serial,)
        return (self.issuer_and_serial, encode(0x80, self.key_identifier))

    def as_recipient(self) -> tuple[bytes, ...]:
        """Every KeyAgreeRecipientIdentifier that means this certificate."""
        if self.key_identifier is None:
            return (self.issuer_and_serial,)
        return (self.issuer_and_serial, encode(0xA0, encode(OCTET_STRING, self.key_identifier)))


@lru_cache(maxsize=_CACHED_CERTIFICATES)
def names_of(certificate: x509.Certificate) -> CertificateNames:
    """The names and the key of ``certificate``. Raises SealError(ALGORITHM) unless the key is on brainpoolP256r1."""
    try:
        to_be_signed = Reader(certificate.tbs_certificate_bytes).enter(SEQUENCE)
        if to_be_signed.next_tag() == _VERSION_TAG:
            to_be_signed.element(_VERSION_TAG)
        serial = to_be_signed.element(INTEGER)
        to_be_signed.element(SEQUENCE)
        issuer = to_be_signed.element(SEQUENCE)
        key = require_curve(certificate.public_key())
        identifier = _key_identifier(certificate)
    except (DerError, ValueError, UnsupportedAlgorithm) as error:
        raise SealError(SealReason.ALGORITHM, "a certificate's name, key or extensions cannot be read") from error
    return CertificateNames(encode(SEQUENCE, issuer, serial), identifier, key)


def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None
