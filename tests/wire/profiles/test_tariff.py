"""The rules of the use cases: every name is known, limits ascend, nothing is named twice; the document is canonical."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.profiles.rules import EXAMPLES, IMPORTED, STAGES, rules
from wire.canonical_json import JsonValue
from wire.errors import ProfileError
from wire.obis import Obis
from wire.profiles import Rule, TariffStage, UseCase
from wire.profiles.document import Fields
from wire.profiles.tariff import RULES, rule_from_fields
from wire.reading import DeviceId

TWICE = (STAGES[0], STAGES[0])


@pytest.mark.parametrize(
    ("use_case", "deviation", "why"),
    [
        (UseCase.TAF_2, {"stages": ()}, "stages"),
        (UseCase.TAF_2, {"stages": list(STAGES)}, "stages"),
        (UseCase.TAF_2, {"stages": TWICE}, "twice"),
        (UseCase.TAF_2, {"stages": (STAGES[0], TariffStage(2, STAGES[0].obis))}, "twice"),
        (UseCase.TAF_2, {"stages": STAGES[:1]}, "stage 2"),
        (UseCase.TAF_2, {"stages": tuple(TariffStage(n, Obis(1, 0, 1, 8, n)) for n in range(1, 22))}, "1 to 20"),
        (UseCase.TAF_2, {"calendar": None}, "calendar"),
        (UseCase.TAF_3, {"stages": STAGES[:1], "limits_watts": ()}, "stages"),
        (UseCase.TAF_3, {"limits_watts": ()}, "1 to 1 members"),
        (UseCase.TAF_3, {"limits_watts": (1, 2)}, "1 to 1 members"),
        (UseCase.TAF_3, {"limits_watts": (0,)}, "limits_watts"),
        (UseCase.TAF_3, {"limits_watts": (True,)}, "limits_watts"),
        (UseCase.TAF_4, {"limits": (1.5,)}, "limits"),
        (UseCase.TAF_4, {"limits": (10**15 + 1,)}, "limits"),
        (UseCase.TAF_4, {"limits": (2, 2), "stages": (*STAGES, TariffStage(3, Obis(1, 0, 1, 8, 3)))}, "ascend"),
        (UseCase.TAF_5, {"initial": 3}, "stage 3"),
        (UseCase.TAF_5, {"initial": 63}, "stage"),
        (UseCase.TAF_5, {"events": ()}, "events"),
        (UseCase.TAF_5, {"events": (("a", 9),)}, "stage 9"),
        (UseCase.TAF_5, {"events": (("a", 1), ("a", 2))}, "twice"),
        (UseCase.TAF_5, {"events": (("a b", 1),)}, "events"),
        (UseCase.TAF_5, {"events": (("a",),)}, "a name and a stage"),
        (UseCase.TAF_5, {"events": ("ab",)}, "events"),
        (UseCase.TAF_8, {"minima": 0, "maxima": 0}, "at least one"),
        (UseCase.TAF_8, {"minima": -1}, "minima"),
        (UseCase.TAF_8, {"maxima": 65}, "maxima"),
        (UseCase.TAF_10, {"above": None}, "above or below"),
        (UseCase.TAF_10, {"below": 25_000}, "in between"),
        (UseCase.TAF_10, {"above": 1.5}, "above"),
        (UseCase.TAF_10, {"below": -(10**9) - 1}, "below"),
        (UseCase.TAF_10, {"register": "1-0:1.8.0*255"}, "register"),
        (UseCase.TAF_11, {"events": ()}, "events"),
        (UseCase.TAF_11, {"events": ("a", "a")}, "twice"),
        (UseCase.TAF_11, {"events": ("a/b",)}, "events"),
        (UseCase.TAF_12, {"credit": 0}, "credit"),
        (UseCase.TAF_12, {"warn_at": 100_001}, "warn_at"),
        (UseCase.TAF_12, {"tolerance_seconds": -1}, "tolerance_seconds"),
        (UseCase.TAF_12, {"breakers": ("1ISK0012345678",)}, "breakers"),
        (UseCase.TAF_12, {"breakers": (DeviceId("1ISK0012345678"),) * 2}, "twice"),
        (UseCase.TAF_13, {"profile": ""}, "profile"),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(use_case: UseCase, deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        replace(EXAMPLES[use_case], **deviation)


@given(st.data(), st.sampled_from(sorted(RULES)))
def test_what_is_written_is_read_back(data: st.DataObject, use_case: UseCase) -> None:
    rule = data.draw(rules(use_case, IMPORTED))
    if rule is not None:
        assert rule_from_fields(use_case, Fields(rule.to_document())) == rule


@pytest.mark.parametrize(("use_case", "rule"), EXAMPLES.items(), ids=str)
def test_every_key_is_needed_and_no_other_is_known(use_case: UseCase, rule: Rule) -> None:
    content = rule.to_document()
    for key in content:
        with pytest.raises(ProfileError, match="missing key"):
            rule_from_fields(use_case, Fields({name: value for name, value in content.items() if name != key}))
    with pytest.raises(ProfileError, match="unknown keys: tariff"):
        rule_from_fields(use_case, Fields(content | {"tariff": 1}))


def test_a_use_case_without_a_rule_reads_none() -> None:
    with pytest.raises(ProfileError, match="TAF-7 has no rule"):
        rule_from_fields(UseCase.TAF_7, Fields({}))


junk: st.SearchStrategy[JsonValue] = st.none() | st.booleans() | st.integers(-5, 70) | st.text(max_size=5)
nested: st.SearchStrategy[JsonValue] = st.recursive(
    junk,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("id", "name", "stage", "number", "obis", "switches", "day")), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(EXAMPLES)), st.data(), nested)
def test_any_value_in_any_place_is_refused_or_canonical(
    use_case: UseCase, data: st.DataObject, value: JsonValue
) -> None:
    content = EXAMPLES[use_case].to_document()
    content[data.draw(st.sampled_from(sorted(content)))] = value
    try:
        rule = rule_from_fields(use_case, Fields(content))
    except ProfileError:
        return
    assert rule.to_document() == content
