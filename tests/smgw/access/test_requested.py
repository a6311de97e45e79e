"""What a request releases: what its profile does, and nothing beside it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from smgw.access.grants import RefusalReason
from smgw.access.requested import SIX_WEEKS, decide_request, standing
from tests.smgw.access.cases import COMMUNICATION, METER_DEVICE, SECOND_METER, SERIES, at, reading
from tests.smgw.access.use_cases.worlds import DAILY_VALUES, ON_REQUEST
from tests.wire.profiles.examples import EXPORTED, IMPORTED, certificate
from wire.obis import Obis
from wire.profiles import CommunicationProfile, EvaluationProfile
from wire.reading import DeviceId, SignedReading

NOON = at("12:00:00")
DAY = timedelta(days=1)


class Days:
    """The daily values of two meters' two registers for a hundred days."""

    def __init__(self) -> None:
        self.asked: list[tuple[DeviceId, Obis]] = []

    def between(self, device: DeviceId, obis: Obis, begin: datetime, end: datetime) -> Sequence[SignedReading]:
        self.asked.append((device, obis))
        midnights = [at("00:00:00") - number * DAY for number in range(100)]
        return [reading(one, device=device, obis=obis) for one in midnights if begin <= one <= end]


def requested(
    evaluation: EvaluationProfile, *, party: CommunicationProfile = COMMUNICATION, daily: Days | None = None
) -> object:
    evaluations, communications = {evaluation.id: evaluation}, {party.id: party}
    return decide_request(
        evaluation.id, NOON, evaluations=evaluations, communications=communications, daily=daily or Days()
    )


def test_six_weeks_of_daily_values_of_the_profiles_registers() -> None:
    """TR-03109-1, TAF-6; FDP_IFF.1/MTR: no other meter and register, and none before the profile held."""
    days = Days()
    grants = requested(DAILY_VALUES, daily=days)
    assert isinstance(grants, tuple)
    assert len(grants) == SIX_WEEKS // DAY
    assert days.asked == [(METER_DEVICE, IMPORTED)]
    assert len({grant.key for grant in grants}) == len(grants)
    assert all(grant.period_begin == grant.period_end == grant.readings[0].reading.captured_at for grant in grants)
    assert grants[-1].key == "1ISK0012345678|1-0:1.8.0*255|2026-04-21"
    recent = requested(replace(DAILY_VALUES, valid_from=NOON - 3 * DAY))
    assert isinstance(recent, tuple)
    assert len(recent) == 3
    both = replace(DAILY_VALUES, meters=(METER_DEVICE, SECOND_METER), registers=(IMPORTED, EXPORTED))
    assert isinstance(four := requested(both), tuple)
    assert len(four) == 4 * len(grants)


@pytest.mark.parametrize(
    ("evaluation", "party", "reason"),
    [
        (replace(DAILY_VALUES, party="x"), COMMUNICATION, RefusalReason.UNKNOWN_PARTY),
        (DAILY_VALUES, replace(COMMUNICATION, purposes=()), RefusalReason.WRONG_PURPOSE),
        (
            DAILY_VALUES,
            replace(COMMUNICATION, encryption_certificate=certificate(9)),
            RefusalReason.RECIPIENT_MISMATCH,
        ),
        (DAILY_VALUES, replace(COMMUNICATION, valid_from=NOON + DAY), RefusalReason.PARTY_NOT_YET_VALID),
        (DAILY_VALUES, replace(COMMUNICATION, valid_until=NOON), RefusalReason.PARTY_EXPIRED),
        (replace(DAILY_VALUES, valid_from=NOON + DAY), COMMUNICATION, RefusalReason.NOT_YET_VALID),
        (replace(DAILY_VALUES, valid_until=NOON), COMMUNICATION, RefusalReason.EXPIRED),
        (SERIES, COMMUNICATION, RefusalReason.NO_RULE),
    ],
)
def test_a_request_widens_nothing(
    evaluation: EvaluationProfile, party: CommunicationProfile, reason: RefusalReason
) -> None:
    """FDP_IFF.1/MTR: whatever the administrator asks for."""
    assert requested(evaluation, party=party) is reason


def test_a_present_value_is_the_next_reading_and_an_unknown_profile_is_none() -> None:
    """TR-03109-1, TAF-9."""
    assert requested(ON_REQUEST) == ()
    unknown = decide_request("x", NOON, evaluations={}, communications={}, daily=Days())
    assert unknown is RefusalReason.NO_PROFILE


def test_the_first_request_of_a_registration_period_stands() -> None:
    """FDP_IFF.1/MTR; TR-03109-1, TAF-9: asking again makes no resolution finer."""
    second = timedelta(seconds=1)
    assert standing(ON_REQUEST, None, NOON) == NOON
    assert standing(ON_REQUEST, NOON, NOON + 59 * second) == NOON
    assert standing(ON_REQUEST, NOON, NOON + 60 * second) == NOON + 60 * second
