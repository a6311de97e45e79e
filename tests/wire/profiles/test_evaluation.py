"""The evaluation profile: every field is checked where the profile is built; there is no way to say "everything"."""

from dataclasses import replace
from typing import Any

import pytest

from tests.wire.profiles.examples import BEGIN, EVALUATION, METER_DEVICE, PSEUDONYM
from tests.wire.profiles.rules import MONTH
from wire.errors import ProfileError
from wire.obis import Obis
from wire.profiles import UseCase, is_pseudonym
from wire.reading import DeviceId

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
