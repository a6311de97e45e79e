"""The communication profile: where a party is reached and by which certificates it is recognised (TR-03109-1).

Decides the pinned identity of a peer. Whether a certificate is good now (chain, revocation, role) is decided in ``pki``
each time; here it is only the bytes that must match.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from wire.canonical_json import JsonObject
from wire.profiles import document, fields
from wire.profiles.use_case import AccessPurpose

MAXIMUM_SESSION_SECONDS = 172800
"""48 h: TR-03116-3, life of a WAN TLS session including resumptions."""
MINIMUM_SESSION_SECONDS = 60
"""A new handshake costs more than a delivery; below a minute a profile would be a denial of service."""


class PartyRole(StrEnum):
    """What kind of party stands behind a communication profile."""

    EMT = "EMT"


class KeyAgreement(StrEnum):
    """Under which name the ephemeral-static key agreement with X9.63-KDF-SHA256 stands in a sealed message.

    The computation is the same on brainpoolP256r1, whose cofactor is 1 (TR-03111 §4.3, RFC 5753 §7.1.4).
    """

    TR_03111 = "ecka-eg-X963KDF-SHA256"
    RFC_5753 = "dhSinglePass-stdDH-sha256kdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunicationProfile:
    """One external market participant (Kommunikationsprofil; externer Marktteilnehmer, EMT).

    ``party`` is the name for people. The certificates are DER bytes. ``purposes`` bounds what evaluation profiles may
    name for this party; an empty one permits nothing. Valid from ``valid_from`` until just before ``valid_until``.
    """

    KIND: ClassVar[str] = "communication"

    id: str
    version: int
    party: str
    host: str
    port: int
    path: str
    tls_certificate: bytes
    encryption_certificate: bytes
    purposes: tuple[AccessPurpose, ...]
    valid_from: datetime
    valid_until: datetime
    role: PartyRole = PartyRole.EMT
    key_agreement: KeyAgreement = KeyAgreement.TR_03111
    session_seconds: int = MAXIMUM_SESSION_SECONDS

    def __post_init__(self) -> None:
        """Check every field. Raises ProfileError."""
        fields.require_identifier("id", self.id)
        fields.require_range("version", self.version, 1, fields.MAXIMUM_VERSION)
        fields.require_name("party", self.party)
        fields.require_host("host", self.host)
        fields.require_port("port", self.port)
        fields.require_path("path", self.path)
        fields.require_certificate("tls_certificate", self.tls_certificate)
        fields.require_certificate("encryption_certificate", self.encryption_certificate)
        fields.require_distinct("purposes", self.purposes, AccessPurpose, lowest=0)
        fields.require_validity(self.valid_from, self.valid_until)
        fields.require_member("role", self.role, PartyRole)
        fields.require_member("key_agreement", self.key_agreement, KeyAgreement)
        fields.require_range("session_seconds", self.session_seconds, MINIMUM_SESSION_SECONDS, MAXIMUM_SESSION_SECONDS)

    @property
    def tls_fingerprint(self) -> str:
        """Lower-case hexadecimal SHA-256 of the TLS certificate."""
        return hashlib.sha256(self.tls_certificate).hexdigest()

    @property
    def encryption_fingerprint(self) -> str:
        """Lower-case hexadecimal SHA-256 of the encryption certificate: what evaluation profiles name as recipient."""
        return hashlib.sha256(self.encryption_certificate).hexdigest()

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return document.write(
            {
                "kind": self.KIND,
                "id": self.id,
                "version": self.version,
                "role": self.role.value,
                "party": self.party,
                "host": self.host,
                "port": self.port,
                "path": self.path,
                "tls_certificate": document.octets(self.tls_certificate),
                "encryption_certificate": document.octets(self.encryption_certificate),
                "key_agreement": self.key_agreement.value,
                "purposes": [purpose.value for purpose in self.purposes],
                "session_seconds": self.session_seconds,
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
            role=taken.choice("role", PartyRole),
            party=taken.text("party"),
            host=taken.text("host"),
            port=taken.integer("port"),
            path=taken.text("path"),
            tls_certificate=taken.octets("tls_certificate"),
            encryption_certificate=taken.octets("encryption_certificate"),
            key_agreement=taken.choice("key_agreement", KeyAgreement),
            purposes=taken.many("purposes", AccessPurpose),
            session_seconds=taken.integer("session_seconds"),
            valid_from=taken.instant("valid_from"),
            valid_until=taken.instant("valid_until"),
        )
        taken.finish()
        return profile
