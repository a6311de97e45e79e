"""Whether a certificate is good, now, for this role and this purpose, from this very party.

Everything that any machine believes about a peer's key is decided in :meth:`TrustStore.verify`, in numbered steps, and
nowhere else. It does no IO apart from :meth:`TrustStore.from_folder`, owns no clock, fetches nothing (TR-03109-4: the
gateway does not fetch revocation lists, they are brought to it), raises instead of returning False, and denies when
anything is missing: no pinned fingerprint, no revocation list, no root.

Signatures are checked by ``cryptography``; the path itself is walked here because its path validation knows the web's
PKI, not brainpool curves and SM-PKI names (RFC 5280 section 6 is the law for the walk).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from pki.errors import CertificateError, CertificateReason
from pki.profiles import (
    CRITICAL,
    END_ROLES,
    KEY_USAGES,
    PURPOSE_KEY_USAGE,
    Profile,
    Purpose,
    Role,
    Subject,
    profile_of,
    read_subject,
)

__all__ = ["Purpose", "Role", "TrustStore", "VerifiedCertificate", "fingerprint", "load_certificate"]

MAXIMUM_CHAIN: Final = 4
"""Certificates above the end user's. The SM-PKI has two; more only bounds the work on a hostile trust folder."""
MAXIMUM_PROOFS: Final = 100_000
"""Remembered chains; a datacenter of 30,000 gateways shows it 60,000 certificates (TLS and SIG)."""
HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)

Reason = CertificateReason


@dataclass(frozen=True, slots=True)
class VerifiedCertificate:
    """A certificate that passed every step of :meth:`TrustStore.verify`; only made there.

    ``identity`` is the gateway's identification (14 characters) for an SMGW, else the organisation's part of the name.
    """

    certificate: x509.Certificate
    role: Role
    purpose: Purpose
    identity: str

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The certified key, on brainpoolP256r1."""
        return elliptic_key(self.certificate)


@dataclass(frozen=True, slots=True)
class _Window:
    """A chain holds from ``since`` until just before ``until``: nothing that it rests on can change inside."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class _Proof:
    """What an accepted certificate says about itself (that never changes) and the window of its chain."""

    subject: Subject
    purpose: Purpose
    window: _Window


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
    except ValueError as error:
        raise CertificateError(Reason.MALFORMED, f"not a certificate: {error}") from error


