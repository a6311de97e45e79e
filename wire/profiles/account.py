"""The account profile: who may come in from the home area network, as whom and by which proof (TR-03109-1 HKS1, HKS2).

Decides what belongs to a person's account (PP-0073 FIA_ATD.1): a user name, one of two roles (FMT_SMR.1), for a
consumer whose data are shown, and at least one way to prove who comes in (FIA_UAU.5). A password itself stands in no
document: only its verifier does, sealed for the one gateway at which it holds. Digest is SHA-256; that an account
is open to clients which know MD5 alone is said by the administrator, for each account, and by nobody else. Who is let
in is decided at the gateway.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from wire.canonical_json import JsonObject
from wire.errors import ProfileError
from wire.profiles import document, fields

MAXIMUM_FINGERPRINTS = 8
"""Client certificates of one account: one for each device of a person, and a few that take their places."""
MAXIMUM_VERIFIER_BYTES = 2048
"""A verifier sealed for one gateway is about 600 bytes."""
VERIFIER_BYTES = 32
"""What is sealed: SHA-256 of ``name:realm:password`` (RFC 7616 §3.4.2), the realm being the gateway's identification.
"""
MD5_BYTES = 16
"""What follows it where an account is open to older clients: MD5 of the same."""

_USER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)


class AccountRole(StrEnum):
    """As whom somebody comes in (PP-0073 FMT_SMR.1); the administrator never comes in here."""

    CONSUMER = "consumer"
    TECHNICIAN = "technician"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProfile:
    """An account of one person in the home area network (Benutzerkonto; Letztverbraucher, Service-Techniker).

    ``name`` is the user name, ``consumer`` whose data a consumer sees; a technician sees nobody's. ``fingerprints`` are
    lower-case hexadecimal SHA-256 of client certificates that prove it. ``verifier`` is sealed (CMS) for the gateway's
    ENC key and holds 32 octets, SHA-256 of ``name:gateway:password``; None where no password is accepted. ``md5`` opens
    the account to programs of the consumer that answer by MD5; the verifier then holds 16 octets more, MD5 of the same.
    Valid from ``valid_from`` until just before ``valid_until``.
    """

    KIND: ClassVar[str] = "account"

    id: str
    version: int
    name: str
    role: AccountRole
    consumer: str | None
    valid_from: datetime
    valid_until: datetime
    fingerprints: tuple[str, ...] = ()
    verifier: bytes | None = None
    md5: bool = False

    def __post_init__(self) -> None:
        """Check every field. Raises ProfileError."""
        fields.require_identifier("id", self.id)
        fields.require_range("version", self.version, 1, fields.MAXIMUM_VERSION)
        require_user_name("name", self.name)
        fields.require_member("role", self.role, AccountRole)
        # FIA_ATD.1: an account of a consumer is one consumer's, and a technician's nobody's.
        if (self.role is AccountRole.CONSUMER) is (self.consumer is None):
            raise ProfileError("consumer is named exactly where the role is a consumer's")
        if self.consumer is not None:
            fields.require_identifier("consumer", self.consumer)
        fields.require_distinct("fingerprints", self.fingerprints, str, lowest=0)
        if len(self.fingerprints) > MAXIMUM_FINGERPRINTS:
            raise ProfileError(f"fingerprints has at most {MAXIMUM_FINGERPRINTS} members")
        for fingerprint in self.fingerprints:
            fields.require_fingerprint("fingerprints", fingerprint)
        if self.verifier is not None:
            fields.require_der("verifier", self.verifier, MAXIMUM_VERIFIER_BYTES)
        elif not self.fingerprints:
            # FIA_UAU.5: whoever could prove it in no way could never come in.
            raise ProfileError("an account has a certificate's fingerprint, a sealed verifier or both")
        fields.require_member("md5", self.md5, bool)
        if self.md5 and (self.verifier is None or self.role is not AccountRole.CONSUMER):
            # FIA_UAU.5: an exception for programs of the home; a technician has none.
            raise ProfileError("md5 is of a consumer's account that has a password")
        fields.require_validity(self.valid_from, self.valid_until)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return document.write(
            {
                "kind": self.KIND,
                "id": self.id,
                "version": self.version,
                "name": self.name,
                "role": self.role.value,
                "consumer": self.consumer,
                "fingerprints": list(self.fingerprints),
                "verifier": None if self.verifier is None else document.octets(self.verifier),
                "md5": self.md5,
                "valid_from": document.instant(self.valid_from),
                "valid_until": document.instant(self.valid_until),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises ProfileError."""
        return cls.from_document(document.read(data))

    @classmethod
    def from_document(cls, content: JsonObject) -> Self:
        """Read the decoded object, ``kind`` included. Raises ProfileError."""
        taken = document.Fields(content)
        document.require_kind(taken, cls.KIND)
        profile = cls(
            id=taken.text("id"),
            version=taken.integer("version"),
            name=taken.text("name"),
            role=taken.choice("role", AccountRole),
            consumer=taken.text_or_none("consumer"),
            fingerprints=taken.many("fingerprints", str),
            verifier=taken.octets_or_none("verifier"),
            md5=taken.boolean("md5"),
            valid_from=taken.instant("valid_from"),
            valid_until=taken.instant("valid_until"),
        )
        taken.finish()
        return profile


def verifier_of(name: str, gateway: str, password: str, *, md5: bool = False) -> bytes:
    """By what a password is known again: SHA-256 of ``name:gateway:password``, and MD5 of the same behind it.

    The latter only for an account that is open to older clients (``md5``).
    """
    said = f"{name}:{gateway}:{password}".encode()
    verifier = hashlib.sha256(said).digest()
    return verifier + hashlib.md5(said).digest() if md5 else verifier  # noqa: S324 - by the administrator's word alone


def require_user_name(field: str, value: str) -> None:
    """1..32 of small letters, digits and ``._-``, beginning with a letter or digit: typed alike on every keyboard.

    It holds no colon, which would end it within what is hashed (RFC 7616 §3.4.2). Raises ProfileError.
    """
    fields.require_match(field, value, _USER_NAME)
