"""The profiles: what a gateway is told of meters, access, parties, administrator, channels, accounts (TR-03109-1).

Canonical JSON, so that ``to_bytes(parse_profile(data)) == data`` and a signature over the bytes is a signature over the
values. Every field is checked where a profile is built; unknown and missing keys are refused. Lets only ProfileError
escape.
"""

from wire.profiles.account import MD5_BYTES, VERIFIER_BYTES, AccountProfile, AccountRole, verifier_of
from wire.profiles.administrator import AdministratorProfile
from wire.profiles.billing import BillingPeriod, BillingUnit
from wire.profiles.check import Finding, FindingReason, check_set
from wire.profiles.communication import CommunicationProfile, KeyAgreement, PartyRole
from wire.profiles.demands import DEMANDS, Demands
from wire.profiles.evaluation import EvaluationProfile, is_pseudonym
from wire.profiles.kinds import KINDS, Profile, parse_profile
from wire.profiles.mapping import profile_from_mapping
from wire.profiles.meter import BlockCheck, MeterProfile, Protocol62056, ProtocolMode
from wire.profiles.proxy import ProxyProfile, ProxyScenario
from wire.profiles.tariff import (
    ERROR_STAGE,
    BlockStages,
    ControlEvents,
    DayProfile,
    EventStages,
    Extremes,
    LoadStages,
    Mirror,
    Prepaid,
    Rule,
    SpecialDay,
    TariffCalendar,
    TariffStage,
    TariffSwitch,
    Threshold,
    TimeStages,
    derived_register,
)
from wire.profiles.use_case import AccessPurpose, UseCase

__all__ = [
    "DEMANDS",
    "ERROR_STAGE",
    "KINDS",
    "MD5_BYTES",
    "VERIFIER_BYTES",
    "AccessPurpose",
    "AccountProfile",
    "AccountRole",
    "AdministratorProfile",
    "BillingPeriod",
    "BillingUnit",
    "BlockCheck",
    "BlockStages",
    "CommunicationProfile",
    "ControlEvents",
    "DayProfile",
    "Demands",
    "EvaluationProfile",
    "EventStages",
    "Extremes",
    "Finding",
    "FindingReason",
    "KeyAgreement",
    "LoadStages",
    "MeterProfile",
    "Mirror",
    "PartyRole",
    "Prepaid",
    "Profile",
    "Protocol62056",
    "ProtocolMode",
    "ProxyProfile",
    "ProxyScenario",
    "Rule",
    "SpecialDay",
    "TariffCalendar",
    "TariffStage",
    "TariffSwitch",
    "Threshold",
    "TimeStages",
    "UseCase",
    "check_set",
    "derived_register",
    "is_pseudonym",
    "parse_profile",
    "profile_from_mapping",
    "verifier_of",
]
