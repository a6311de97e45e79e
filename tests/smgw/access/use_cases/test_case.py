"""What evaluators share: validity, raster points, the names of grants."""

from dataclasses import replace
from datetime import timedelta

from smgw.access.grants import RefusalReason
from smgw.access.use_cases.case import Case
from tests.smgw.access.cases import GATEWAY, SERIES, Memory, at, reading
from wire.profiles import EvaluationProfile

NOON = at("12:00:00")
SECOND = timedelta(seconds=1)


def case(late: int, evaluation: EvaluationProfile = SERIES) -> Case:
    return Case(reading(NOON + late * SECOND), evaluation, Memory(), GATEWAY)


def test_a_reading_stands_for_a_point_inside_the_validity_only() -> None:
    """FDP_IFF.1/MTR: at no finer resolution, to no other time."""
    assert case(9).raster_refusal() is None
    assert case(9).point == NOON
    assert case(10).raster_refusal() is RefusalReason.OFF_RASTER
    assert case(2, replace(SERIES, valid_from=NOON + SECOND)).raster_refusal() is RefusalReason.NOT_YET_VALID
    assert case(0, replace(SERIES, valid_from=NOON + SECOND)).raster_refusal() is RefusalReason.NOT_YET_VALID
    assert case(2, replace(SERIES, valid_until=NOON + 2 * SECOND)).raster_refusal() is RefusalReason.EXPIRED


def test_a_grant_bears_the_profiles_names() -> None:
    grant = case(3).grant_of_reading(NOON)
    assert (grant.profile, grant.profile_version, grant.party) == (SERIES.id, SERIES.version, SERIES.party)
    assert grant.key == "1ISK0012345678|1-0:1.8.0*255|2026-06-01T12:00:00Z"
    assert (grant.period_begin, grant.period_end) == (NOON, NOON + 3 * SECOND)
