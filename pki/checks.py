"""The single questions that verification asks of a certificate or revocation list; the order of asking is elsewhere.

Each check returns quietly or raises :class:`CertificateError` with its reason. None of them decides alone: only
:meth:`pki.certificates.TrustStore.verify` asks all of them. The parser reads lazily; its errors are translated here.
"""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from pki.der import SEQUENCE, DerError, Reader
from pki.errors import CertificateError
from pki.errors import CertificateReason as Reason
from pki.profiles import CRITICAL, KEY_USAGES, PURPOSE_KEY_USAGE, QUALITY_SEAL_POLICY, Profile, Purpose

HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
UNHARMED: Final = frozenset(
    {
        x509.ReasonFlags.unspecified,
        x509.ReasonFlags.affiliation_changed,
        x509.ReasonFlags.superseded,
        x509.ReasonFlags.cessation_of_operation,
    }
)
"""Reasons to revoke that say nothing against the key before; all others (keyCompromise, cACompromise, ...) do."""


UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""All that the parser raises for certificates, requests and lists that cannot be read; they have no common base."""


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, lower-case hexadecimal: what profiles pin."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def load_certificate(data: bytes) -> x509.Certificate:
    """One certificate from PEM or DER.

    Raises:
        CertificateError: MALFORMED.
    """
    try:
        if data.lstrip().startswith(b"-----"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except UNREADABLE as error:
        raise CertificateError(Reason.MALFORMED, f"not a certificate: {error}") from error


def elliptic_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """The certificate's public key.

    Raises:
        CertificateError: PROFILE where it is not on a named elliptic curve, MALFORMED where it cannot be read.
    """
    try:
        key = certificate.public_key()
    except UNREADABLE as error:
        raise CertificateError(Reason.MALFORMED, f"the certified key cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise CertificateError(Reason.PROFILE, "the certified key is not one on an elliptic curve")
    return key


def check_readable(certificate: x509.Certificate) -> None:
    """Everything in it parses, it is X.509 v3 signed with ECDSA, and every extension is a known one."""
    try:
        extensions = certificate.extensions
        hash_algorithm = certificate.signature_hash_algorithm
        version = certificate.version
        _ = (certificate.subject, certificate.issuer, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        # The parser passes over a count of unused bits in front of the signature, which nothing signs: without this
        # look, one certificate would have several spellings and so several fingerprints.
        outer = Reader(certificate.public_bytes(Encoding.DER)).enter(SEQUENCE)
        outer.element(SEQUENCE)
        outer.element(SEQUENCE)
        outer.bit_string_octets()
    except (*UNREADABLE, DerError) as error:
        raise CertificateError(Reason.MALFORMED, f"the certificate cannot be read: {error}") from error
    elliptic_key(certificate)
    if version is not x509.Version.v3 or not isinstance(hash_algorithm, HASHES):
        raise CertificateError(Reason.PROFILE, "not an X.509 v3 certificate signed with ECDSA over SHA-256, 384 or 512")
    for extension in extensions:
        if CRITICAL.get(extension.oid) is not extension.critical:
            raise CertificateError(
                Reason.PROFILE, f"extension {extension.oid.dotted_string} unknown or its criticality wrong"
            )


def check_profile(certificate: x509.Certificate, profile: Profile) -> None:
    """It carries what ``profile`` demands and nothing that it forbids."""
    present = {extension.oid for extension in certificate.extensions}
    if not profile.required <= present or not present <= profile.allowed:
        odd = sorted(oid.dotted_string for oid in (profile.required - present) | (present - profile.allowed))
        raise CertificateError(
            Reason.PROFILE, f"{display_name(certificate)}: extensions missing or forbidden: {', '.join(odd)}"
        )
    if not isinstance(elliptic_key(certificate).curve, profile.curves):
        raise CertificateError(
            Reason.PROFILE, f"{display_name(certificate)}: the key is not on a curve of this profile"
        )
    if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is not profile.ca:
        raise CertificateError(Reason.PROFILE, f"{display_name(certificate)}: basic constraints do not fit the profile")
    if _usages(certificate) != profile.key_usage:
        raise CertificateError(
            Reason.WRONG_PURPOSE, f"{display_name(certificate)}: the key may not do what the profile needs"
        )


def purpose_of(certificate: x509.Certificate) -> Purpose:
    """The one purpose that key usage and extended key usage tell."""
    extensions = {extension.oid for extension in certificate.extensions}
    usages = _usages(certificate) if ExtensionOID.KEY_USAGE in extensions else frozenset()
    for purpose in Purpose:
        # TLS certificates, and only they, have an extended key usage.
        extended = ExtensionOID.EXTENDED_KEY_USAGE in extensions
        if usages == PURPOSE_KEY_USAGE[purpose] and extended is (purpose is Purpose.TLS):
            if extended:
                _check_both_directions(certificate)
            return purpose
    raise CertificateError(Reason.WRONG_PURPOSE, f"{display_name(certificate)}: its key usage is that of no purpose")


def _check_both_directions(certificate: x509.Certificate) -> None:
    """A TLS key is for client and server, because roles reverse on the administrator's tunnel, and for nothing else."""
    extended = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    if extended != {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}:
        raise CertificateError(
            Reason.WRONG_PURPOSE, f"{display_name(certificate)}: its extended key usage is not TLS both ways"
        )


