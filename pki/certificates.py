"""Whether a certificate is good, now, for this role and this purpose, from this very party.

Everything that any machine believes about a peer's key is decided in :meth:`TrustStore.verify`, in numbered steps, and
nowhere else; :meth:`TrustStore.verify_recorded` is its sibling for what was signed in the past. This file does no IO
apart from :meth:`TrustStore.from_folder`, owns no clock, fetches nothing (TR-03109-4: the gateway does not fetch
revocation lists, they are brought to it), raises instead of returning False, and denies when anything is missing: no
pinned fingerprint, no revocation list, no root.

Signatures are checked by ``cryptography``; the path itself is walked here because its path validation knows the web's
PKI, not brainpool curves and SM-PKI names (RFC 5280 section 6 is the law for the walk).
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki.checks import (
    UNREADABLE,
    authority_key_identifier,
    check_crl,
    check_not_revoked,
    check_profile,
    check_readable,
    check_seal,
    check_signature,
    check_validity,
    display_name,
    elliptic_key,
    fingerprint,
    is_seal,
    load_certificate,
    purpose_of,
    revoked_since,
    signed_by,
    subject_key_identifier,
)
from pki.errors import CertificateError
from pki.errors import CertificateReason as Reason
from pki.profiles import END_ROLES, Purpose, Role, Subject, profile_of, read_subject

__all__ = [
    "Purpose",
    "Role",
    "TrustStore",
    "VerifiedCertificate",
    "elliptic_key",
    "fingerprint",
    "load_certificate",
]

MAXIMUM_CHAIN: Final = 4
"""Certificates above the end user's. The SM-PKI has two; more only bounds the work on hostile certificates."""
MAXIMUM_LINKS: Final = 1_000
"""Issuers that are tried for one certificate: CAs of one name that sign one another lead round in millions of ways."""
MAXIMUM_PROOFS: Final = 100_000
"""Remembered chains and signatures; a datacenter of 30,000 gateways shows 60,000 certificates (TLS and SIG)."""

_Path = tuple[x509.Certificate, ...]
"""A way to a root: end user first."""


@dataclass(frozen=True, slots=True)
class VerifiedCertificate:
    """A certificate that passed every step of :meth:`TrustStore.verify` or its sibling; only made there.

    ``identity`` is the gateway's identification (14 characters) for an SMGW, else the organisation's part of the name.
    ``seal`` tells a quality-seal certificate: it names a device as its manufacturer made it, not as somebody runs it.
    PP-0073: FIA_ATD.1, FIA_USB.1.
    """

    certificate: x509.Certificate
    role: Role
    purpose: Purpose
    identity: str
    seal: bool = False

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The certified key, on brainpoolP256r1."""
        return elliptic_key(self.certificate)


@dataclass(frozen=True, slots=True)
class _Window:
    """A chain holds from ``since`` until just before ``until``: nothing that it rests on can change inside."""

    since: datetime
    until: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether ``moment`` lies inside."""
        return self.since <= moment < self.until


@dataclass(frozen=True, slots=True)
class _Chain:
    """For which moments of use a chain was found good, and while which of its revocation lists are current."""

    moments: _Window
    lists: _Window


