"""What a party gets because somebody asked for it, and not because a reading came: TAF-6, and the door to TAF-9.

Decides with the same numbered steps and the same default deny as ``decision.py``. A request names an evaluation profile
that exists: it can hasten what that profile releases and never widen it, and whoever asks sees none of it
(PP-0073 FDP_IFF.1/MTR; TR-03109-1, TAF-6: in justified cases, six weeks of daily values).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from smgw.access.decision import refused_party
from smgw.access.grants import Grant, RefusalReason
from smgw.access.schedule import raster_point
from smgw.metering.tariffs.calendar import day_of
from wire.obis import Obis
from wire.profiles import CommunicationProfile, EvaluationProfile, UseCase
from wire.reading import DeviceId, SignedReading

SIX_WEEKS: Final = timedelta(weeks=6)
"""TR-03109-1, TAF-6: daily values are kept so long."""


class Daily(Protocol):
    """Where the daily values of every register are (``smgw/store/daily_values.py``)."""

    def between(self, device: DeviceId, obis: Obis, begin: datetime, end: datetime) -> Sequence[SignedReading]:
        """All with ``begin <= captured_at <= end``, oldest first."""


def decide_request(
    profile: str,
    at: datetime,
    *,
    evaluations: Mapping[str, EvaluationProfile],
    communications: Mapping[str, CommunicationProfile],
    daily: Daily,
) -> tuple[Grant, ...] | RefusalReason:
    """What ``profile`` releases on a request at ``at``; for TAF-9 that is what the next readings will be.

    Steps 1 and 4 to 7 of ``decision.decide``, at the moment of the request. 8. TAF-6: every daily value of its meters
    and registers of the last six weeks that was captured while the profile held; no other use case waits for requests.
    """
    evaluation = evaluations.get(profile)
    if evaluation is None:
        return RefusalReason.NO_PROFILE
    communication = communications.get(evaluation.party)
    if communication is None:
        return RefusalReason.UNKNOWN_PARTY
    refused = refused_party(evaluation, communication, at)
    if refused is not None:
        return refused
    if at < evaluation.valid_from:
        return RefusalReason.NOT_YET_VALID
    if at >= evaluation.valid_until:
        return RefusalReason.EXPIRED
    if evaluation.use_case is UseCase.TAF_9:
        return ()
    if evaluation.use_case is not UseCase.TAF_6:
        return RefusalReason.NO_RULE
    begin = max(at - SIX_WEEKS, evaluation.valid_from)
    return tuple(
        _grant(evaluation, signed)
        for device in evaluation.meters
        for obis in evaluation.registers
        for signed in daily.between(device, obis, begin, at)
    )


def standing(evaluation: EvaluationProfile, asked: datetime | None, at: datetime) -> datetime:
    """Which request stands after one at ``at``: the former, ``asked``, if it came in the same registration period.

    FDP_IFF.1/MTR: however often somebody asks, there is one present value for a registration period at most.
    """
    raster = evaluation.period_seconds
    if asked is not None and raster_point(asked, raster) == raster_point(at, raster):
        return asked
    return at


def _grant(evaluation: EvaluationProfile, signed: SignedReading) -> Grant:
    reading = signed.reading
    day = day_of(int(reading.captured_at.timestamp())).isoformat()
    return Grant(
        profile=evaluation.id,
        profile_version=evaluation.version,
        party=evaluation.party,
        key=f"{reading.device}|{reading.obis}|{day}",
        period_begin=reading.captured_at,
        period_end=reading.captured_at,
        readings=(signed,),
    )
