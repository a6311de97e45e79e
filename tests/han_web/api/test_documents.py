"""Values become documents that say neither more nor less."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from han_web.api import documents
from smgw.han import shown as shown_values
from smgw.han.shown import (
    WATT,
    WATT_HOUR,
    Amount,
    Compared,
    Now,
    Power,
    Resolution,
    Series,
    ShownReading,
    Verdict,
)

AT = 1_768_478_400


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-12, 12))
def test_a_decimal_number_is_exact(value: int, scaler: int) -> None:
    text = documents.decimal(value, scaler)
    assert Decimal(text) == Decimal(value).scaleb(scaler)
    assert "E" not in text


def test_a_decimal_number_has_a_digit_before_its_point() -> None:
    assert [documents.decimal(5, -1), documents.decimal(-5, -3), documents.decimal(0, -1)] == ["0.5", "-0.005", "0.0"]


def test_what_was_not_measured_is_null_and_not_zero() -> None:
    shown = Now(
        AT,
        (Power("1ISK0012345678", Amount(420, 0, WATT), AT, 900),),
        (Compared(Resolution.DAY, AT, Amount(12345, -1, WATT_HOUR), None),),
        (),
    )
    document = documents.now(shown)
    assert document["fed_in"] is None
    assert document["at"] == "2026-01-15T12:00:00Z"
    assert document["drawn"] == [
        {
            "resolution": "day",
            "begin": "2026-01-15T12:00:00Z",
            "energy": {"value": 12345, "scaler": -1, "unit": 30, "unit_name": "Wh", "decimal": "1234.5"},
            "before": None,
        }
    ]


def test_a_history_is_columns() -> None:
    shown = Series("", "1-0:1.8.0*255", Resolution.DAY, 30, -1, (0, 1, 2), (None, 5), (False, True))
    document = documents.series(shown)
    assert (document["bounds"], document["energies"], document["doubtful"]) == ([0, 1, 2], [None, 5], [1])


def test_a_reading_has_its_words_in_hexadecimal() -> None:
    shown = ShownReading("m", "r", AT, Amount(1, 0, 30), 0x5000_0004, 0, b"\x01\xff", Verdict.GENUINE)
    document = documents.reading(shown)
    assert (document["status"], document["signature"], document["verdict"]) == ("0000000050000004", "01ff", "genuine")


def test_a_self_test_passes_when_every_check_does() -> None:
    assert documents.self_test([shown_values.TestResult("a", passed=True)])["passed"] is True
    assert (
        documents.self_test([shown_values.TestResult("a", passed=True), shown_values.TestResult("b", passed=False)])[
            "passed"
        ]
        is False
    )