@dataclass(frozen=True, slots=True)
class _Proof:
    """What an accepted certificate says about itself (that never changes) and how far its chain holds."""

    subject: Subject
    purpose: Purpose
    seal: bool
    chain: _Chain


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
        self._recorded_proofs: dict[bytes, _Proof] = {}
        self._signatures: set[tuple[bytes, bytes]] = set()
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
            _ = [crl.issuer for crl in crls]  # The parser is lazy: it would stumble in the middle of a verification.
        except (OSError, *UNREADABLE) as error:
            raise CertificateError(Reason.MALFORMED, f"trust folder {folder}: {error}") from error
        roots = [certificate for certificate in certificates if certificate.subject == certificate.issuer]
        if not roots:
            raise CertificateError(Reason.UNKNOWN_ISSUER, f"no root certificate (*.pem) in the trust folder {folder}")
        return cls(roots, [certificate for certificate in certificates if certificate not in roots], crls)

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """What is trusted by itself."""
        return self._roots

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
        seal: bool = False,
    ) -> VerifiedCertificate:
        """Believe ``certificate`` as that of a ``role`` for ``purpose`` at the moment ``at`` (aware), or raise.

        ``pinned`` holds the fingerprints that this caller accepts; an empty one denies everybody. ``seal`` accepts
        quality-seal certificates as well, which only the first enrolment may do (TR-03109-4, Gütesiegelzertifikate).

        1. The certificate can be read and fits the profile of an end user.
        2. Its fingerprint is one that the caller has pinned.
        3. Its name is one of the SM-PKI and tells the expected role.
        4. Its key usage is that of the expected purpose, and it is no quality-seal certificate unless the caller takes
           those.
        5. Signatures lead through CAs that may sign to a root of this store; a CA for quality seals issues them only,
           and no other does.
        6. Every certificate of that chain is valid at ``at``.
        7. Every level below the root has a current revocation list of its issuer, and none of them is revoked.

        What a caller MUST still do: check that the peer holds the private key (handshake or signature), and that the
        identity is the one it is talking about.

        Raises:
            CertificateError: with the reason of the first step that fails.
        """
        judge = partial(self._judge, at=at)
        return self._believe(
            certificate,
            judge,
            role=role,
            purpose=purpose,
            pinned=pinned,
            seal=seal,
            proofs=self._proofs,
            moments=(at, at),
        )

    def verify_recorded(
        self,
        certificate: x509.Certificate,
        *,
        role: Role,
        purpose: Purpose,
        recorded_at: datetime,
        at: datetime,
        pinned: Collection[str],
    ) -> VerifiedCertificate:
        """Believe now, at ``at``, that ``certificate`` was good when something was signed at ``recorded_at``, or raise.

        For evidence that outlives certificates: a value of last year, whose signer has expired or was renewed since.

        1. to 5. as in :meth:`verify`: profile, pin, name and role, purpose, signatures up to a root of this store; a
           quality-seal certificate never signs anything that is kept.
        6. Every certificate of that chain was valid at ``recorded_at``.
        7. Every level below the root has a revocation list of its issuer that is current at ``at``: what is known today
           counts. None of them was revoked at or before ``recorded_at``, and none, whenever, for a reason that says
           that somebody else may have had the key (``pki.checks.UNHARMED`` are the reasons that do not).

        What a caller MUST still do: know from elsewhere that ``recorded_at`` is true, because who has the key can
        write any time under his signature; and never open a tunnel or a message with the result. A list shows what was
        revoked only if its CA keeps entries of certificates that have expired since: ours does (``pki.store``).

        Raises:
            CertificateError: with the reason of the first step that fails.
        """
        judge = partial(self._judge_recorded, recorded_at=recorded_at, at=at)
        proofs, moments = self._recorded_proofs, (recorded_at, at)
        return self._believe(
            certificate, judge, role=role, purpose=purpose, pinned=pinned, seal=False, proofs=proofs, moments=moments
        )

    def _believe(
        self,
        certificate: x509.Certificate,
        judge: Callable[[_Path], _Chain],
        *,
        role: Role,
        purpose: Purpose,
        pinned: Collection[str],
        seal: bool,
        proofs: dict[bytes, _Proof],
        moments: tuple[datetime, datetime],
    ) -> VerifiedCertificate:
        """All steps; ``moments`` are that of use and now, ``judge`` does steps 6 and 7 for a path."""
        if any(moment.tzinfo is None for moment in moments):
            message = "the moment of verification needs a time zone"
            raise RuntimeError(message)
        mark = certificate.fingerprint(hashes.SHA256())
        known = proofs.get(mark)
        # 1. The certificate can be read and fits the profile of an end user (the part that depends on role below).
        if known is None:
            check_readable(certificate)
        # 2. Its fingerprint is one that the caller has pinned.
        if mark.hex() not in pinned:
            raise CertificateError(Reason.NOT_PINNED, f"the certificate {mark.hex()[:16]}… is not one we have pinned")
        # 3. Its name is one of the SM-PKI and tells the expected role.
        subject = known.subject if known is not None else read_subject(certificate.subject)
        if subject.role is not role or role not in END_ROLES:
            raise CertificateError(Reason.WRONG_ROLE, f"{subject.identity} is a {subject.role}, expected was a {role}")
        # 4. Its key usage is that of the expected purpose, and it is no quality-seal certificate where none is taken.
        found = known.purpose if known is not None else purpose_of(certificate)
        if found is not purpose:
            sentence = f"{display_name(certificate)} is for {found}, not for {purpose}"
            raise CertificateError(Reason.WRONG_PURPOSE, sentence)
        sealed = known.seal if known is not None else is_seal(certificate)
        if sealed and not seal:
            raise CertificateError(
                Reason.SEAL, f"{display_name(certificate)} is a quality-seal certificate, good for enrolment only"
            )
        if known is None:
            check_profile(certificate, profile_of(role, purpose))
        used_at, at = moments
        if known is None or not (known.chain.moments.holds(used_at) and known.chain.lists.holds(at)):
            # 5. to 7. for this certificate and every one above it.
            chain = self._prove((certificate,), judge, iter(range(MAXIMUM_LINKS)))
            if len(proofs) >= MAXIMUM_PROOFS:
                proofs.clear()
            proofs[mark] = _Proof(subject, found, sealed, chain)
        return VerifiedCertificate(certificate, role, purpose, subject.identity, sealed)

    def _prove(self, path: _Path, judge: Callable[[_Path], _Chain], links: Iterator[int]) -> _Chain:
        """Steps 5 to 7 for the path that begins with ``path``, end user first; the first way to a root that holds."""
        # 5. Signatures lead through CAs that may sign to a root of this store.
        highest = path[-1]
        if fingerprint(highest) in self._anchors:
            return judge(path)
        key_identifier = authority_key_identifier(highest)
        first: CertificateError | None = None
        for issuer in self._authorities:
            if issuer.subject != highest.issuer or subject_key_identifier(issuer) != key_identifier:
                continue
            if len(path) == 1 and fingerprint(issuer) in self._anchors:
                continue  # A root certifies CAs, never end users.
            if next(links, None) is None:
                break
            try:
                self._check_link(highest, issuer, below=len(path) - 1)
                return self._prove((*path, issuer), judge, links)
            except CertificateError as error:
                first = first or error
        name = highest.issuer.rfc4514_string()
        raise first or CertificateError(Reason.UNKNOWN_ISSUER, f"no CA we trust is called {name}")

    def _check_link(self, certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> None:
        """``issuer`` may sign with ``below`` CAs between it and the end user, and it did sign ``certificate``."""
        anchored = fingerprint(issuer) in self._anchors
        check_readable(issuer)
        check_profile(issuer, profile_of(Role.ROOT if anchored else Role.SUB_CA))
        if not anchored:
            check_seal(certificate, issuer)
        limit = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        if below >= MAXIMUM_CHAIN or (limit is not None and below > limit):
            sentence = f"{display_name(issuer)} has {below} CAs under it, its path length is {limit}"
            raise CertificateError(Reason.PROFILE, sentence)
        links = [(certificate, issuer), (issuer, issuer)] if anchored else [(certificate, issuer)]
        for signed, signer in links:
            link = (signed.fingerprint(hashes.SHA256()), signer.fingerprint(hashes.SHA256()))
            if link not in self._signatures:
                check_signature(signed, signer)
                # A signature that held once holds for ever.
                if len(self._signatures) >= MAXIMUM_PROOFS:
                    self._signatures.clear()
                self._signatures.add(link)

    def _judge(self, path: _Path, at: datetime) -> _Chain:
        # 6. Every certificate of that chain is valid at `at`.
        for certificate in path:
            check_validity(certificate, at)
        since = max(certificate.not_valid_before_utc for certificate in path)
        until = min(certificate.not_valid_after_utc for certificate in path)
        # 7. Every level below the root has a current revocation list of its issuer, and none of them is revoked.
        for certificate, issuer in pairwise(path):
            crl = self._crl_of(issuer)
            next_update = check_crl(crl, issuer, at)
            check_not_revoked(crl, certificate)
            since, until = max(since, crl.last_update_utc), min(until, next_update)
        window = _Window(since, until)
        return _Chain(window, window)

    def _judge_recorded(self, path: _Path, recorded_at: datetime, at: datetime) -> _Chain:
        # 6. Every certificate of that chain was valid at `recorded_at`.
        for certificate in path:
            check_validity(certificate, recorded_at)
        since = max(certificate.not_valid_before_utc for certificate in path)
        until = min(certificate.not_valid_after_utc for certificate in path)
        # 7. Lists that are current at `at`; none of the levels was revoked at or before `recorded_at`.
        lists = []
        for certificate, issuer in pairwise(path):
            crl = self._crl_of(issuer)
            lists.append(_Window(crl.last_update_utc, check_crl(crl, issuer, at)))
            gone = revoked_since(crl, certificate)
            if gone is not None:
                if gone <= recorded_at:
                    raise CertificateError(Reason.REVOKED, f"{display_name(certificate)} was revoked {gone}")
                until = min(until, gone)
        return _Chain(
            _Window(since, until), _Window(max(each.since for each in lists), min(each.until for each in lists))
        )

    def _crl_of(self, issuer: x509.Certificate) -> x509.CertificateRevocationList:
        """The newest list that ``issuer`` signed; remembered, because neither lists nor issuers of a store change."""
        mark = issuer.fingerprint(hashes.SHA256())
        known = self._current_crls.get(mark)
        if known is not None:
            return known
        named = [crl for crl in self._crls if crl.issuer == issuer.subject]
        if not named:
            raise CertificateError(Reason.CRL_MISSING, f"no revocation list of {display_name(issuer)}: refused")
        signed = [crl for crl in named if signed_by(crl, issuer)]
        if not signed:
            raise CertificateError(
                Reason.BAD_SIGNATURE, f"the revocation list of {display_name(issuer)} is not signed by it"
            )
        newest = max(signed, key=lambda crl: crl.last_update_utc)
        self._current_crls[mark] = newest
        return newest
