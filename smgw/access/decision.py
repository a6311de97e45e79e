"""Reading x profiles -> grants: the one place that decides who gets a measured value. Default deny.

A value leaves the gateway only as part of a :class:`Grant`, and a grant exists only where every numbered step below has
passed for one evaluation profile. Nothing here does IO or knows the time: ``captured_at`` of the reading and the
history that the caller hands in decide. Periods are UTC multiples since the epoch (see ``schedule``). PP-0073, Meter
SFP: data flow only if a processing profile allows it, to the entities named there, exactly as the profile says.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from smgw.access import schedule
from smgw.access.grants import Decision, Grant, Refusal, RefusalReason
from smgw.access.sums import NotSummableError, sum_of_advances
from wire.instant import format_instant
from wire.obis import Obis
from wire.profiles import BillingUnit, CommunicationProfile, EvaluationProfile, UseCase
from wire.reading import DeviceId, Reading, SignedReading

__all__ = ["Decision", "Grant", "History", "Refusal", "RefusalReason", "decide"]

_RANK = {reason: rank for rank, reason in enumerate(RefusalReason)}
_PERIOD_LOST = (RefusalReason.BOUNDARY_MISSING, RefusalReason.NOT_SUMMABLE)
"""A period that closed without a value is reported even where the party got something else for the same reading."""


class History(Protocol):
    """The readings that are stored already; the reading under decision is not among them on its first arrival."""

    def reading_at(self, device: DeviceId, obis: Obis, point: datetime, tolerance: timedelta) -> Reading | None:
        """Of the readings with ``point <= captured_at <= point + tolerance`` the one that was recorded first.

        Recorded, not captured: a clock that goes back must not change which reading stands for a point.
        """


def decide(
    reading: SignedReading,
    *,
    evaluations: Sequence[EvaluationProfile],
    communications: Sequence[CommunicationProfile],
    history: History,
    gateway: DeviceId,
) -> Decision:
    """Apply every evaluation profile to one verified reading.

    For each evaluation profile, in this order (the first step that fails is the reason):
      1. its id occurs once, and so does the communication profile of its party, which is known;
      2. it names the meter;  3. it names the register;
      4. its purpose is one that the party's communication profile permits;
      5. its recipient is the party's encryption certificate;
      6. the party is valid when the reading was captured;
      7. the profile is valid then (TAF-1: for the whole period);
      8. TAF-7: the reading is the first one for a raster point; TAF-1: it closes a period of which every meter has both
         boundary readings, and their sum is exact.
    """
    names = Counter(evaluation.id for evaluation in evaluations)
    parties = Counter(communication.id for communication in communications)
    known = {communication.id: communication for communication in communications}
    grants: list[Grant] = []
    refusals: list[Refusal] = []
    for evaluation in evaluations:
        communication = known.get(evaluation.party)
        outcome: Grant | RefusalReason
        if communication is None:
            outcome = RefusalReason.UNKNOWN_PARTY
        elif names[evaluation.id] > 1 or parties[evaluation.party] > 1:
            outcome = RefusalReason.AMBIGUOUS
        else:
            outcome = _apply(reading, evaluation, communication, history, gateway)
        if isinstance(outcome, Grant):
            grants.append(outcome)
        else:
            refusals.append(Refusal(evaluation.party, evaluation.id, outcome))
    return Decision(tuple(grants), _most_specific(refusals, served={grant.party for grant in grants}, known=known))


def _apply(
    reading: SignedReading,
    evaluation: EvaluationProfile,
    communication: CommunicationProfile,
    history: History,
    gateway: DeviceId,
) -> Grant | RefusalReason:
    measured = reading.reading
    if measured.device not in evaluation.meters:
        return RefusalReason.WRONG_METER
    if measured.obis not in evaluation.registers:
        return RefusalReason.WRONG_REGISTER
    if evaluation.purpose not in communication.purposes:
        return RefusalReason.WRONG_PURPOSE
    if evaluation.recipient != communication.encryption_fingerprint:
        return RefusalReason.RECIPIENT_MISMATCH
    if measured.captured_at < communication.valid_from:
        return RefusalReason.PARTY_NOT_YET_VALID
    if measured.captured_at >= communication.valid_until:
        return RefusalReason.PARTY_EXPIRED
    if evaluation.use_case is UseCase.TAF_7:
        return _meter_reading(reading, evaluation, history)
    if evaluation.use_case is UseCase.TAF_1:
        return _sum_of_period(measured, evaluation, history, gateway)
    return RefusalReason.NO_PROFILE


def _meter_reading(reading: SignedReading, evaluation: EvaluationProfile, history: History) -> Grant | RefusalReason:
    """TAF-7, Zaehlerstandsgang: the first reading at or after each raster point."""
    measured = reading.reading
    outside = _outside_validity(measured.captured_at, evaluation)
    if outside is not None:
        return outside
    point = schedule.served_point(measured.captured_at, evaluation.period_seconds)
    if point is None:
        return RefusalReason.OFF_RASTER
    if point < evaluation.valid_from:
        return RefusalReason.NOT_YET_VALID
    if _is_taken(measured, point, evaluation.period_seconds, history):
        return RefusalReason.ALREADY_SERVED
    return Grant(
        profile=evaluation.id,
        profile_version=evaluation.version,
        party=evaluation.party,
        key=f"{measured.device}|{measured.obis}|{format_instant(point)}",
        period_begin=point,
        period_end=measured.captured_at,
        readings=(reading,),
    )


def _sum_of_period(
    measured: Reading, evaluation: EvaluationProfile, history: History, gateway: DeviceId
) -> Grant | RefusalReason:
    """TAF-1: one sum over all meters when the last of their closing boundary readings is there.

    A boundary reading stands for the instant of the boundary, so the one that closes the last period of a profile may
    be captured up to the tolerance after the profile's end; the value is that of the period, which lies inside.
    """
    billing = evaluation.billing
    if billing is None or billing.unit is not BillingUnit.SECOND:
        # Where a month begins is not known here: nothing is summed over another period than the one that is named.
        return RefusalReason.PERIOD_OPEN
    end = schedule.served_point(measured.captured_at, billing.count)
    if end is None:
        return _outside_validity(measured.captured_at, evaluation) or RefusalReason.PERIOD_OPEN
    begin = end - timedelta(seconds=billing.count)
    if end > evaluation.valid_until:
        return RefusalReason.EXPIRED
    if begin < evaluation.valid_from:
        return RefusalReason.NOT_YET_VALID if end < evaluation.valid_from else RefusalReason.PERIOD_OPEN
    if _is_taken(measured, end, billing.count, history):
        return RefusalReason.ALREADY_SERVED
    window = schedule.tolerance(billing.count)
    boundaries: list[tuple[Reading, Reading]] = []
    opening_missing = False
    for meter in evaluation.meters:
        closing = measured if meter == measured.device else history.reading_at(meter, measured.obis, end, window)
        if closing is None:
            return RefusalReason.PERIOD_OPEN
        opening = history.reading_at(meter, measured.obis, begin, window)
        if opening is None:
            opening_missing = True
        else:
            boundaries.append((opening, closing))
    if opening_missing:
        return RefusalReason.BOUNDARY_MISSING
    try:
        derived = sum_of_advances(boundaries, device=gateway, obis=measured.obis, captured_at=end)
    except NotSummableError:
        return RefusalReason.NOT_SUMMABLE
    return Grant(
        profile=evaluation.id,
        profile_version=evaluation.version,
        party=evaluation.party,
        key=f"{gateway}|{measured.obis}|{format_instant(begin)}",
        period_begin=begin,
        period_end=end,
        derived=(derived,),
    )


def _outside_validity(instant: datetime, evaluation: EvaluationProfile) -> RefusalReason | None:
    if instant < evaluation.valid_from:
        return RefusalReason.NOT_YET_VALID
    if instant >= evaluation.valid_until:
        return RefusalReason.EXPIRED
    return None


def _is_taken(measured: Reading, point: datetime, raster_seconds: int, history: History) -> bool:
    """Another reading stands for this point already; the same one once more (after a crash) is granted once more."""
    window = schedule.tolerance(raster_seconds)
    first = history.reading_at(measured.device, measured.obis, point, window)
    return first is not None and first != measured


def _most_specific(
    refusals: Sequence[Refusal], *, served: set[str], known: dict[str, CommunicationProfile]
) -> tuple[Refusal, ...]:
    """One refusal for each party without a grant, the one that came furthest; lost periods are always told."""
    furthest = {party: Refusal(party, None, RefusalReason.NO_PROFILE) for party in known if party not in served}
    told = [refusal for refusal in refusals if refusal.reason in _PERIOD_LOST]
    for refusal in refusals:
        best = furthest.get(refusal.party)
        if refusal.party not in served and (best is None or _RANK[refusal.reason] > _RANK[best.reason]):
            furthest[refusal.party] = refusal
    return (*told, *(refusal for refusal in furthest.values() if refusal not in told))
