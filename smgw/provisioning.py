"""How profiles come into the gateway: signed documents of the administrator, each judged by itself.

Decides which documents are believed. The signer is the one pinned administrator, whose certificate must be good at that
moment; the content must be a profile to the last byte; its version must not go back; and it must not contradict the
profiles that hold. A document that fails is refused with its reason, and the profiles that held before go on holding.

Whoever can write into the folder can make the gateway look at bytes, and no more: a pipe is not waited for, a file is
read up to the limit, one document is in memory at a time until its signature holds, and a folder full of rubbish writes
a bounded number of entries into the log, so that it cannot push out what stands there.
"""

import os
import stat
from collections.abc import Iterable, Iterator
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
from wire.profiles import AdministratorProfile, Profile, parse_profile
from wire.profiles.check import Finding, FindingReason, check_set

MAX_DOCUMENT_SIZE = 64 * 1024
"""A profile with two certificates in it has some four kilobytes."""
MAX_DOCUMENTS = 1000
"""Documents in the folder that are looked at, in the order of their names; the rest is refused in one entry. Far more
than the profiles of one house, and a tenth of the system log."""
MAX_NAME_LENGTH = 100
"""Characters of a file's name in the log."""

_CONTRADICTIONS = frozenset(
    {FindingReason.DUPLICATE_ID, FindingReason.DUPLICATE_METER, FindingReason.DUPLICATE_ADDRESS}
)
"""Findings that would make the gateway read the wrong meter. All others deny access by themselves (access/decision.py),
and must be allowed to stand while a party's renewed certificate and its profiles arrive one after the other."""


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
    """No profile of an administrator comes by way of the folder, and none but that as the initial document."""
    CONTRADICTION = "contradiction"
    TOO_MANY = "too-many"


class ImportRefusedError(Exception):
    """A document is refused; ``reason`` says why."""

    def __init__(self, reason: ImportReason, sentence: str) -> None:
        """A reason for programs and a sentence for people."""
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Administrator:
    """The pinned signer of profiles (Gateway-Administrator)."""

    certificate: x509.Certificate

    def verified(self, trust: TrustStore, at: datetime) -> VerifiedCertificate:
        """The certificate, good at ``at`` for signing as an administrator. Raises CertificateError."""
        pinned = {fingerprint(self.certificate)}
        return trust.verify(self.certificate, role=Role.GWA, purpose=Purpose.SIG, at=at, pinned=pinned)


