"""Load profiles: headers, rows, and the time of each row over changes of day and of summer time."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Iec62056Error
from wire.meter.iec62056.datasets import DataSet, parse_data_sets
from wire.meter.iec62056.profile import MAXIMUM_CHANNELS, LoadProfile, parse_profiles, parse_stamp

CET, CEST = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))
ZONES = {"0": CET, "1": CEST, "2": UTC, "": CET}
QUARTER = timedelta(minutes=15)


def one(text: str) -> LoadProfile:
    (profile,), others = parse_profiles(text)
    assert others == ([], [])
    return profile


def times(text: str) -> list[datetime]:
    profiles, _ = parse_profiles(text)
    return [row.end for profile in profiles for row in profile.timed(standard_time=CET, summer_time=CEST)]


@pytest.mark.parametrize("status", ["00", "80", "00000080"])
@pytest.mark.parametrize("obis", ["P.01", "P.02", "P.98", "P.1", "1-0:P.01*255"])
@pytest.mark.parametrize("stamp", ["1220823161500", "220823161500", "2208231615"])
def test_headers_of_all_makers(obis: str, stamp: str, status: str) -> None:
    """Complaint 6: season digit or none, seconds or none, status of 2 or 8 digits, empty units."""
    profile = one(f"{obis}({stamp})({status})(15)(2)(1.5.0)(kW)(C.5.1)()\r\n(0.1)(0)\r\n(0.2)(1)\r\n")
    assert profile == LoadProfile(
        obis, stamp, status, 15, (("1.5.0", "kW"), ("C.5.1", "")), (("0.1", "0"), ("0.2", "1"))
    )
    assert profile.status_word == int(status, 16)
    rows = profile.timed(standard_time=CET, summer_time=CEST, unmarked=CEST)
    assert [row.end for row in rows] == [
        datetime(2022, 8, 23, 14, 15, tzinfo=UTC),
        datetime(2022, 8, 23, 14, 30, tzinfo=UTC),
    ]


def test_several_rows_in_one_line_are_cut_by_the_header() -> None:
    profile = one("P.01(2220823161500)(00)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(1)(2)(3)(4)\r\n(5)(6)\r\n")
    assert profile.rows == (("1", "2"), ("3", "4"), ("5", "6"))


def test_a_row_of_the_wrong_length_is_kept_as_it_was_written() -> None:
    profile = one("P.01(2220823161500)(00)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(1)(2)(3)\r\n(5)(6)\r\n")
    assert profile.rows == (("1", "2", "3"), ("5", "6"))


def test_a_new_header_restarts_the_clock() -> None:
    text = (
        "P.01(0210114233000)(00)(15)(1)(1.5)(kW)\r\n(1)\r\n(2)\r\n"
        "P.01(0210115001500)(80)(15)(1)(1.5)(kW)\r\n(3)\r\n"
        "P.01(0210115043000)(40)(15)(1)(1.5)(kW)\r\n(4)\r\n!\r\n"
    )
    assert [end.astimezone(CET).strftime("%d %H:%M") for end in times(text)] == [
        "14 23:30",
        "14 23:45",
        "15 00:15",
        "15 04:30",
    ]
    assert [profile.status_word for profile in parse_profiles(text)[0]] == [0, 0x80, 0x40]


def test_the_night_of_92_quarter_hours() -> None:
    """29 March 2026: standard time until 02:00, then summer time; the header of the change carries its season."""
    before = "P.01(0260329001500)(00)(15)(1)(1.5)(kW)\r\n" + "(1)\r\n" * 8
    after = "P.01(1260329031500)(08)(15)(1)(1.5)(kW)\r\n" + "(2)\r\n" * 84
    ends = times(before + after)
    assert len(ends) == 92
    assert ends[0] == datetime(2026, 3, 28, 23, 15, tzinfo=UTC)
    assert ends[-1] == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    assert {later - earlier for earlier, later in pairwise(ends)} == {QUARTER}


def test_the_night_of_100_quarter_hours() -> None:
    """25 October 2026: the hour from 02:00 comes twice, told apart by the season digit alone."""
    before = "P.01(1261025001500)(00)(15)(1)(1.5)(kW)\r\n" + "(1)\r\n" * 12
    after = "P.01(0261025021500)(08)(15)(1)(1.5)(kW)\r\n" + "(2)\r\n" * 88
    ends = times(before + after)
    assert len(ends) == 100
    assert ends[-1] == datetime(2026, 10, 25, 23, 0, tzinfo=UTC)
    assert {later - earlier for earlier, later in pairwise(ends)} == {QUARTER}


def test_a_profile_of_96_rows_in_one_header_stays_in_its_season() -> None:
    ends = times("P.01(0260329001500)(00)(15)(1)(1.5)(kW)\r\n" + "(1)\r\n" * 96)
    assert ends[-1] - ends[0] == 95 * QUARTER


def test_no_zone_is_guessed() -> None:
    with pytest.raises(Iec62056Error, match="zone"):
        one("P.01(220823161500)(00)(15)(1)(1.5)(kW)\r\n(1)\r\n").timed(standard_time=CET, summer_time=CEST)


def test_rows_without_a_raster_have_no_times() -> None:
    profile = one("P.98(0220823161500)(00)(0)(1)(0.9.1)()\r\n(1)\r\n(2)\r\n")
    with pytest.raises(Iec62056Error, match="without a raster"):
        profile.timed(standard_time=CET, summer_time=CEST)


def test_a_profile_does_not_run_beyond_the_calendar() -> None:
    profile = LoadProfile("P.01", "2991231235900", "00", 999_999, (("1.5", "kW"),), (("1",),) * 10_000)
    with pytest.raises(Iec62056Error, match="beyond the calendar"):
        profile.timed(standard_time=CET, summer_time=CEST)


def test_a_status_that_is_no_number() -> None:
    profile = one("P.01(0220823161500)(####)(15)(1)(1.5)(kW)\r\n(1)\r\n")
    with pytest.raises(Iec62056Error, match="not hexadecimal"):
        _ = profile.status_word


@pytest.mark.parametrize(
    "line",
    [
        "P.98(1041007095703)(00002000)()(0)",
        "P.01(ERROR)",
        "P.01(1220823161500)(00)(15)(2)(1.5)(kW)",
        "P.01(1220823161500)(00)(15)(0)",
        "P.01(1220823161500)(00)(1234567)(1)(1.5)(kW)",
        "P.01(today)(00)(15)(1)(1.5)(kW)",
        "P.01(1220823161500)(00)(15)(33)" + "(1.5)(kW)" * (MAXIMUM_CHANNELS + 1),
    ],
)
def test_what_is_no_header_with_a_raster_stays_a_data_set(line: str) -> None:
    profiles, others = parse_profiles(f"0.0.0(1)\r\n{line}\r\n")
    assert profiles == []
    assert others == parse_data_sets(f"0.0.0(1)\r\n{line}\r\n")
    assert others.data_sets[1].address == line[:4]


def test_data_sets_around_a_profile_stay_what_they_are() -> None:
    profiles, others = parse_profiles(
        "0.0.0(23456321)\r\nP.01(1220823161500)(00)(15)(1)(1.5)(kW)\r\n(1)\r\nx\r\nF.F(00)\r\n(7)\r\n!\r\n(9)\r\n"
    )
    assert [profile.rows for profile in profiles] == [(("1",),)]
    assert others == ([DataSet("0.0.0", ("23456321",)), DataSet("F.F", ("00", "7"))], ["x"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0260115120000", datetime(2026, 1, 15, 11, tzinfo=UTC)),
        ("1260715120000", datetime(2026, 7, 15, 10, tzinfo=UTC)),
        ("2260715120000", datetime(2026, 7, 15, 12, tzinfo=UTC)),
        ("260115120001", datetime(2026, 1, 15, 11, 0, 1, tzinfo=UTC)),
        ("2601151200", datetime(2026, 1, 15, 11, tzinfo=UTC)),
        ("02601151200", datetime(2026, 1, 15, 11, tzinfo=UTC)),
    ],
)
def test_stamps(text: str, expected: datetime) -> None:
    assert parse_stamp(text, dict(ZONES)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "3260115120000",
        "0261315120000",
        "0260115250000",
        "12601151200001",
        "0260115\N{FULLWIDTH DIGIT ONE}20000",
    ],
)
def test_no_stamps(text: str) -> None:
    with pytest.raises(Iec62056Error):
        parse_stamp(text, dict(ZONES))


@given(st.one_of(st.text(), st.text(st.sampled_from("0123456789"), max_size=14)))
def test_a_stamp_is_a_time_or_refused(text: str) -> None:
    try:
        stamp = parse_stamp(text, dict(ZONES))
    except Iec62056Error:
        return
    assert stamp.utcoffset() == timedelta(0)


FIELDS = ["P.01", "P.98", "(1220823161500)", "(220823161500)", "(00)", "(15)", "(1)", "(2)", "()", "(1.5)", "(kW)"]
LINES = ["\r\n", "\n", "P.01(2220823161500)(00)(15)(1)(1.5)(kW)\r\n", "x", "(", ")", "\x00"]


@given(st.lists(st.sampled_from([*FIELDS, *LINES]), max_size=30).map("".join))
def test_every_text_is_read_and_no_value_of_it_is_lost(text: str) -> None:
    profiles, (data_sets, unparsed) = parse_profiles(text)
    found = sum(len(values) for _, values in data_sets) + sum(line.count("(") for line in unparsed)
    found += sum(4 + 2 * len(profile.columns) + sum(map(len, profile.rows)) for profile in profiles)
    assert found == text.count("(")
