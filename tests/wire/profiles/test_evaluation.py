"""The evaluation profile: every field is checked where the profile is built; there is no way to say "everything"."""

from dataclasses import replace
from typing import Any

import pytest

from tests.wire.profiles.examples import BEGIN, EVALUATION, EXPORTED, METER_DEVICE, PSEUDONYM
from tests.wire.profiles.rules import EXAMPLES, MONTH, STAGES
from wire.errors import ProfileError
from wire.obis import Obis
from wire.profiles import (
    AccessPurpose,
    BillingPeriod,
    BillingUnit,
    DayProfile,
    EvaluationProfile,
    Mirror,
    TariffCalendar,
    TariffSwitch,
    Threshold,
    TimeStages,
    UseCase,
    is_pseudonym,
)
from wire.reading import DeviceId

HALF_PAST = DayProfile(1, (TariffSwitch(0, 2), TariffSwitch(390, 1)))
SUM = replace(EVALUATION, use_case=UseCase.TAF_1, billing=MONTH)


@pytest.mark.parametrize(
    ("deviation", "field"),
    [
        ({"id": ""}, "id"),
        ({"version": True}, "version"),
        ({"use_case": "TAF-7"}, "use_case"),
        ({"party": "grid operator"}, "party"),
        ({"purpose": "billing"}, "purpose"),
        ({"meters": ()}, "meters"),
        ({"meters": (METER_DEVICE, METER_DEVICE)}, "meters"),
        ({"meters": (METER_DEVICE.text,)}, "meters"),
        ({"registers": ()}, "registers"),
        ({"period_seconds": 0, "dispatch_seconds": 1}, "period_seconds"),
        ({"period_seconds": 1000, "dispatch_seconds": 3000}, "period_seconds"),
        ({"period_seconds": 172800, "dispatch_seconds": 172800}, "period_seconds"),
        ({"dispatch_seconds": 0}, "dispatch_seconds"),
        ({"dispatch_seconds": 1000}, "dispatch_seconds is not a multiple"),
        ({"dispatch_seconds": 900 * 40_000}, "dispatch_seconds"),
        ({"valid_until": BEGIN}, "validity"),
        ({"recipient": ""}, "recipient"),
        ({"recipient": EVALUATION.recipient.upper()}, "recipient"),
        ({"pseudonym": DeviceId("EPSM0000000001")}, "pseudonym does not begin"),
        ({"pseudonym": METER_DEVICE}, "pseudonym does not begin"),
        ({"pseudonym": PSEUDONYM.text}, "pseudonym is not a DeviceId"),
    ],
)
def test_a_field_out_of_bounds_is_refused(deviation: dict[str, Any], field: str) -> None:
    with pytest.raises(ProfileError, match=field):
        replace(EVALUATION, **deviation)


@pytest.mark.parametrize("code", ["1-0:1.7.0", "1-0:16.7.0", "1-0:1.8.0*1", "1-0:1.6.0"])
def test_taf_1_sums_only_what_accumulates(code: str) -> None:
    with pytest.raises(ProfileError, match="TAF-1"):
        replace(SUM, registers=(Obis.parse(code),))


TIMED = replace(EVALUATION, use_case=UseCase.TAF_2, billing=MONTH, rule=EXAMPLES[UseCase.TAF_2])
SECOND_METER = DeviceId("1ISK0087654321")


@pytest.mark.parametrize(
    ("profile", "deviation", "why"),
    [
        (SUM, {"period_seconds": 86400, "dispatch_seconds": 86400}, "divides an hour"),
        (SUM, {"billing": BillingPeriod(1000, BillingUnit.SECOND)}, "multiple of period_seconds"),
        (SUM, {"billing": "1 month"}, "billing is not"),
        (SUM, {"subtracted": (METER_DEVICE,)}, "not all of them"),
        (SUM, {"subtracted": (SECOND_METER,)}, "some of the meters"),
        (SUM, {"meters": (METER_DEVICE, SECOND_METER), "subtracted": [SECOND_METER]}, "subtracted"),
        (TIMED, {"registers": (EXPORTED,)}, "does not divide"),
        (TIMED, {"registers": (Obis.parse("1-0:1.8.1"),)}, "divides a total"),
        (TIMED, {"rule": EXAMPLES[UseCase.TAF_3]}, "rule is not a TimeStages"),
        (
            TIMED,
            {"rule": TimeStages(STAGES, TariffCalendar((HALF_PAST,), (1,) * 7)), "period_seconds": 3600},
            "off the raster",
        ),
        (EVALUATION, {"use_case": UseCase.TAF_13, "rule": Mirror(EVALUATION.id)}, "mirror itself"),
        (
            EVALUATION,
            {"use_case": UseCase.TAF_10, "rule": Threshold(EXPORTED, above=1)},
            "watches one of the registers",
        ),
    ],
)
def test_a_rule_that_does_not_fit_its_profile_is_refused(
    profile: EvaluationProfile, deviation: dict[str, Any], why: str
) -> None:
    with pytest.raises(ProfileError, match=why):
        replace(profile, **deviation)


def test_one_meter_may_be_subtracted_from_another() -> None:
    profile = replace(SUM, meters=(METER_DEVICE, SECOND_METER), subtracted=(SECOND_METER,))
    assert EvaluationProfile.from_bytes(profile.to_bytes()) == profile


def test_nothing_is_billed_under_a_pseudonym() -> None:
    """FPR_PSE.1: an alias is for what is not billed."""
    with pytest.raises(ProfileError, match="nothing is billed under a pseudonym"):
        replace(EVALUATION, purpose=AccessPurpose.BILLING, pseudonym=PSEUDONYM)


def test_a_pseudonym_stands_for_one_meter_or_for_a_sum() -> None:
    two = (METER_DEVICE, DeviceId("1ISK0087654321"))
    assert replace(EVALUATION, pseudonym=PSEUDONYM).pseudonym == PSEUDONYM
    assert replace(SUM, meters=two, pseudonym=PSEUDONYM).pseudonym == PSEUDONYM
    with pytest.raises(ProfileError, match="a pseudonym stands for one meter"):
        replace(EVALUATION, meters=two, pseudonym=PSEUDONYM)


def test_no_pseudonym_is_said_in_the_document() -> None:
    assert b'"pseudonym":null' in EVALUATION.to_bytes()
    assert b'"pseudonym":"EPSN0000000001"' in replace(EVALUATION, pseudonym=PSEUDONYM).to_bytes()


def test_an_alias_is_told_from_a_device() -> None:
    assert is_pseudonym(PSEUDONYM)
    assert not is_pseudonym(METER_DEVICE)
    assert not is_pseudonym(DeviceId("EPSM0000000001"))
