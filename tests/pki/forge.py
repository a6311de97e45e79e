"""Certificates and lists that deviate from a valid one in exactly what the test states."""

from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ObjectIdentifier

from pki.issue import Issuer


def rebuild(
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Name | None = None,
    subject: x509.Name | None = None,
    public_key: Any = None,
    begin: datetime | None = None,
    end: datetime | None = None,
    drop: tuple[ObjectIdentifier, ...] = (),
    replace: tuple[x509.Extension[Any] | tuple[x509.ExtensionType, bool], ...] = (),
    algorithm: Any = None,
) -> x509.Certificate:
    """``certificate`` signed anew with ``key``, with the given parts changed."""
    builder = (
        x509.CertificateBuilder()
        .serial_number(certificate.serial_number)
        .issuer_name(issuer or certificate.issuer)
        .subject_name(subject or certificate.subject)
        .public_key(public_key or certificate.public_key())
        .not_valid_before(begin or certificate.not_valid_before_utc)
        .not_valid_after(end or certificate.not_valid_after_utc)
    )
    changed = {value.oid: (value, critical) for value, critical in replace}  # type: ignore[misc]
    for extension in certificate.extensions:
        if extension.oid in drop:
            continue
        value, critical = changed.pop(extension.oid, (extension.value, extension.critical))
        builder = builder.add_extension(value, critical)
    for value, critical in changed.values():
        builder = builder.add_extension(value, critical)
    return builder.sign(key, algorithm or hashes.SHA384())


def crl(
    issuer: Issuer,
    begin: datetime,
    end: datetime,
    *extensions: tuple[x509.ExtensionType, bool],
    serials: tuple[int, ...] = (),
) -> x509.CertificateRevocationList:
    """A revocation list without any of the care that ``pki.revoke`` takes."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(begin).next_update(end)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(begin).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, hashes.SHA512())


def flip_bit(certificate: x509.Certificate, position: int) -> x509.Certificate:
    """One bit of the DER changed."""
    der = bytearray(certificate.public_bytes(Encoding.DER))
    der[position] ^= 1
    return x509.load_der_x509_certificate(bytes(der))
