"""Numbers, money and time as people of either language write them (PTB-A 50.8, display)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from han_web import figures
from han_web.figures import energy, exact, money, power, price
from smgw.han.shown import WATT, WATT_HOUR, Amount

THIN = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture(autouse=True, params=["de"])
def spoken(request: pytest.FixtureRequest) -> Iterator[None]:
    with Flask("empty").test_request_context(headers={"Accept-Language": request.param}):
        yield


@pytest.mark.parametrize(
    ("value", "scaler", "expected"),
    [
        (0, 0, "0,00 kWh"),
        (1, 0, "0,00 kWh"),
        (4321, 0, "4,32 kWh"),
        (43_219, 0, "43,2 kWh"),
        (999_949, 0, "999,9 kWh"),
        (1_234_500, 0, "1.235 kWh"),
        (43_210, -1, "4,32 kWh"),
        (-4321, 0, "\N{MINUS SIGN}4,32 kWh"),
    ],
)
def test_an_amount_used_has_the_digits_that_are_of_use(value: int, scaler: int, expected: str) -> None:
    assert energy(Amount(value, scaler, WATT_HOUR)) == expected.replace(" ", THIN)


def test_what_was_not_measured_is_not_nought() -> None:
    assert energy(None) == money(None) == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (Amount(123_456_789, -1, WATT_HOUR), "12.345,6789 kWh"),
        (Amount(5, 3, WATT_HOUR), "5 kWh"),
        (Amount(412, -3, WATT), "0,412 W"),
        (Amount(2301, -1, 35), "230,1 V"),
    ],
)
def test_a_reading_keeps_every_digit_of_the_meter(amount: Amount, expected: str) -> None:
    assert exact(amount) == expected.replace(" ", THIN)


@pytest.mark.parametrize(
    ("watts", "expected"), [(0, "0 W"), (999, "999 W"), (9999, "9.999 W"), (10_000, "10,0 kW"), (12_345, "12,3 kW")]
)
def test_power(watts: int, expected: str) -> None:
    assert power(Amount(watts, 0, WATT)) == expected.replace(" ", THIN)


def test_money_is_rounded_to_the_cent_and_half_a_cent_up() -> None:
    assert money(12_345_000).replace("\xa0", " ") == "12,35 €"
    assert money(12_344_999).replace("\xa0", " ") == "12,34 €"
    assert [price(one) for one in (3200, 3050, 3055, 10)] == ["32", "30,5", "30,55", "0,1"]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-10-25T00:15", "02:15" + THIN + "A"),
        ("2026-10-25T01:15", "02:15" + THIN + "B"),
        ("2026-10-25T02:00", "03:00"),
        ("2026-10-24T23:45", "01:45"),
        ("2026-03-29T00:45", "01:45"),
        ("2026-03-29T01:00", "03:00"),
    ],
)
def test_the_hour_that_comes_twice_is_told_apart(instant: str, expected: str) -> None:
    assert figures.clock_time(at(instant)) == expected


def test_the_machine_reads_the_offset() -> None:
    assert figures.machine(at("2026-10-25T00:15")) == "2026-10-25T02:15:00+02:00"
    assert figures.machine(at("2026-10-25T01:15")) == "2026-10-25T02:15:00+01:00"


@pytest.mark.parametrize(
    ("day", "expected"), [(date(2026, 10, 25), 1), (date(2026, 3, 29), -1), (date(2026, 10, 26), 0)]
)
def test_the_two_odd_days(day: date, expected: int) -> None:
    assert figures.changes(day) == expected


def test_dates_in_two_languages() -> None:
    noon = at("2026-11-21T12:00")
    assert figures.moment(noon, seconds=True) == "21.11.2026, 13:00:00"
    assert figures.weekday(noon) == "Samstag, 21. November 2026"
    assert figures.month(noon) == "November 2026"
    assert figures.last_day(at("2026-10-31T23:00")) == "31.10.2026"
    with Flask("empty").test_request_context(headers={"Accept-Language": "en"}):
        assert figures.moment(noon) == "21/11/2026, 13:00"
        assert figures.weekday(noon) == "Saturday, 21 November 2026"
        assert figures.number(1_234_567) == "1,234,567"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3, "vor 0 Sekunden"),
        (1, "vor 1 Sekunde"),
        (119, "vor 119 Sekunden"),
        (120, "vor 2 Minuten"),
        (7200, "vor 2 Stunden"),
        (172_800, "vor 2 Tagen"),
    ],
)
def test_how_long_ago(seconds: int, expected: str) -> None:
    assert figures.ago(seconds) == expected
    assert figures.duration(900) == "15 Minuten"


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00", ("01.10.2026", "31.10.2026")),
        ("2026-11-22T01:36:30+01:00", "2026-11-22T01:37:00+01:00", ("22.11.2026, 01:36:30", "01:37:00")),
        ("2026-11-22T23:45:00+01:00", "2026-11-23T00:00:00+01:00", ("22.11.2026, 23:45", "23.11.2026, 00:00")),
        ("2026-10-25T02:45:00+02:00", "2026-10-25T02:00:00+01:00", ("25.10.2026, 02:45|A", "02:00|B")),
    ],
)
def test_periods_are_told_apart_however_short_they_are(begin: str, end: str, expected: tuple[str, str]) -> None:
    assert figures.both_ends(second(begin), second(end)) == tuple(one.replace("|", THIN) for one in expected)


def test_a_period_that_runs_began_on_a_day_or_at_a_moment() -> None:
    assert figures.since(second("2026-11-01T00:00:00+01:00")) == "1. November 2026"
    assert figures.since(second("2026-11-22T01:36:30+01:00")) == "22.11.2026, 01:36:30"


def test_times_within_a_text_of_a_log_are_legal_time_too() -> None:
    text = "gesendet, von 2026-10-25T00:30:00Z bis 2026-10-25T01:30:00Z, 9999-12-31T23:59:59Z, 2026-13-01T00:00:00Z"
    told = "gesendet, von 25.10.2026, 02:30:00|A bis 25.10.2026, 02:30:00|B, 9999-12-31T23:59:59Z, 2026-13-01T00:00:00Z"
    assert figures.legal(text) == told.replace("|", THIN)
