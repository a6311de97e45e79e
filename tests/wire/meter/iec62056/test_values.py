"""Text to register: exact, and nothing is guessed."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import vectors_folder
from wire.errors import Iec62056Error
from wire.meter.iec62056 import LoadProfile, parse_capture
from wire.meter.iec62056.values import UNITS, MeasuredRow, measured, register
from wire.reading import Register, Unit

STANDARD, SUMMER = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))
PROFILE = LoadProfile("P.01", "1220823161500", "00", 15, (("1.5", "kW"), ("1.8.0", "kWh")), (("0.18374", "1.0"),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0033402.264*kWh", Register(33402264, 0, Unit.WH)),
        ("00032549.5061662*kWh", Register(325495061662, -4, Unit.WH)),
        ("+00026*W", Register(26, 0, Unit.W)),
        ("-12.5*kW", Register(-125, 2, Unit.W)),
        (" 229*V", Register(229, 0, Unit.V)),
        ("001.476*m3ph", Register(1476, -3, Unit.CUBIC_METRE_PER_HOUR)),
        ("0326.062*MWh", Register(326062, 3, Unit.WH)),
        ("088*C", Register(88, 0, Unit.CELSIUS)),
    ],
)
def test_all_digits_are_kept(text: str, expected: Register) -> None:
    assert register(text) == expected


def test_a_unit_that_was_announced_elsewhere() -> None:
    assert register("00002229.372", unit="kWh") == Register(2229372, 0, Unit.WH)
    assert register("1*kWh", unit="kWh") == Register(1, 3, Unit.WH)
    with pytest.raises(Iec62056Error, match="announced"):
        register("1*kvarh", unit="kWh")


@pytest.mark.parametrize(
    "text",
    ["", "*kWh", "1", "1,5*kWh", "1.*kWh", ".5*kWh", "1e3*W", "12 *kWh", "1*P/S", "1*kwh", "\u0661*W", "9" * 19 + "*W"],
)
def test_what_is_no_number_with_a_known_unit_is_refused(text: str) -> None:
    with pytest.raises(Iec62056Error):
        register(text)


def test_more_than_64_bits_are_refused() -> None:
    with pytest.raises(Iec62056Error, match="64 bits"):
        register("999999999999999999.999*W")


@given(st.decimals(-(10**9), 10**9, places=6, allow_nan=False), st.sampled_from(sorted(UNITS)))
def test_the_exact_value_comes_back(value: Decimal, unit: str) -> None:
    assert register(f"{value:f}*{unit}").exact() == value.scaleb(UNITS[unit][1])


@given(st.text(max_size=40), st.text(max_size=6))
def test_only_our_error_escapes(text: str, unit: str) -> None:
    try:
        register(text, unit=unit)
    except Iec62056Error:
        return


def test_rows_of_a_profile_with_times_and_registers() -> None:
    assert measured(PROFILE, standard_time=STANDARD, summer_time=SUMMER) == [
        MeasuredRow(datetime(2022, 8, 23, 14, 15, tzinfo=UTC), (Register(18374, -2, Unit.W), Register(10, 2, Unit.WH)))
    ]


def test_a_row_with_a_value_too_few_is_refused() -> None:
    short = LoadProfile("P.01", PROFILE.start, "00", 15, PROFILE.columns, (("0.18374",),))
    with pytest.raises(Iec62056Error, match="columns"):
        measured(short, standard_time=STANDARD, summer_time=SUMMER)


def test_published_profile_restarts_its_clock_with_each_header() -> None:
    capture = (vectors_folder("iec62056") / "emh_lzqj_p01_day_change.bin").read_bytes()
    rows = [
        row
        for profile in parse_capture(capture).profiles
        for row in measured(profile, standard_time=STANDARD, summer_time=SUMMER)
    ]
    assert [row.end for row in rows] == [
        datetime(2021, 1, 14, 21, 30, tzinfo=UTC) + timedelta(minutes=15) * index for index in range(len(rows))
    ]
    assert rows[0].registers[0] == Register(63, -2, Unit.W)
