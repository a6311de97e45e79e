"""TAF-13: what another profile's party gets, once more, and nothing beside it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from smgw.access.grants import RefusalReason
from tests.smgw.access.cases import COMMUNICATION, SECOND_METER, SERIES, Memory, at, decided, reading, walked
from tests.smgw.access.use_cases.worlds import FAST, GRID, LOAD, MIRROR, quarters, registers
from tests.wire.profiles.examples import EXPORTED
from wire.profiles import AccessPurpose, EvaluationProfile, Mirror

NOON = at("12:00:00")
SECOND = timedelta(seconds=1)
ANYTHING = replace(COMMUNICATION, purposes=tuple(AccessPurpose))


def as_coarse(unstored: EvaluationProfile) -> EvaluationProfile:
    """What the mirror names, with no finer period that would be refused for that alone."""
    raster, dispatch = MIRROR.period_seconds, MIRROR.dispatch_seconds
    return replace(unstored, id=SERIES.id, period_seconds=raster, dispatch_seconds=dispatch)


def test_the_mirror_shows_the_same_values_to_its_own_party() -> None:
    """TR-03109-1, TAF-13."""
    shown = replace(MIRROR, rule=Mirror(LOAD.id))
    hour = quarters(NOON, 90, 110, 90, 30)
    original, mirrored = walked(hour, LOAD, shown)
    assert registers(mirrored) == registers(original)
    assert (mirrored.profile, mirrored.key) == (MIRROR.id, original.key)
    (alone,) = decided(reading(NOON), replace(SERIES, party="unknown"), MIRROR).grants
    assert (alone.profile, alone.party) == (MIRROR.id, MIRROR.party)


@pytest.mark.parametrize(
    ("mirror", "shown", "reason"),
    [
        (MIRROR, replace(SERIES, id="another"), RefusalReason.NO_RULE),
        (MIRROR, replace(MIRROR, id=SERIES.id, rule=Mirror("x")), RefusalReason.NO_RULE),
        (MIRROR, as_coarse(FAST), RefusalReason.NO_RULE),
        (MIRROR, as_coarse(GRID), RefusalReason.NO_RULE),
        (MIRROR, replace(SERIES, meters=(SECOND_METER,)), RefusalReason.WRONG_METER),
        (MIRROR, replace(SERIES, meters=(*SERIES.meters, SECOND_METER)), RefusalReason.WRONG_METER),
        (MIRROR, replace(SERIES, registers=(EXPORTED,)), RefusalReason.WRONG_REGISTER),
        (MIRROR, replace(SERIES, registers=(*SERIES.registers, EXPORTED)), RefusalReason.WRONG_REGISTER),
        (MIRROR, replace(SERIES, valid_until=NOON), RefusalReason.EXPIRED),
        (replace(MIRROR, valid_until=NOON), SERIES, RefusalReason.EXPIRED),
        (replace(MIRROR, valid_from=NOON + SECOND), SERIES, RefusalReason.NOT_YET_VALID),
        (MIRROR, replace(SERIES, valid_from=NOON + SECOND), RefusalReason.NOT_YET_VALID),
        (replace(MIRROR, valid_until=NOON), replace(SERIES, valid_from=NOON), RefusalReason.EXPIRED),
        (replace(MIRROR, period_seconds=3600), SERIES, RefusalReason.NO_RULE),
        (replace(MIRROR, purpose=AccessPurpose.VALUE_ADDED), SERIES, RefusalReason.WRONG_PURPOSE),
    ],
)
def test_a_mirror_widens_nothing(mirror: EvaluationProfile, shown: EvaluationProfile, reason: RefusalReason) -> None:
    """FDP_IFF.1/MTR; TR-03109-1, TAF-13: no other meter, register, time, purpose, and nothing that is never stored."""
    decision = decided(reading(NOON), mirror, replace(shown, party="unknown"))
    assert (decision.grants, decision.volatile) == ((), ())
    assert reason in [refusal.reason for refusal in decision.refusals]


def test_a_mirror_without_a_mirrored_profile_shows_nothing() -> None:
    wrong = replace(MIRROR)
    object.__setattr__(wrong, "rule", None)
    decision = decided(reading(NOON), wrong, history=Memory(), communications=(ANYTHING,))
    assert decision.refusals[0].reason is RefusalReason.NO_RULE
