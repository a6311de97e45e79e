"""Meter, evaluation and communication profiles: what the administrator tells a gateway (TR-03109-1).

Canonical JSON, so that ``to_bytes(parse_profile(data)) == data`` and a signature over the bytes is a signature over the
values. Every field is checked where a profile is built; unknown and missing keys are refused. Lets only ProfileError
escape.
"""

from wire.errors import ProfileError
from wire.profiles import document
from wire.profiles.communication import CommunicationProfile, KeyAgreement, PartyRole
from wire.profiles.evaluation import AccessPurpose, EvaluationProfile, UseCase
from wire.profiles.meter import BlockCheck, MeterProfile, Protocol62056, ProtocolMode

Profile = MeterProfile | EvaluationProfile | CommunicationProfile

_KINDS: dict[str, type[Profile]] = {
    MeterProfile.KIND: MeterProfile,
    EvaluationProfile.KIND: EvaluationProfile,
    CommunicationProfile.KIND: CommunicationProfile,
}

__all__ = [
    "AccessPurpose",
    "BlockCheck",
    "CommunicationProfile",
    "EvaluationProfile",
    "KeyAgreement",
    "MeterProfile",
    "PartyRole",
    "Profile",
    "Protocol62056",
    "ProtocolMode",
    "UseCase",
    "parse_profile",
]


def parse_profile(data: bytes) -> Profile:
    """Read a profile of any kind, by its key ``kind``. Raises ProfileError."""
    content = document.read(data)
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ProfileError(f"not a kind of profile: {kind!r:.60}")
    return _KINDS[kind].from_document(content)
