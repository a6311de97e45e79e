"""Dates, numbers and prices are read or refused, never guessed at."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from han_web.pages import asked
from han_web.pages.asked import AmountError, hundredths
from smgw.han.parts import LATEST


@given(st.text(max_size=12))
def test_a_price_is_read_or_refused(text: str) -> None:
    try:
        value = hundredths(text)
    except AmountError:
        return
    assert hundredths(f"{value // 100},{value % 100:02}") == value


@given(st.text(max_size=12))
def test_a_date_is_read_or_refused(text: str) -> None:
    try:
        found = asked.day(text)
    except BadRequest:
        return
    assert found.isoformat() == text


@pytest.mark.parametrize(
    ("text", "value"), [("30,5", 3050), ("30.05", 3005), (" 7 ", 700), ("0", 0), ("999999,99", 99_999_999)]
)
def test_a_comma_is_a_point(text: str, value: int) -> None:
    assert hundredths(text) == value


@pytest.mark.parametrize("text", ["1999-12-31", "2201-01-01", "20260101", "2026-1-1", "2026-W01-1", "2026-02-30", ""])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(BadRequest):
        asked.day(text)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "9" * 19, "\N{SUPERSCRIPT TWO}"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(BadRequest):
        asked.whole_number(text)


def test_days_are_whole_days_of_legal_time() -> None:
    begin, end = asked.days_between(date(2026, 10, 25), date(2026, 10, 25))
    assert begin.astimezone(UTC) == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert end.astimezone(UTC) == datetime(2026, 10, 25, 23, tzinfo=UTC)
    with pytest.raises(BadRequest):
        asked.days_between(date(2026, 10, 25), date(2026, 10, 24))


def test_names_and_instants_have_bounds() -> None:
    assert asked.name("house-series") == "house-series"
    for text in ("a" * 65, "a\nb"):
        with pytest.raises(BadRequest):
            asked.name(text)
    assert asked.instant("0").timestamp() == 0
    with pytest.raises(BadRequest):
        asked.instant(str(LATEST + 1))