def open_profile(document: bytes, administrator: Administrator, trust: TrustStore, at: datetime) -> Profile:
    """The profile in a signed document.

    1. The document is small; 2. the administrator's certificate is good now (role, purpose, chain, revocation, pin);
    3. the signature over the document is the administrator's; 4. the content is a profile in its canonical form.
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
        return parse_profile(opened.content)
    except ProfileError as error:
        raise ImportRefusedError(ImportReason.PROFILE, str(error)) from error


class Provisioning:
    """Imports documents into the profile store and keeps the record of it in the system log."""

    def __init__(self, store: ProfileStore, log: SystemLog, administrator: Administrator, trust: TrustStore) -> None:
        """``administrator`` is pinned by the configuration."""
        self._store = store
        self._log = log
        self._administrator = administrator
        self._trust = trust

    def import_folder(self, folder: Path, at: datetime) -> ProfileSet:
        """Import every ``*.cms`` in ``folder``; returns the profiles that hold now. Raises StoreError (FULL, BUSY)."""
        paths = sorted(folder.glob("*.cms"))
        if surplus := paths[MAX_DOCUMENTS:]:
            self._refuse(folder.name, ImportReason.TOO_MANY, f"{len(surplus)} documents were not looked at", at)
        return self.import_documents(self._read(paths[:MAX_DOCUMENTS], at), at)

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
            profile = self._open_administrator(document, at)
            if known:
                _require_held(profile, holding)
            return self._import(holding, profile, document, at)
        except ImportRefusedError as error:
            if not known:
                raise
            self._refuse(path.name, error.reason, str(error), at)
            return holding

    def _open_administrator(self, document: bytes, at: datetime) -> AdministratorProfile:
        """The profile in a signed document, usable at this moment. Raises ImportRefusedError."""
        profile = open_profile(document, self._administrator, self._trust, at)
        if not isinstance(profile, AdministratorProfile):
            raise ImportRefusedError(ImportReason.KIND, "the profile of no administrator")
        if not profile.valid_from <= at < profile.valid_until:
            raise ImportRefusedError(ImportReason.ADMINISTRATOR, "the profile does not hold now")
        try:
            good_administrator(profile, self._trust, at)
        except CertificateError as error:
            raise ImportRefusedError(ImportReason.ADMINISTRATOR, f"{error.reason.value}: {error}") from error
        return profile

    def _read(self, paths: Iterable[Path], at: datetime) -> Iterator[tuple[str, bytes]]:
        for path in paths:
            try:
                document = _read_bounded(path)
            except OSError as error:
                self._refuse(path.name, ImportReason.UNREADABLE, error.strerror or "", at)
            else:
                yield path.name, document

    def import_documents(self, documents: Iterable[tuple[str, bytes]], at: datetime) -> ProfileSet:
        """Import ``documents`` (name, bytes), parties first and lower versions first.

        A document that contradicts what holds is tried again after the others: the new meter at an address may be read
        before the document that ends the old one.
        """
        opened: list[tuple[str, Profile, bytes]] = []
        for name, document in documents:
            if self._store.holds(document):
                continue  # believed before; the administrator's certificate may have ended since
            try:
                profile = open_profile(document, self._administrator, self._trust, at)
                _require_no_administrator(profile)
                opened.append((name, profile, document))
            except ImportRefusedError as error:
                self._refuse(name, error.reason, str(error), at)
        holding = self._store.load()
        waiting = sorted(opened, key=lambda entry: (entry[1].KIND, entry[1].version, entry[0]))
        while waiting:
            contradicting: list[tuple[tuple[str, Profile, bytes], ImportRefusedError]] = []
            for name, profile, document in waiting:
                try:
                    holding = self._import(holding, profile, document, at)
                except ImportRefusedError as error:
                    if error.reason is ImportReason.CONTRADICTION:
                        contradicting.append(((name, profile, document), error))
                    else:
                        self._refuse(name, error.reason, str(error), at)
            if len(contradicting) == len(waiting):
                for (name, _, _), refusal in contradicting:
                    self._refuse(name, refusal.reason, str(refusal), at)
                break
            waiting = [entry for entry, _ in contradicting]
        for finding in check_set(holding.current(at)):
            self._log.record(
                Event.PROFILE_INCONSISTENT,
                finding.profile,
                Outcome.FAILURE,
                at=at,
                reason=finding.reason.value,
                subject_of=finding.subject,
            )
        return holding

    def _import(self, holding: ProfileSet, profile: Profile, document: bytes, at: datetime) -> ProfileSet:
        wanted = holding.with_profile(profile)
        found = _contradictions(check_set(wanted.current(at)))
        if new := found - _contradictions(check_set(holding.current(at))):
            first = min(new, key=lambda finding: (finding.profile, finding.subject))
            raise ImportRefusedError(
                ImportReason.CONTRADICTION, f"{first.reason}: {first.profile} against {first.subject}"
            )
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
        return wanted

    def _refuse(self, name: str, reason: ImportReason, sentence: str, at: datetime) -> None:
        # A file may be called anything: what is not printable ASCII must neither break the log nor write to a terminal.
        subject = "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in name)[:MAX_NAME_LENGTH]
        self._log.record(
            Event.PROFILE_REFUSED, subject, Outcome.FAILURE, at=at, reason=reason.value, sentence=sentence[:200]
        )


def _require_no_administrator(profile: Profile) -> None:
    if isinstance(profile, AdministratorProfile):
        raise ImportRefusedError(ImportReason.KIND, "an administrator is changed by order only")


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


def _contradictions(findings: Iterable[Finding]) -> set[Finding]:
    return {finding for finding in findings if finding.reason in _CONTRADICTIONS}