def _usages(certificate: x509.Certificate) -> frozenset[str]:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    return frozenset(name for name in KEY_USAGES if getattr(usage, name))


def is_seal(certificate: x509.Certificate) -> bool:
    """Whether it carries the policy of quality seals (Gütesiegel): an end user's, or the CA's that issues those."""
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return False
    return any(policy.policy_identifier == QUALITY_SEAL_POLICY for policy in policies)


def check_seal(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """A CA for quality seals issues nothing else, and only such a CA issues them; ``issuer`` is not the root.

    So a manufacturer's CA cannot make operational certificates by leaving its mark out.
    """
    if is_seal(certificate) is not is_seal(issuer):
        raise CertificateError(
            Reason.PROFILE,
            f"{display_name(issuer)} may not issue {display_name(certificate)}: one is for quality seals",
        )


def check_signature(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """The key in ``issuer`` made the signature, and the names agree."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(
            Reason.BAD_SIGNATURE, f"{display_name(certificate)} is not signed by {display_name(issuer)}"
        ) from error


def check_validity(certificate: x509.Certificate, at: datetime) -> None:
    """``at`` lies inside, both ends included (RFC 5280 4.1.2.5)."""
    if at < certificate.not_valid_before_utc:
        raise CertificateError(
            Reason.NOT_YET_VALID, f"{display_name(certificate)} begins {certificate.not_valid_before_utc}"
        )
    if at > certificate.not_valid_after_utc:
        raise CertificateError(Reason.EXPIRED, f"{display_name(certificate)} ended {certificate.not_valid_after_utc}")


def check_crl(crl: x509.CertificateRevocationList, issuer: x509.Certificate, at: datetime) -> datetime:
    """The moment of the next list; raises unless this one is complete and current."""
    try:
        known = {ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER, ExtensionOID.ISSUER_ALTERNATIVE_NAME}
        # A list that covers a part only (issuing distribution point, delta) must not pass for the whole: unknown
        # extensions are refused, critical or not.
        partial = any(extension.oid not in known for extension in crl.extensions)
    except UNREADABLE as error:
        raise CertificateError(
            Reason.MALFORMED, f"the revocation list of {display_name(issuer)} cannot be read"
        ) from error
    if partial:
        raise CertificateError(
            Reason.PROFILE, f"the revocation list of {display_name(issuer)} is partial or of unknown kind"
        )
    until = crl.next_update_utc
    if until is None or not crl.last_update_utc <= at < until:
        raise CertificateError(
            Reason.CRL_STALE, f"the revocation list of {display_name(issuer)} is for {crl.last_update_utc} to {until}"
        )
    return until


def check_not_revoked(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> None:
    """``crl`` does not name ``certificate``; an entry counts whatever its date and reason, because none is lifted."""
    try:
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    except UNREADABLE as error:
        raise CertificateError(Reason.MALFORMED, "an entry of the revocation list cannot be read") from error
    if entry is not None:
        serial = f"{certificate.serial_number:x}"
        raise CertificateError(Reason.REVOKED, f"{display_name(certificate)}, serial {serial}, is revoked")


def revoked_since(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> datetime | None:
    """From when on ``crl`` takes ``certificate`` back; None if it does not name it.

    That is its revocation date, or its invalidity date where that is earlier (RFC 5280 5.3.2). Raises for a reason that
    is not one of :data:`UNHARMED` and for an extension not known here: then there is no moment at which the key was
    certainly its holder's alone.
    """
    try:
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        extensions = [] if entry is None else [extension.value for extension in entry.extensions]
    except UNREADABLE as error:
        raise CertificateError(Reason.MALFORMED, "an entry of the revocation list cannot be read") from error
    if entry is None:
        return None
    since = entry.revocation_date_utc
    for value in extensions:
        if isinstance(value, x509.InvalidityDate):
            since = min(since, value.invalidity_date_utc)
        elif not (isinstance(value, x509.CRLReason) and value.reason in UNHARMED):
            raise CertificateError(
                Reason.REVOKED,
                f"{display_name(certificate)} is revoked, and its key was perhaps never its holder's alone",
            )
    return since


def signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` signed this list: selects among lists; :func:`check_crl` decides about the selected one."""
    try:
        return isinstance(crl.signature_hash_algorithm, HASHES) and crl.is_signature_valid(elliptic_key(issuer))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def authority_key_identifier(certificate: x509.Certificate) -> bytes | None:
    """Which key signed, as the certificate says."""
    try:
        return certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None


def subject_key_identifier(certificate: x509.Certificate) -> bytes | None:
    """Which key is certified, as the certificate says."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return None


def display_name(certificate: x509.Certificate) -> str:
    """The subject for a message, shortened."""
    return certificate.subject.rfc4514_string()[:80]
