"""What a use case demands, permits and forbids: each field that a row does not name is refused in its profile."""

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.wire.profiles.examples import EVALUATION, EXPORTED, IMPORTED, METER_DEVICE
from tests.wire.profiles.rules import EXAMPLES, MONTH
from wire.errors import ProfileError
from wire.obis import Obis
from wire.profiles import DEMANDS, AccessPurpose, Demands, EvaluationProfile, UseCase
from wire.profiles.tariff import RULES
from wire.reading import DeviceId

SECOND = DeviceId("1ISK0087654321")
POWER = Obis.parse("1-0:16.7.0")


def least(use_case: UseCase, **deviation: Any) -> EvaluationProfile:
    """What ``use_case`` demands and nothing else."""
    demands = DEMANDS[use_case]
    wanted: dict[str, Any] = {
        "use_case": use_case,
        "purpose": min(demands.purposes),
        "billing": MONTH if demands.billing else None,
        "rule": EXAMPLES[use_case] if demands.rule else None,
        "period_seconds": demands.period_seconds or 900,
        "dispatch_seconds": 86400,
    }
    return replace(EVALUATION, **(wanted | deviation))


def test_every_use_case_has_its_row_and_every_rule_its_use_case() -> None:
    assert list(DEMANDS) == list(UseCase)
    assert set(RULES) == {case for case, row in DEMANDS.items() if row.rule or row.rule_optional}
    assert set(EXAMPLES) == set(RULES)


def test_a_row_that_says_nothing_permits_nothing() -> None:
    """FMT_MSA.3/MTR: restrictive defaults."""
    row = Demands()
    assert not any(getattr(row, field.name) for field in fields(row) if field.name != "purposes")


@pytest.mark.parametrize("use_case", UseCase)
def test_what_is_demanded_suffices_and_what_is_not_named_is_refused(use_case: UseCase) -> None:
    """FMT_MSA.3/MTR: a field that the use case does not name is refused, and so is a use case without what it needs."""
    row = DEMANDS[use_case]
    assert least(use_case).use_case is use_case
    two = {"meters": (METER_DEVICE, SECOND)}
    other_rule = EXAMPLES[UseCase.TAF_8 if use_case is not UseCase.TAF_8 else UseCase.TAF_12]
    tried: list[tuple[dict[str, Any], bool, str]] = [
        ({"billing": None if row.billing else MONTH}, False, "billing period"),
        ({"rule": None}, not row.rule, "needs a rule"),
        ({"rule": other_rule}, False, "rule"),
        (two, row.several_meters, "one of the meters"),
        ({"registers": (IMPORTED, EXPORTED)}, row.several_registers, "one of the registers"),
        (two | {"subtracted": (SECOND,)}, row.sums, "one of the meters|no subtracted"),
        ({"registers": (POWER,)}, not row.accumulates, "current meter readings"),
        ({"period_seconds": 60}, row.period_seconds is None, "period_seconds"),
    ]
    tried += [({"purpose": purpose}, purpose in row.purposes, "purpose") for purpose in AccessPurpose]
    for deviation, permitted, why in tried:
        if permitted:
            least(use_case, **deviation)
        else:
            with pytest.raises(ProfileError, match=why):
                least(use_case, **deviation)
