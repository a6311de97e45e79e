"""How a gateway learns who administers it: one signed document that it is given before it hangs on the wall.

Decides which document is believed. The signer is the one pinned administrator, whose certificate must be good at that
moment; the content must be his own profile to the last byte; its version must not go back. Every other profile comes
by an order of that administrator (``smgw/profile_change.py``): no other file makes the gateway read, grant or dial.

Whoever can write the file can make the gateway look at bytes, and no more: a pipe is not waited for, and a file is read
up to the limit.
PP-0073: FMT_MSA.1/AC.
"""

import os
import stat
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509

from pki import cms
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.errors import CertificateError, SealError
from smgw.store.errors import StoreError, StoreReason
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.profiles import ProfileSet, ProfileStore
from smgw.wan.management import good_administrator
from wire.errors import ProfileError
from wire.profiles import AdministratorProfile, parse_profile

MAX_DOCUMENT_SIZE = 64 * 1024
"""A profile with two certificates in it has some four kilobytes."""
MAX_NAME_LENGTH = 100
"""Characters of a file's name in the log."""


class ImportReason(StrEnum):
    """Why a document is refused."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    ADMINISTRATOR = "administrator"
    SIGNATURE = "signature"
    PROFILE = "profile"
    VERSION = "version"
    IDENTITY = "identity"
    KIND = "kind"
    """No profile but that of an administrator comes by way of a file."""


class ImportRefusedError(Exception):
    """A document is refused; ``reason`` says why."""

    def __init__(self, reason: ImportReason, sentence: str) -> None:
        """A reason for programs and a sentence for people."""
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Administrator:
    """The pinned signer of the initial document (Gateway-Administrator)."""

    certificate: x509.Certificate

    def verified(self, trust: TrustStore, at: datetime) -> VerifiedCertificate:
        """The certificate, good at ``at`` for signing as an administrator. Raises CertificateError."""
        pinned = {fingerprint(self.certificate)}
        return trust.verify(self.certificate, role=Role.GWA, purpose=Purpose.SIG, at=at, pinned=pinned)


def open_administrator(
    document: bytes, administrator: Administrator, trust: TrustStore, at: datetime
) -> AdministratorProfile:
    """The profile of an administrator in a signed document, usable at this moment.

    1. The document is small.
    2. The administrator's certificate is good now (role, purpose, chain, revocation, pin).
    3. The signature over the document is the administrator's.
    4. The content is a profile in its canonical form.
    5. It is an administrator's, and holds now.
    6. Both certificates in it are good now, and of one administrator.

    Raises ImportRefusedError.
    """
    # 1
    if len(document) > MAX_DOCUMENT_SIZE:
        raise ImportRefusedError(ImportReason.TOO_LARGE, f"more than {MAX_DOCUMENT_SIZE} bytes")
    # 2
    try:
        signer = administrator.verified(trust, at)
    except CertificateError as error:
        raise ImportRefusedError(ImportReason.ADMINISTRATOR, f"{error.reason.value}: {error}") from error
    # 3
    try:
        opened = cms.open_document(document, signers=[signer])
    except SealError as error:
        raise ImportRefusedError(ImportReason.SIGNATURE, f"{error.reason.value}: {error}") from error
    # 4
    try:
        profile = parse_profile(opened.content)
    except ProfileError as error:
        raise ImportRefusedError(ImportReason.PROFILE, str(error)) from error
    # 5
    if not isinstance(profile, AdministratorProfile):
        raise ImportRefusedError(ImportReason.KIND, "the profile of no administrator")
    if not profile.valid_from <= at < profile.valid_until:
        raise ImportRefusedError(ImportReason.ADMINISTRATOR, "the profile does not hold now")
    # 6
    try:
        good_administrator(profile, trust, at)
    except CertificateError as error:
        raise ImportRefusedError(ImportReason.ADMINISTRATOR, f"{error.reason.value}: {error}") from error
    return profile


class Provisioning:
    """Imports the initial document into the profile store and keeps the record of it in the system log."""

    def __init__(self, store: ProfileStore, log: SystemLog, administrator: Administrator, trust: TrustStore) -> None:
        """``administrator`` is pinned by the configuration."""
        self._store = store
        self._log = log
        self._administrator = administrator
        self._trust = trust

    def import_administrator(self, path: Path, at: datetime) -> ProfileSet:
        """Import the initial document that says who the administrator is; returns the profiles that hold now.

        Once one is stored, others come by order. Then the document counts only as a newer version of the very profile
        that holds, so that a gateway whose administrator let its certificates end can be helped on the spot, and an
        administrator that was replaced does not return with an old file; what is wrong with it is logged and no more.
        Raises ImportRefusedError where no administrator was ever stored, StoreError.
        """
        holding, known = self._store.load(), self._store.ever_held(AdministratorProfile.KIND)
        try:
            document = _read_bounded(path)
        except OSError as error:
            if known:
                return holding  # a file that was taken away after its work
            raise ImportRefusedError(ImportReason.UNREADABLE, f"{path} cannot be read: {error.strerror}") from error
        if self._store.holds(document):
            return holding
        try:
            profile = open_administrator(document, self._administrator, self._trust, at)
            if known:
                _require_held(profile, holding)
            return self._import(holding, profile, document, at)
        except ImportRefusedError as error:
            if not known:
                raise
            self._refuse(path.name, error.reason, str(error), at)
            return holding

    def _import(self, holding: ProfileSet, profile: AdministratorProfile, document: bytes, at: datetime) -> ProfileSet:
        try:
            stored = self._store.put(profile, document=document, at=at)
        except StoreError as error:
            if error.reason is StoreReason.PROFILE_VERSION:
                raise ImportRefusedError(ImportReason.VERSION, str(error)) from error
            if error.reason is StoreReason.PROFILE_IDENTITY:
                raise ImportRefusedError(ImportReason.IDENTITY, str(error)) from error
            raise
        if stored:
            self._log.record(
                Event.PROFILE_IMPORTED, profile.id, Outcome.SUCCESS, at=at, kind=profile.KIND, version=profile.version
            )
        return holding.with_profile(profile)

    def _refuse(self, name: str, reason: ImportReason, sentence: str, at: datetime) -> None:
        # A file may be called anything: what is not printable ASCII must neither break the log nor write to a terminal.
        subject = "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in name)[:MAX_NAME_LENGTH]
        self._log.record(
            Event.PROFILE_REFUSED, subject, Outcome.FAILURE, at=at, reason=reason.value, sentence=sentence[:200]
        )


def _require_held(profile: AdministratorProfile, holding: ProfileSet) -> None:
    if profile.id not in holding.administrators:
        raise ImportRefusedError(ImportReason.IDENTITY, "another administrator holds")


def _read_bounded(path: Path) -> bytes:
    """At most one octet more than a document may have. Raises OSError, also for what is no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not a regular file")
        return stream.read(MAX_DOCUMENT_SIZE + 1)
