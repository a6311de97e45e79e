"""The administrator's profile: whom the gateway dials when it is woken, and by which certificates it knows him.

Decides the pinned identity of the gateway administrator. A wake-up carries no address, so this profile is the only
place that one can come from. Whether a certificate is good now (chain, revocation, role) is decided in ``pki`` each
time; here it is only the bytes that must match.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from wire.canonical_json import JsonObject
from wire.profiles import document, fields
from wire.profiles.communication import MAXIMUM_SESSION_SECONDS, MINIMUM_SESSION_SECONDS

MINIMUM_IDLE_SECONDS = 30
"""A person at a console pauses between two orders; below this each pause would cost a handshake."""
MAXIMUM_IDLE_SECONDS = 3600
DEFAULT_IDLE_SECONDS = 600
"""Ten minutes, as certified devices end an idle HAN session; none is published for the management tunnel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministratorProfile:
    """The gateway administrator (Kommunikationsprofil des Gateway-Administrators, GWA).

    ``party`` is the name for people. ``management_port`` takes the tunnel that a wake-up opens (MANAGEMENT),
    ``service_port`` what the gateway says unasked (ADMIN-SERVICE). Wake-ups and orders are signed under
    ``signature_certificate``; both certificates are DER bytes. A tunnel ends after ``idle_seconds`` without a request
    and ``session_seconds`` after it opened. Valid from ``valid_from`` until just before ``valid_until``.
    """

    KIND: ClassVar[str] = "administrator"

    id: str
    version: int
    party: str
    host: str
    management_port: int
    service_port: int
    tls_certificate: bytes
    signature_certificate: bytes
    valid_from: datetime
    valid_until: datetime
    session_seconds: int = MAXIMUM_SESSION_SECONDS
    idle_seconds: int = DEFAULT_IDLE_SECONDS

    def __post_init__(self) -> None:
        """Check every field. Raises ProfileError."""
        fields.require_identifier("id", self.id)
        fields.require_range("version", self.version, 1, fields.MAXIMUM_VERSION)
        fields.require_name("party", self.party)
        fields.require_host("host", self.host)
        fields.require_port("management_port", self.management_port)
        fields.require_port("service_port", self.service_port)
        fields.require_certificate("tls_certificate", self.tls_certificate)
        fields.require_certificate("signature_certificate", self.signature_certificate)
        fields.require_validity(self.valid_from, self.valid_until)
        fields.require_range("session_seconds", self.session_seconds, MINIMUM_SESSION_SECONDS, MAXIMUM_SESSION_SECONDS)
        fields.require_range("idle_seconds", self.idle_seconds, MINIMUM_IDLE_SECONDS, MAXIMUM_IDLE_SECONDS)

    @property
    def tls_fingerprint(self) -> str:
        """Lower-case hexadecimal SHA-256 of the TLS certificate."""
        return hashlib.sha256(self.tls_certificate).hexdigest()

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return document.write(
            {
                "kind": self.KIND,
                "id": self.id,
                "version": self.version,
                "party": self.party,
                "host": self.host,
                "management_port": self.management_port,
                "service_port": self.service_port,
                "tls_certificate": document.octets(self.tls_certificate),
                "signature_certificate": document.octets(self.signature_certificate),
                "session_seconds": self.session_seconds,
                "idle_seconds": self.idle_seconds,
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
            party=taken.text("party"),
            host=taken.text("host"),
            management_port=taken.integer("management_port"),
            service_port=taken.integer("service_port"),
            tls_certificate=taken.octets("tls_certificate"),
            signature_certificate=taken.octets("signature_certificate"),
            session_seconds=taken.integer("session_seconds"),
            idle_seconds=taken.integer("idle_seconds"),
            valid_from=taken.instant("valid_from"),
            valid_until=taken.instant("valid_until"),
        )
        taken.finish()
        return profile
