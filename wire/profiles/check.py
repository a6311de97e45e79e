"""Profiles against one another: what no single document can get wrong.

Decides which sets of profiles are consistent enough to be activated. It repairs nothing and grants nothing:
smgw.access.decision denies by itself where a set is inconsistent; a finding here says so before anybody waits for data.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wire.profiles.account import AccountProfile
from wire.profiles.administrator import AdministratorProfile
from wire.profiles.communication import CommunicationProfile
from wire.profiles.demands import DEMANDS
from wire.profiles.evaluation import EvaluationProfile
from wire.profiles.kinds import Profile
from wire.profiles.meter import MeterProfile
from wire.profiles.proxy import ProxyProfile
from wire.profiles.tariff import Mirror, Prepaid
from wire.reading import DeviceId


class FindingReason(StrEnum):
    """What is inconsistent between profiles."""

    DUPLICATE_ID = "duplicate-id"
    DUPLICATE_METER = "duplicate-meter"
    DUPLICATE_ADDRESS = "duplicate-address"
    UNKNOWN_PARTY = "unknown-party"
    PURPOSE_NOT_PERMITTED = "purpose-not-permitted"
    RECIPIENT_MISMATCH = "recipient-mismatch"
    UNKNOWN_METER = "unknown-meter"
    REGISTER_NOT_CAPTURED = "register-not-captured"
    RASTER_NOT_MET = "raster-not-met"
    NEVER_VALID_TOGETHER = "never-valid-together"
    SECOND_ADMINISTRATOR = "second-administrator"
    SHARED_PSEUDONYM = "shared-pseudonym"
    LINKED_PSEUDONYM = "linked-pseudonym"
    MIXED_CONSUMERS = "mixed-consumers"
    UNKNOWN_PROFILE = "unknown-profile"
    NOT_MIRRORED = "not-mirrored"
    UNKNOWN_BREAKER = "unknown-breaker"
    SHARED_NAME = "shared-name"
    SHARED_CERTIFICATE = "shared-certificate"


@dataclass(frozen=True, slots=True)
class Finding:
    """One inconsistency of the profile ``profile``; ``subject`` names the other side (a party, a meter, a register)."""

    profile: str
    reason: FindingReason
    subject: str


def check_set(profiles: Iterable[Profile]) -> tuple[Finding, ...]:
    """All inconsistencies in a set of profiles; none means that every evaluation profile can be served."""
    everything = tuple(profiles)
    meters = [profile for profile in everything if isinstance(profile, MeterProfile)]
    parties = {profile.id: profile for profile in everything if isinstance(profile, CommunicationProfile)}
    findings = [
        Finding(name, FindingReason.DUPLICATE_ID, name)
        for name, count in Counter(profile.id for profile in everything).items()
        if count > 1
    ]
    findings += _between_meters(meters)
    findings += _between_administrators([one for one in everything if isinstance(one, AdministratorProfile)])
    findings += _between_pseudonyms([one for one in everything if isinstance(one, EvaluationProfile)])
    findings += _between_accounts([one for one in everything if isinstance(one, AccountProfile)])
    by_device = {profile.meter: profile for profile in meters}
    evaluations = {one.id: one for one in everything if isinstance(one, EvaluationProfile)}
    for profile in everything:
        if isinstance(profile, EvaluationProfile):
            findings += _towards_party(profile, parties.get(profile.party))
            for device in profile.meters:
                findings += _towards_meter(profile, device, by_device.get(device))
            findings += _towards_consumers(profile, by_device)
            findings += _of_rule(profile, by_device, evaluations)
        elif isinstance(profile, ProxyProfile):
            findings += _towards_far_end(profile, parties.get(profile.party))
    return tuple(findings)


def _between_meters(meters: Sequence[MeterProfile]) -> list[Finding]:
    """A meter is read once, and an address on a line answers with one voice (an empty address: alone on its line).

    A meter that takes the place of another one may have its address from then on: both are there at once where a bill
    names both.
    """
    findings: list[Finding] = []
    for place, profile in enumerate(meters):
        for other in meters[:place]:
            if other.meter == profile.meter:
                findings.append(Finding(profile.id, FindingReason.DUPLICATE_METER, other.id))
            elif (
                other.line == profile.line
                and (other.address == profile.address or "" in (other.address, profile.address))
                and _overlap(profile, other)
            ):
                findings.append(Finding(profile.id, FindingReason.DUPLICATE_ADDRESS, other.id))
    return findings


def _between_administrators(administrators: Sequence[AdministratorProfile]) -> list[Finding]:
    """A gateway has one administrator: with two, a wake-up would not say whom to dial."""
    return [
        Finding(profile.id, FindingReason.SECOND_ADMINISTRATOR, administrators[0].id)
        for profile in administrators[1:]
        if profile.id != administrators[0].id
    ]


def _between_pseudonyms(evaluations: Sequence[EvaluationProfile]) -> list[Finding]:
    """An alias belongs to one profile: where two share it, their receivers could join what they know."""
    hidden = [(profile.id, profile.pseudonym) for profile in evaluations if profile.pseudonym is not None]
    first = {pseudonym: name for name, pseudonym in reversed(hidden)}
    shared = [
        Finding(name, FindingReason.SHARED_PSEUDONYM, first[pseudonym])
        for name, pseudonym in hidden
        if first[pseudonym] != name
    ]
    linked = [
        Finding(profile.id, FindingReason.LINKED_PSEUDONYM, other.id)
        for profile in evaluations
        for other in evaluations
        if profile.pseudonym is not None and other.pseudonym is None and _known_by_name(profile, other)
    ]
    return shared + linked


def _known_by_name(hidden: EvaluationProfile, named: EvaluationProfile) -> bool:
    """Whether the party of ``hidden`` gets values of the same meter with its name, and could tell them by their times.

    FPR_PSE.1: an alias in front of somebody who is told the name is none.
    """
    return hidden.party == named.party and not set(hidden.meters).isdisjoint(named.meters) and _overlap(hidden, named)


def _between_accounts(accounts: Sequence[AccountProfile]) -> list[Finding]:
    """What somebody proves leads to one account at a time, or nobody could tell as whom he came in (FIA_ATD.1)."""
    findings: list[Finding] = []
    for place, profile in enumerate(accounts):
        for other in accounts[:place]:
            if other.id == profile.id or not _overlap(profile, other):
                continue
            if other.name == profile.name:
                findings.append(Finding(profile.id, FindingReason.SHARED_NAME, other.id))
            if not set(other.fingerprints).isdisjoint(profile.fingerprints):
                findings.append(Finding(profile.id, FindingReason.SHARED_CERTIFICATE, other.id))
    return findings


def _towards_far_end(profile: ProxyProfile, party: CommunicationProfile | None) -> list[Finding]:
    if party is None:
        return [Finding(profile.id, FindingReason.UNKNOWN_PARTY, profile.party)]
    return [] if _overlap(profile, party) else [Finding(profile.id, FindingReason.NEVER_VALID_TOGETHER, party.id)]


def _towards_party(profile: EvaluationProfile, party: CommunicationProfile | None) -> list[Finding]:
    if party is None:
        return [Finding(profile.id, FindingReason.UNKNOWN_PARTY, profile.party)]
    findings: list[Finding] = []
    if profile.purpose not in party.purposes:
        findings.append(Finding(profile.id, FindingReason.PURPOSE_NOT_PERMITTED, party.id))
    if profile.recipient != party.encryption_fingerprint:
        findings.append(Finding(profile.id, FindingReason.RECIPIENT_MISMATCH, party.id))
    if not _overlap(profile, party):
        findings.append(Finding(profile.id, FindingReason.NEVER_VALID_TOGETHER, party.id))
    return findings


def _towards_meter(profile: EvaluationProfile, device: DeviceId, meter: MeterProfile | None) -> list[Finding]:
    if meter is None:
        return [Finding(profile.id, FindingReason.UNKNOWN_METER, device.text)]
    findings = [
        Finding(profile.id, FindingReason.REGISTER_NOT_CAPTURED, str(register))
        for register in profile.registers
        if register not in meter.registers
    ]
    # Read-outs are scheduled at multiples of the interval, so only a divisor of the raster meets every point of it, and
    # what is kept are those of the registration period.
    finest = meter.interval_seconds if profile.unstored else meter.store_seconds
    if profile.period_seconds % finest:
        findings.append(Finding(profile.id, FindingReason.RASTER_NOT_MET, meter.id))
    if not _overlap(profile, meter):
        findings.append(Finding(profile.id, FindingReason.NEVER_VALID_TOGETHER, meter.id))
    return findings


def _towards_consumers(profile: EvaluationProfile, meters: Mapping[DeviceId, MeterProfile]) -> list[Finding]:
    """One sum over the meters of two consumers could be shown to neither (FDP_ACC.2: each its own data only)."""
    found = [meters[device].consumer for device in profile.meters if device in meters]
    others = [consumer for consumer in dict.fromkeys(found) if consumer != found[0]]
    if not DEMANDS[profile.use_case].sums:
        return []
    return [Finding(profile.id, FindingReason.MIXED_CONSUMERS, consumer) for consumer in others]


def _of_rule(
    profile: EvaluationProfile,
    meters: Mapping[DeviceId, MeterProfile],
    evaluations: Mapping[str, EvaluationProfile],
) -> list[Finding]:
    match profile.rule:
        case Mirror():
            return _towards_mirrored(profile, profile.rule, evaluations.get(profile.rule.profile))
        case Prepaid():
            return [
                Finding(profile.id, FindingReason.UNKNOWN_BREAKER, breaker.text)
                for breaker in profile.rule.breakers
                if breaker not in meters
            ]
        case _:
            return []


def _towards_mirrored(profile: EvaluationProfile, rule: Mirror, shown: EvaluationProfile | None) -> list[Finding]:
    """TR-03109-1, TAF-13: values are shown as they were computed for another profile, of the same meters and registers.

    A mirror has no values of its own that another one could show, and what is never kept cannot be shown later. A
    registration period that is finer than the mirror's own is nothing that the mirror releases.
    """
    if shown is None:
        return [Finding(profile.id, FindingReason.UNKNOWN_PROFILE, rule.profile)]
    same = (set(shown.meters), set(shown.registers)) == (set(profile.meters), set(profile.registers))
    finer = shown.billing is None and shown.period_seconds < profile.period_seconds
    if not same or finer or isinstance(shown.rule, Mirror) or shown.unstored:
        return [Finding(profile.id, FindingReason.NOT_MIRRORED, shown.id)]
    return [] if _overlap(profile, shown) else [Finding(profile.id, FindingReason.NEVER_VALID_TOGETHER, shown.id)]


def _overlap(one: Profile, other: Profile) -> bool:
    return one.valid_from < other.valid_until and other.valid_from < one.valid_until