def elliptic_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """The certificate's public key.

    Raises:
        CertificateError: PROFILE where it is not on a named elliptic curve, MALFORMED where it cannot be read.
    """
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(Reason.MALFORMED, f"the certified key cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise CertificateError(Reason.PROFILE, "the certified key is not one on an elliptic curve")
    return key


class TrustStore:
    """Root certificates, sub-CA certificates and revocation lists: the ground of every verification. Immutable.

    A change (new revocation lists) is a new store. Safe to use from several threads.
    """

    def __init__(
        self,
        roots: Iterable[x509.Certificate],
        intermediates: Iterable[x509.Certificate],
        crls: Iterable[x509.CertificateRevocationList],
    ) -> None:
        """Take what is trusted (``roots``) and what only helps to build chains (the rest is verified when used)."""
        self._roots = tuple(roots)
        self._anchors = frozenset(fingerprint(root) for root in self._roots)
        self._authorities = (*self._roots, *intermediates)
        self._crls = tuple(crls)
        self._proofs: dict[bytes, _Proof] = {}
        self._authority_windows: dict[tuple[bytes, int], _Window] = {}
        self._current_crls: dict[bytes, x509.CertificateRevocationList] = {}

    @classmethod
    def from_folder(cls, folder: Path) -> "TrustStore":
        """Read ``*.pem`` (self-issued certificates are roots) and ``*.crl`` (PEM); the folder itself is trusted.

        Raises:
            CertificateError: MALFORMED where a file cannot be read, UNKNOWN_ISSUER where there is no root in it.
        """
        certificates: list[x509.Certificate] = []
        crls: list[x509.CertificateRevocationList] = []
        try:
            for path in sorted(folder.glob("*.pem")):
                certificates.extend(x509.load_pem_x509_certificates(path.read_bytes()))
            crls.extend(x509.load_pem_x509_crl(path.read_bytes()) for path in sorted(folder.glob("*.crl")))
        except (OSError, ValueError) as error:
            raise CertificateError(Reason.MALFORMED, f"trust folder {folder}: {error}") from error
        roots = [certificate for certificate in certificates if certificate.subject == certificate.issuer]
        if not roots:
            raise CertificateError(Reason.UNKNOWN_ISSUER, f"no root certificate (*.pem) in the trust folder {folder}")
        return cls(roots, [certificate for certificate in certificates if certificate not in roots], crls)

    @property
    def authorities(self) -> tuple[x509.Certificate, ...]:
        """Roots, then sub-CAs; as given, not yet verified."""
        return self._authorities

    @property
    def crls(self) -> tuple[x509.CertificateRevocationList, ...]:
        """The revocation lists as given, not yet verified."""
        return self._crls

    def verify(
        self,
        certificate: x509.Certificate,
        *,
        role: Role,
        purpose: Purpose,
        at: datetime,
        pinned: Collection[str],
    ) -> VerifiedCertificate:
        """Believe ``certificate`` as that of a ``role`` for ``purpose`` at the moment ``at`` (aware), or raise.

        ``pinned`` holds the fingerprints that this caller accepts; an empty one denies everybody.

        1. The certificate can be read and fits the profile of an end user.
        2. Its fingerprint is one that the caller has pinned.
        3. Its name is one of the SM-PKI and tells the expected role.
        4. Its key usage is that of the expected purpose.
        5. Signatures lead through CAs that may sign to a root of this store.
        6. Every certificate of that chain is valid at ``at``.
        7. Every level below the root has a current revocation list of its issuer, and none of them is revoked.

        What a caller MUST still do: check that the peer holds the private key (handshake or signature), and that the
        identity is the one it is talking about.

        Raises:
            CertificateError: with the reason of the first step that fails.
        """
        if at.tzinfo is None:
            message = "the moment of verification needs a time zone"
            raise RuntimeError(message)
        mark = certificate.fingerprint(hashes.SHA256())
        known = self._proofs.get(mark)
        # 1. The certificate can be read and fits the profile of an end user (the part that depends on role below).
        if known is None:
            _check_readable(certificate)
        # 2. Its fingerprint is one that the caller has pinned.
        if mark.hex() not in pinned:
            raise CertificateError(Reason.NOT_PINNED, f"the certificate {mark.hex()[:16]}… is not one we have pinned")
        # 3. Its name is one of the SM-PKI and tells the expected role.
        subject = known.subject if known is not None else read_subject(certificate.subject)
        if subject.role is not role or role not in END_ROLES:
            raise CertificateError(Reason.WRONG_ROLE, f"{subject.identity} is a {subject.role}, expected was a {role}")
        # 4. Its key usage is that of the expected purpose.
        found = known.purpose if known is not None else _purpose_of(certificate)
        if found is not purpose:
            raise CertificateError(Reason.WRONG_PURPOSE, f"{_name(certificate)} is for {found}, not for {purpose}")
        if known is None:
            _check_profile(certificate, profile_of(role, purpose))
        if known is None or not known.window.since <= at < known.window.until:
            # 5. to 7. for this certificate and every one above it.
            window = self._prove(certificate, at, below=0)
            if len(self._proofs) >= MAXIMUM_PROOFS:
                self._proofs.clear()
            self._proofs[mark] = _Proof(subject, found, window)
        return VerifiedCertificate(certificate, role, purpose, subject.identity)

    def _prove(self, certificate: x509.Certificate, at: datetime, below: int) -> _Window:
        """Steps 5 to 7 for ``certificate`` with ``below`` CA certificates under it."""
        # 5. Signatures lead through CAs that may sign to a root of this store.
        key_identifier = _authority_key_identifier(certificate)
        first: CertificateError | None = None
        for issuer in self._authorities:
            if issuer.subject != certificate.issuer or _subject_key_identifier(issuer) != key_identifier:
                continue
            if below == 0 and fingerprint(issuer) in self._anchors:
                continue  # A root certifies CAs, never end users.
            try:
                return self._prove_under(certificate, issuer, at, below)
            except CertificateError as error:
                first = first or error
        if first is not None:
            raise first
        raise CertificateError(Reason.UNKNOWN_ISSUER, f"no CA we trust is called {certificate.issuer.rfc4514_string()}")

    def _prove_under(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime, below: int
    ) -> _Window:
        anchored = fingerprint(issuer) in self._anchors
        _check_readable(issuer)
        _check_profile(issuer, profile_of(Role.ROOT if anchored else Role.SUB_CA))
        limit = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        if below >= MAXIMUM_CHAIN or (limit is not None and below > limit):
            raise CertificateError(
                Reason.PROFILE, f"{_name(issuer)} has more CAs under it than its path length {limit}"
            )
        _check_signature(certificate, issuer)
        above = self._prove_authority(issuer, at, below, anchored=anchored)
        # 6. Every certificate of that chain is valid at `at` (RFC 5280: both ends included, in whole seconds).
        _check_validity(certificate, at)
        # 7. The issuer's revocation list is current and does not name this certificate.
        crl = self._crl_of(issuer)
        until = _check_crl(crl, issuer, at)
        if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise CertificateError(
                Reason.REVOKED, f"{_name(certificate)}, serial {certificate.serial_number:x}, is revoked"
            )
        return _Window(
            max(above.since, certificate.not_valid_before_utc, crl.last_update_utc),
            min(above.until, certificate.not_valid_after_utc, until),
        )

    def _prove_authority(self, issuer: x509.Certificate, at: datetime, below: int, *, anchored: bool) -> _Window:
        """The window of a CA itself, remembered: it is the same for all the certificates at this height under it."""
        key = (issuer.fingerprint(hashes.SHA256()), below)
        window = self._authority_windows.get(key)
        if window is not None and window.since <= at < window.until:
            return window
        if anchored:
            _check_signature(issuer, issuer)
            _check_validity(issuer, at)
            window = _Window(issuer.not_valid_before_utc, issuer.not_valid_after_utc)
        else:
            window = self._prove(issuer, at, below + 1)
        self._authority_windows[key] = window
        return window

    def _crl_of(self, issuer: x509.Certificate) -> x509.CertificateRevocationList:
        """The newest list that ``issuer`` signed; remembered, because neither lists nor issuers of a store change."""
        mark = issuer.fingerprint(hashes.SHA256())
        known = self._current_crls.get(mark)
        if known is not None:
            return known
        named = [crl for crl in self._crls if crl.issuer == issuer.subject]
        if not named:
            raise CertificateError(Reason.CRL_MISSING, f"no revocation list of {_name(issuer)}: refusing without one")
        signed = [crl for crl in named if _signed_by(crl, issuer)]
        if not signed:
            raise CertificateError(Reason.BAD_SIGNATURE, f"the revocation list of {_name(issuer)} is not signed by it")
        newest = max(signed, key=lambda crl: crl.last_update_utc)
        self._current_crls[mark] = newest
        return newest


def _check_readable(certificate: x509.Certificate) -> None:
    try:
        extensions = certificate.extensions
        hash_algorithm = certificate.signature_hash_algorithm
        version = certificate.version
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise CertificateError(Reason.MALFORMED, f"the certificate cannot be read: {error}") from error
    elliptic_key(certificate)
    if version is not x509.Version.v3 or not isinstance(hash_algorithm, HASHES):
        raise CertificateError(Reason.PROFILE, "not an X.509 v3 certificate signed with ECDSA over SHA-256, 384 or 512")
    for extension in extensions:
        if CRITICAL.get(extension.oid) is not extension.critical:
            raise CertificateError(
                Reason.PROFILE, f"extension {extension.oid.dotted_string} unknown or its criticality wrong"
            )


def _check_profile(certificate: x509.Certificate, profile: Profile) -> None:
    present = {extension.oid for extension in certificate.extensions}
    if not profile.required <= present or not present <= profile.allowed:
        odd = sorted(oid.dotted_string for oid in (profile.required - present) | (present - profile.allowed))
        raise CertificateError(
            Reason.PROFILE, f"{_name(certificate)}: extensions missing or forbidden: {', '.join(odd)}"
        )
    if not isinstance(elliptic_key(certificate).curve, profile.curves):
        raise CertificateError(Reason.PROFILE, f"{_name(certificate)}: the key is not on a curve of this profile")
    if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is not profile.ca:
        raise CertificateError(Reason.PROFILE, f"{_name(certificate)}: basic constraints do not fit the profile")
    if _usages(certificate) != profile.key_usage:
        raise CertificateError(Reason.WRONG_PURPOSE, f"{_name(certificate)}: the key may not do what the profile needs")


def _purpose_of(certificate: x509.Certificate) -> Purpose:
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
    raise CertificateError(Reason.WRONG_PURPOSE, f"{_name(certificate)}: its key usage is that of no purpose")


def _check_both_directions(certificate: x509.Certificate) -> None:
    """A TLS key is for client and server, because roles reverse on the administrator's tunnel, and for nothing else."""
    extended = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    if extended != {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}:
        raise CertificateError(
            Reason.WRONG_PURPOSE, f"{_name(certificate)}: its extended key usage is not TLS both ways"
        )


def _usages(certificate: x509.Certificate) -> frozenset[str]:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    return frozenset(name for name in KEY_USAGES if getattr(usage, name))


def _check_signature(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(
            Reason.BAD_SIGNATURE, f"{_name(certificate)} is not signed by {_name(issuer)}"
        ) from error


def _check_validity(certificate: x509.Certificate, at: datetime) -> None:
    if at < certificate.not_valid_before_utc:
        raise CertificateError(Reason.NOT_YET_VALID, f"{_name(certificate)} begins {certificate.not_valid_before_utc}")
    if at > certificate.not_valid_after_utc:
        raise CertificateError(Reason.EXPIRED, f"{_name(certificate)} ended {certificate.not_valid_after_utc}")


def _check_crl(crl: x509.CertificateRevocationList, issuer: x509.Certificate, at: datetime) -> datetime:
    """The moment of the next list; raises unless this one is complete and current."""
    try:
        known = {ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER, ExtensionOID.ISSUER_ALTERNATIVE_NAME}
        # A list that covers a part only (issuing distribution point, delta) must not pass for the whole: unknown
        # extensions are refused, critical or not.
        partial = any(extension.oid not in known for extension in crl.extensions)
    except (ValueError, x509.DuplicateExtension) as error:
        raise CertificateError(Reason.MALFORMED, f"the revocation list of {_name(issuer)} cannot be read") from error
    if partial:
        raise CertificateError(Reason.PROFILE, f"the revocation list of {_name(issuer)} is partial or of unknown kind")
    until = crl.next_update_utc
    if until is None or not crl.last_update_utc <= at < until:
        raise CertificateError(
            Reason.CRL_STALE, f"the revocation list of {_name(issuer)} is for {crl.last_update_utc} to {until}"
        )
    return until


def _signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return isinstance(crl.signature_hash_algorithm, HASHES) and crl.is_signature_valid(elliptic_key(issuer))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _authority_key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None


def _subject_key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return None


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()[:80]
