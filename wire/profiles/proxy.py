"""The proxy profile: which controllable local system may speak with which party through the gateway (TR-03109-1).

Decides the terms of one transparent channel between the HAN and the WAN. It names the party by its communication
profile, so that a channel can only lead to somebody whom the gateway knows anyway, and pins the local system's
certificate; what flows inside is nobody's business here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from wire.canonical_json import JsonObject
from wire.profiles import document, fields
from wire.profiles.administrator import DEFAULT_IDLE_SECONDS, MAXIMUM_IDLE_SECONDS, MINIMUM_IDLE_SECONDS
from wire.profiles.communication import MAXIMUM_SESSION_SECONDS, MINIMUM_SESSION_SECONDS


class ProxyScenario(StrEnum):
    """Who begins the channel (HAN-Kommunikationsszenario): the local system, the party or the gateway."""

    HKS3 = "HKS3"
    HKS4 = "HKS4"
    HKS5 = "HKS5"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyProfile:
    """A channel for one controllable local system (Proxy-Kommunikationsprofil; CLS).

    ``party`` is the id of the communication profile at the other end, ``cls_certificate`` the local system's HAN
    certificate as DER bytes. A channel ends after ``idle_seconds`` without a byte and ``session_seconds`` after it
    opened. Valid from ``valid_from`` until just before ``valid_until``.
    """

    KIND: ClassVar[str] = "proxy"

    id: str
    version: int
    party: str
    cls_certificate: bytes
    scenario: ProxyScenario
    valid_from: datetime
    valid_until: datetime
    session_seconds: int = MAXIMUM_SESSION_SECONDS
    idle_seconds: int = DEFAULT_IDLE_SECONDS

    def __post_init__(self) -> None:
        """Check every field. Raises ProfileError."""
        fields.require_identifier("id", self.id)
        fields.require_range("version", self.version, 1, fields.MAXIMUM_VERSION)
        fields.require_identifier("party", self.party)
        fields.require_certificate("cls_certificate", self.cls_certificate)
        fields.require_member("scenario", self.scenario, ProxyScenario)
        fields.require_validity(self.valid_from, self.valid_until)
        fields.require_range("session_seconds", self.session_seconds, MINIMUM_SESSION_SECONDS, MAXIMUM_SESSION_SECONDS)
        fields.require_range("idle_seconds", self.idle_seconds, MINIMUM_IDLE_SECONDS, MAXIMUM_IDLE_SECONDS)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return document.write(
            {
                "kind": self.KIND,
                "id": self.id,
                "version": self.version,
                "party": self.party,
                "cls_certificate": document.octets(self.cls_certificate),
                "scenario": self.scenario.value,
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
            cls_certificate=taken.octets("cls_certificate"),
            scenario=taken.choice("scenario", ProxyScenario),
            session_seconds=taken.integer("session_seconds"),
            idle_seconds=taken.integer("idle_seconds"),
            valid_from=taken.instant("valid_from"),
            valid_until=taken.instant("valid_until"),
        )
        taken.finish()
        return profile
