"""Reading x profiles -> grants: the one place that decides who gets a measured value. Default deny.

A value leaves the gateway only as part of a :class:`Grant`, and a grant exists only where every numbered step below has
passed for one evaluation profile. Nothing here does IO or knows the time: ``captured_at`` of the reading and the
history that the caller hands in decide. PP-0073, Meter SFP (FDP_IFC.2/MTR, FDP_IFF.1/MTR): data flow only if a
processing profile allows it, to the entities named there, exactly as the profile says.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from smgw.access.grants import Decision, Grant, Refusal, RefusalReason
from smgw.access.history import History
from smgw.access.use_cases.case import Case, Outcome
from smgw.access.use_cases.table import evaluate
from wire.profiles import CommunicationProfile, EvaluationProfile, MeterProfile
from wire.reading import DeviceId, Reading, SignedReading

__all__ = ["Decision", "Grant", "History", "Refusal", "RefusalReason", "decide"]

_RANK = {reason: rank for rank, reason in enumerate(RefusalReason)}
_PERIOD_LOST = (RefusalReason.BOUNDARY_MISSING, RefusalReason.NOT_SUMMABLE)
"""A period that closed without a value is reported even where the party got something else for the same reading."""
_NOTHING: Mapping[str, datetime] = {}


def decide(
    reading: SignedReading,
    *,
    evaluations: Sequence[EvaluationProfile],
    communications: Sequence[CommunicationProfile],
    history: History,
    gateway: DeviceId,
    meters: Iterable[MeterProfile] = (),
    requests: Mapping[str, datetime] = _NOTHING,
    recorded: bool = True,
) -> Decision:
    """Apply every evaluation profile to one verified reading.

    ``recorded`` is false for a reading that is never stored. For each evaluation profile, in this order (the first step
    that fails is the reason):
      1. its id occurs once, and so does the communication profile of its party, which is known;
      2. it names the meter;  3. it names the register;
      4. its purpose is one that the party's communication profile permits;
      5. its recipient is the party's encryption certificate;
      6. the party is valid when the reading was captured;
      7. the profile is valid then, and for the whole of a billing period;
      8. its use case grants something for this reading (``use_cases/table.py``; 7 is checked there too, because what
         has to be valid, an instant or a period, depends on the use case).
    """
    names = Counter(evaluation.id for evaluation in evaluations)
    parties = Counter(communication.id for communication in communications)
    known = {communication.id: communication for communication in communications}
    hung = _hung(meters)
    unambiguous = {one.id: one for one in evaluations if names[one.id] == 1}
    granted: dict[bool, list[Grant]] = {False: [], True: []}
    refusals: list[Refusal] = []
    for evaluation in evaluations:
        communication = known.get(evaluation.party)
        outcome: Outcome
        if communication is None:
            outcome = (RefusalReason.UNKNOWN_PARTY,)
        elif names[evaluation.id] > 1 or parties[evaluation.party] > 1:
            outcome = (RefusalReason.AMBIGUOUS,)
        elif refused := _refused(reading.reading, evaluation, communication):
            outcome = (refused,)
        else:
            case = Case(reading, evaluation, history, gateway, recorded, hung, unambiguous, requests)
            outcome = evaluate(case)
        for one in outcome:
            if isinstance(one, Grant):
                granted[evaluation.unstored].append(one)
            else:
                refusals.append(Refusal(evaluation.party, evaluation.id, one))
    served = {grant.party for grant in (*granted[False], *granted[True])}
    return Decision(tuple(granted[False]), _most_specific(refusals, served=served, known=known), tuple(granted[True]))


def _hung(meters: Iterable[MeterProfile]) -> dict[DeviceId, MeterProfile]:
    """From when to when each meter hangs there, under however many profiles of it one after the other."""
    hung: dict[DeviceId, MeterProfile] = {}
    for profile in meters:
        other = hung.get(profile.meter, profile)
        hung[profile.meter] = replace(
            profile,
            valid_from=min(profile.valid_from, other.valid_from),
            valid_until=max(profile.valid_until, other.valid_until),
        )
    return hung


def _refused(
    measured: Reading, evaluation: EvaluationProfile, communication: CommunicationProfile
) -> RefusalReason | None:
    """Steps 2 to 6."""
    if measured.device not in evaluation.meters:
        return RefusalReason.WRONG_METER
    if measured.obis not in evaluation.registers:
        return RefusalReason.WRONG_REGISTER
    return refused_party(evaluation, communication, measured.captured_at)


def refused_party(
    evaluation: EvaluationProfile, communication: CommunicationProfile, instant: datetime
) -> RefusalReason | None:
    """Steps 4 to 6: why the party may have nothing under ``evaluation`` at ``instant``."""
    if evaluation.purpose not in communication.purposes:
        return RefusalReason.WRONG_PURPOSE
    if evaluation.recipient != communication.encryption_fingerprint:
        return RefusalReason.RECIPIENT_MISMATCH
    if instant < communication.valid_from:
        return RefusalReason.PARTY_NOT_YET_VALID
    if instant >= communication.valid_until:
        return RefusalReason.PARTY_EXPIRED
    return None


def _most_specific(
    refusals: Sequence[Refusal], *, served: set[str], known: dict[str, CommunicationProfile]
) -> tuple[Refusal, ...]:
    """One refusal for each party without a grant, the one that came furthest; lost periods are always told, once."""
    furthest = {party: Refusal(party, None, RefusalReason.NO_PROFILE) for party in known if party not in served}
    told = tuple(dict.fromkeys(refusal for refusal in refusals if refusal.reason in _PERIOD_LOST))
    for refusal in refusals:
        best = furthest.get(refusal.party)
        if refusal.party not in served and (best is None or _RANK[refusal.reason] > _RANK[best.reason]):
            furthest[refusal.party] = refusal
    return (*told, *(refusal for refusal in furthest.values() if refusal not in told))
