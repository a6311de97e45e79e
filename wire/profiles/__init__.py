"""The profiles: what an administrator tells a gateway of meters, access, parties, himself and channels (TR-03109-1).

Canonical JSON, so that ``to_bytes(parse_profile(data)) == data`` and a signature over the bytes is a signature over the
values. Every field is checked where a profile is built; unknown and missing keys are refused. Lets only ProfileError
escape.
"""

from wire.profiles.administrator import AdministratorProfile
from wire.profiles.check import Finding, FindingReason, check_set
from wire.profiles.communication import CommunicationProfile, KeyAgreement, PartyRole
from wire.profiles.evaluation import AccessPurpose, EvaluationProfile, UseCase, is_pseudonym
from wire.profiles.kinds import KINDS, Profile, parse_profile
from wire.profiles.mapping import profile_from_mapping
from wire.profiles.meter import BlockCheck, MeterProfile, Protocol62056, ProtocolMode
from wire.profiles.proxy import ProxyProfile, ProxyScenario

__all__ = [
    "KINDS",
    "AccessPurpose",
    "AdministratorProfile",
    "BlockCheck",
    "CommunicationProfile",
    "EvaluationProfile",
    "Finding",
    "FindingReason",
    "KeyAgreement",
    "MeterProfile",
    "PartyRole",
    "Profile",
    "Protocol62056",
    "ProtocolMode",
    "ProxyProfile",
    "ProxyScenario",
    "UseCase",
    "check_set",
    "is_pseudonym",
    "parse_profile",
    "profile_from_mapping",
]
