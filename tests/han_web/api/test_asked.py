"""What a program asks for has one reading, or is refused by name."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from han_web.api.asked import AskedError, Question, parse_instant, read_cursor, read_prices, write_cursor
from smgw.han.prices import HIGHEST, HIGHEST_BASE, LOWEST
from smgw.han.shown import Prices, Resolution

PRICES = {
    "contract": "house",
    "since": "2026-01-01T00:00:00+01:00",
    "base_per_month": 119900,
    "per_kilowatt_hour": [{"stage": 0, "price": 3150}],
}


def test_an_instant_has_its_zone() -> None:
    assert parse_instant("begin", "2026-01-31T00:00:00.5+01:00") == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert parse_instant("begin", "2026-01-31t00:00:00z") == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-31", "2026-01-31T00:00:00", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+23:00", "1750000000"],
)
def test_any_other_spelling_is_no_instant(text: str) -> None:
    with pytest.raises(AskedError) as caught:
        parse_instant("begin", text)
    assert caught.value.where == "begin"


@pytest.mark.parametrize(
    ("given_values", "where"),
    [
        ({"limit": ["0"]}, "limit"),
        ({"limit": ["01"]}, "limit"),
        ({"limit": ["11"]}, "limit"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"beginn": ["x"]}, "beginn"),
        ({"resolution": ["week"]}, "resolution"),
        ({"register": ["x" * 129]}, "register"),
        ({"register": ["a\nb"]}, "register"),
        ({}, "register"),
        ({"before": ["?"], "register": ["x"]}, "before"),
    ],
)
def test_a_question_is_refused_by_name(given_values: dict[str, list[str]], where: str) -> None:
    with pytest.raises(AskedError) as caught:
        ask(given_values)
    assert caught.value.where == where


def ask(values: dict[str, list[str]]) -> None:
    question = Question(values, ["limit", "register", "resolution", "before"])
    question.number("limit", 10, 1, 10)
    if "resolution" in values:
        question.choice("resolution", Resolution)
    question.text("register")
    question.cursor("before")


def test_what_is_left_out_has_its_default() -> None:
    question = Question({}, ["limit"])
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert question.number("limit", 10, 1, 10) == 10
    assert question.instant("begin", moment) == moment
    assert question.text("meter", "") == ""
    assert question.cursor("before") is None


@given(st.integers(0, 2**61), st.text(max_size=64), st.integers(0, 2**61))
def test_a_cursor_comes_back(created_at: int, contract: str, sequence: int) -> None:
    assert read_cursor("before", write_cursor(created_at, contract, sequence)) == (created_at, contract, sequence)


@given(st.text(max_size=60))
def test_nothing_else_is_a_cursor(text: str) -> None:
    try:
        parts = read_cursor("before", text)
    except AskedError:
        return
    assert write_cursor(*parts) == text


def test_half_a_character_is_no_text() -> None:
    """JSON can write it, and nothing that looks for it or tells of it can."""
    cursor = base64.urlsafe_b64encode(json.dumps([1, "\ud800", 1]).encode()).decode().rstrip("=")
    with pytest.raises(AskedError):
        read_cursor("before", cursor)
    with pytest.raises(AskedError) as caught:
        read_prices(json.loads('{"\\ud800": 1}'))
    assert caught.value.where == "body"


def test_prices_are_integers() -> None:
    since = int(datetime(2025, 12, 31, 23, tzinfo=UTC).timestamp())
    assert read_prices(PRICES) == Prices("house", since, 119900, ((0, 3150),))
    below = PRICES | {"per_kilowatt_hour": [{"stage": 0, "price": -50}]}
    assert read_prices(below).per_kilowatt_hour == ((0, -50),), "prices below zero are paid too"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"base_per_month": 1.5}, "base_per_month"),
        ({"base_per_month": True}, "base_per_month"),
        ({"base_per_month": -1}, "base_per_month"),
        ({"base_per_month": HIGHEST_BASE + 1}, "base_per_month"),
        ({"per_kilowatt_hour": [{"stage": 0, "price": HIGHEST + 1}]}, "per_kilowatt_hour"),
        ({"per_kilowatt_hour": [{"stage": 0, "price": LOWEST - 1}]}, "per_kilowatt_hour"),
        ({"contract": ""}, "contract"),
        ({"since": 5}, "since"),
        ({"per_kilowatt_hour": [{"stage": 0}]}, "per_kilowatt_hour"),
        ({"per_kilowatt_hour": [{"stage": 65, "price": 1}]}, "per_kilowatt_hour"),
        ({"per_kilowatt_hour": [[]]}, "per_kilowatt_hour"),
        ({"per_kilowatt_hour": [{"stage": 0, "price": 1}] * 65}, "per_kilowatt_hour"),
        ({"price": 1}, "price"),
    ],
)
def test_no_other_prices_are_taken(change: dict[str, object], where: str) -> None:
    with pytest.raises(AskedError) as caught:
        read_prices(PRICES | change)
    assert caught.value.where == where


@settings(max_examples=20)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_only_its_own_error_escapes(body: object) -> None:
    with pytest.raises(AskedError):
        read_prices(body)
