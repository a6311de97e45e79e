"""Rules as TOML: what a person writes means exactly one rule, and everything else is refused."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.profiles.examples import EVALUATION
from tests.wire.profiles.rules import EXAMPLES
from wire.canonical_json import JsonObject, decode
from wire.errors import ProfileError
from wire.obis import Obis
from wire.profiles import (
    BillingPeriod,
    BillingUnit,
    EvaluationProfile,
    Prepaid,
    Threshold,
    UseCase,
    profile_from_mapping,
)
from wire.profiles.rule_mapping import rule_from_mapping
from wire.reading import DeviceId

TIMES = """
[rule]
stages = { 1 = "1-0:1.8.1", 2 = "1-0:1.8.2" }
week = { weekdays = "working", weekend = "free" }
special_days = { 2026-12-25 = "free" }

[rule.days.working]
"00:00" = 2
"06:00" = 1
"22:00" = 2

[rule.days.free]
"00:00" = 2
"""
STAGES = 'rule.stages = { 1 = "1-0:1.8.1", 2 = "1-0:1.8.2" }\n'
TOML: dict[UseCase, str] = {
    UseCase.TAF_2: TIMES,
    UseCase.TAF_3: STAGES + "rule.limits_watts = [3000]",
    UseCase.TAF_4: STAGES + "rule.limits = [500_000]",
    UseCase.TAF_5: STAGES + "rule.initial = 1\nrule.events = { surplus = 2 }",
    UseCase.TAF_8: "rule = { minima = 0, maxima = 3 }",
    UseCase.TAF_10: 'rule = { register = "1-0:1.8.0", above = 25_000 }',
    UseCase.TAF_11: 'rule.events = "dim"',
    UseCase.TAF_12: 'rule = { credit = 100_000, warn_at = 10_000, tolerance = "1 d" }',
    UseCase.TAF_13: 'rule.profile = "another-profile"',
}


def profile(use_case: UseCase, text: str) -> EvaluationProfile:
    table: dict[str, Any] = decode(EVALUATION.to_bytes()) | {"use_case": use_case.value} | tomllib.loads(text)
    if use_case in {UseCase.TAF_2, UseCase.TAF_3, UseCase.TAF_4, UseCase.TAF_5, UseCase.TAF_8, UseCase.TAF_12}:
        table["billing"] = "1 month"
    found = profile_from_mapping(table)
    assert isinstance(found, EvaluationProfile)
    return found


@pytest.mark.parametrize("use_case", TOML)
def test_what_is_written_means_the_exact_rule(use_case: UseCase) -> None:
    found = profile(use_case, TOML[use_case])
    assert found.rule == EXAMPLES[use_case]
    assert profile_from_mapping(decode(found.to_bytes())) == found


def test_every_rule_can_be_written() -> None:
    assert set(TOML) == set(EXAMPLES)


def test_a_single_day_comes_before_its_group_and_seven_names_are_a_week_too() -> None:
    week = 'week = { weekdays = "working", weekend = "free" }'
    saturday = TIMES.replace(week, 'week = { weekdays = "working", weekend = "free", saturday = "working" }')
    names = TIMES.replace(week, f"week = {['working'] * 6 + ['free']}")
    assert profile(UseCase.TAF_2, saturday).rule == profile(UseCase.TAF_2, names).rule != EXAMPLES[UseCase.TAF_2]


def test_what_is_left_out_of_a_threshold_and_of_prepaid_energy() -> None:
    power = Obis.parse("1-0:1.8.0")
    assert profile(UseCase.TAF_10, 'rule = { register = "1-0:1.8.0", below = -5 }').rule == Threshold(power, None, -5)
    text = 'rule = { credit = 1, warn_at = 0, tolerance_seconds = 0, breakers = ["1ISK0012345678"] }'
    assert profile(UseCase.TAF_12, text).rule == Prepaid(1, 0, 0, (DeviceId("1ISK0012345678"),))


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("1 month", BillingPeriod(1, BillingUnit.MONTH)),
        ("12 months", BillingPeriod(12, BillingUnit.MONTH)),
        ("7 days", BillingPeriod(7, BillingUnit.DAY)),
        ("1 d", BillingPeriod(1, BillingUnit.DAY)),
        ("900s", BillingPeriod(900, BillingUnit.SECOND)),
    ],
)
def test_billing_periods(text: str, period: BillingPeriod) -> None:
    table = decode(EVALUATION.to_bytes()) | {"use_case": "TAF-1", "billing": text}
    assert profile_from_mapping(table).billing == period  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('1 = "1-0:1.8.1"', '01 = "1-0:1.8.1"', "not the number of a stage"),
        ('1 = "1-0:1.8.1"', '1 = "1.8.1"', "obis"),
        ('weekend = "free"', 'saturday = "free"', "leaves out sunday"),
        ('weekend = "free"', 'sonntag = "free"', "no day of a week: sonntag"),
        ('weekend = "free"', 'weekend = "holiday"', "rule.days does not hold: 'holiday'"),
        ('2026-12-25 = "free"', '2026-12-25 = "holiday"', "rule.days does not hold: 'holiday'"),
        ('2026-12-25 = "free"', '2026-02-30 = "free"', "day"),
        ('2026-12-25 = "free"', '20261225 = "free"', "day"),
        ('"06:00" = 1', '"6:00" = 1', "not a time"),
        ('"06:00" = 1', '"24:00" = 1', "not a time"),
        ('"06:00" = 1', '"06:00" = "1"', "stage is not an integer"),
        ('"06:00" = 1', '"06:10" = 1', "off the raster"),
        ("[rule]", '[rule]\ncalendar = "x"', "say the same"),
        ("[rule]", "[rule]\ncolour = 1", "unknown keys: rule.colour"),
    ],
)
def test_what_is_inexact_is_refused(old: str, new: str, why: str) -> None:
    assert old in TIMES
    with pytest.raises(ProfileError, match=why):
        profile(UseCase.TAF_2, TIMES.replace(old, new))


def test_the_example_of_the_page_is_a_profile() -> None:
    page = (Path(__file__).parents[3] / "docs" / "administration.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    found = profile_from_mapping(tomllib.loads(example.replace("…", EVALUATION.recipient)))
    assert isinstance(found, EvaluationProfile)
    assert found.rule == EXAMPLES[UseCase.TAF_2]


@pytest.mark.parametrize("text", ["1 week", "0 d", "1.5 d", "month", ""])
def test_another_billing_period_is_refused(text: str) -> None:
    with pytest.raises(ProfileError, match="billing"):
        profile_from_mapping(decode(EVALUATION.to_bytes()) | {"use_case": "TAF-1", "billing": text})


keys = st.sampled_from(("stages", "events", "days", "week", "special_days", "register", "credit", "calendar", "x"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70) | st.sampled_from(("working", "06:00", "1-0:1.8.1", "")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("1", "working", "06:00", "monday", "obis", "2026-12-25")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_nothing_else_escapes(rule: JsonObject) -> None:
    try:
        rule_from_mapping(rule)
        profile_from_mapping(decode(EVALUATION.to_bytes()) | {"use_case": "TAF-2", "billing": "1 month", "rule": rule})
    except ProfileError:
        return
