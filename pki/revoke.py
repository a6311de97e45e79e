"""Revocation lists: what a CA takes back, and until when it has said so.

A list is direct and complete (the issuing CA signs it itself and it names every revoked certificate); the real root's
list is indirect (docs/deviations.md). A list is always issued with the next number and a short life, so that silence is
noticed: a verifier without a current list believes nobody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509

from pki.errors import IssueError, IssueReason
from pki.issue import Issuer
from pki.plan import hash_for

MAXIMUM_ROOT_DAYS: Final = 30
MAXIMUM_SUB_CA_DAYS: Final = 7
"""Longest life of a list (figures not confirmed by a public text, docs/deviations.md)."""

REASONS: Final = {
    "unspecified": x509.ReasonFlags.unspecified,
    "key-compromise": x509.ReasonFlags.key_compromise,
    "ca-compromise": x509.ReasonFlags.ca_compromise,
    "affiliation-changed": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "cessation-of-operation": x509.ReasonFlags.cessation_of_operation,
}
"""Reasons of RFC 5280 that end a certificate for good; a hold that can be lifted is not among them."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """One revoked certificate: its serial number, when, and a key of :data:`REASONS`."""

    serial: int
    at: datetime
    reason: str = "unspecified"


def build_crl(
    issuer: Issuer, revocations: Iterable[Revocation], *, number: int, now: datetime, days: int
) -> x509.CertificateRevocationList:
    """The complete list of ``issuer`` from ``now`` for ``days``; ``number`` must be higher than every one before.

    Raises:
        IssueError: STATE where the list would live longer than the CA may promise or a reason is unknown.
    """
    root = issuer.certificate.issuer == issuer.certificate.subject
    limit = MAXIMUM_ROOT_DAYS if root else MAXIMUM_SUB_CA_DAYS
    if not 0 < days <= limit:
        raise IssueError(IssueReason.STATE, f"a revocation list of this CA lives 1 to {limit} days, not {days}")
    begin = now.astimezone(UTC).replace(microsecond=0)
    key = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(begin)
        .next_update(begin + timedelta(days=days))
        .add_extension(authority, critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for revocation in sorted(revocations, key=lambda revocation: revocation.serial):
        builder = builder.add_revoked_certificate(_entry(revocation))
    return builder.sign(issuer.key, hash_for(issuer.key))


def _entry(revocation: Revocation) -> x509.RevokedCertificate:
    reason = REASONS.get(revocation.reason)
    if reason is None:
        known = ", ".join(REASONS)
        raise IssueError(IssueReason.STATE, f"{revocation.reason!r} is not a reason to revoke ({known})")
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(revocation.serial)
        .revocation_date(revocation.at.astimezone(UTC).replace(microsecond=0))
    )
    # RFC 5280 5.3.1: the reason "unspecified" is told by leaving the extension out.
    if reason is not x509.ReasonFlags.unspecified:
        entry = entry.add_extension(x509.CRLReason(reason), critical=False)
    return entry.build()
