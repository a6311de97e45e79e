from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.metering.tariffs.values import Value
from smgw.recalculation.preparation import (
    aligned,
    matching_period,
    measurement_period,
    target_time,
    usable,
    value_list,
)
from tests.wire.ar2418.files import BERLIN, Reading, block, gateway_file, quarter_hours
from tests.wire.ar2418.files import value_list as listed
from wire.ar2418 import IntervalReading, MeterReading, parse
from wire.errors import Ar2418Error

GOOD, MAGNET, FATAL, CLOCK = "A000000020000000", "A000000020400000", "A080000020000000", "A040000020000000"
"""Status words with the lowest bit first."""


def only(*blocks: str, period: int | None = None) -> MeterReading:
    (found,) = parse(gateway_file(listed(*blocks, period=period))).meter_readings
    return found


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


def test_the_files_own_period_comes_first() -> None:
    assert measurement_period(only(block(quarter_hours(3)), period=1800)) == 1800


def test_else_the_commonest_known_distance_does() -> None:
    rows = quarter_hours(9)
    assert measurement_period(only(block(rows))) == 900
    assert measurement_period(only(block(rows[::2]))) == 1800
    assert measurement_period(only(block([rows[0], rows[3], rows[4], rows[5]]))) == 900
    assert measurement_period(only(block(rows[:1]))) == 0
    assert measurement_period(only(block([rows[0], Reading(rows[0].at + timedelta(seconds=200), 1)]))) == 0


def test_readings_that_mean_nothing_are_asked_only_where_nothing_else_answers() -> None:
    rows = quarter_hours(9)
    bad = [Reading(row.at, row.value, "<statusPTB>3</statusPTB>") for row in rows[:5]]
    assert measurement_period(only(block([*bad, rows[5], rows[7]]))) == 1800
    assert measurement_period(only(block(bad))) == 900


@pytest.mark.parametrize(
    ("given_time", "period", "meant"),
    [
        ("2017-01-01T10:15:09", 900, "2017-01-01T10:15:00"),
        ("2017-01-01T10:15:10", 900, "2017-01-01T10:15:10"),
        ("2017-01-01T10:14:51", 900, "2017-01-01T10:15:00"),
        ("2017-01-01T10:14:50", 900, "2017-01-01T10:14:50"),
        ("2017-03-26T03:00:36", 3600, "2017-03-26T03:00:00"),
        ("2017-03-26T03:59:30", 7200, "2017-03-26T04:00:00"),
        ("2017-01-01T23:45:00", 86400, "2017-01-02T00:00:00"),
        ("2017-01-01T23:44:59", 86400, "2017-01-01T23:44:59"),
        ("2017-01-01T00:14:59", 86400, "2017-01-01T00:00:00"),
        ("2017-01-01T00:15:00", 86400, "2017-01-01T00:15:00"),
        ("2017-01-01T00:00:05", 60, "2017-01-01T00:00:05"),
        ("2017-01-01T00:00:05", 0, "2017-01-01T00:00:05"),
        ("2017-01-01T00:00:05", 2592000, "2017-01-01T00:00:05"),
    ],
)
def test_a_time_is_moved_by_a_hundredth_of_the_period_at_most(given_time: str, period: int, meant: str) -> None:
    assert aligned(at(given_time), period) == at(meant)


@given(st.integers(0, 2**31), st.sampled_from([900, 1800, 3600, 86400]))
def test_a_moved_time_stands_still(moment: int, period: int) -> None:
    moved = aligned(moment, period)
    assert aligned(moved, period) == moved
    assert abs(moved - moment) <= 900


def test_a_target_time_of_the_file_is_believed() -> None:
    assert target_time(IntervalReading(1, 1000, 77), 900) == 77


def test_matching_is_just_under_two_hundredths() -> None:
    assert [matching_period(900 + off) for off in (-18, -17, 0, 15, 17, 18)] == [0, 900, 900, 900, 900, 0]
    assert matching_period(-900) == 0


@pytest.mark.parametrize(
    ("ptb", "fnn", "good"),
    [
        (0, None, True),
        (2, None, True),
        (3, None, False),
        (4, GOOD, False),
        (None, GOOD, True),
        (None, "500000004", True),  # the early form, its leading zeros left out
        (None, "10500000004", False),
        (None, MAGNET, False),
        (None, FATAL, False),
        (1, CLOCK, False),
        (1, "FFFFFFFFFFFFFFFF", True),  # nobody can read it, and nobody needs to
    ],
)
def test_a_reading_is_usable_if_neither_status_forbids_it(ptb: int | None, fnn: str | None, good: bool) -> None:
    assert usable(IntervalReading(1, 0, None, ptb, fnn)) is good


@pytest.mark.parametrize("text", ["0", "FFFFFFFFFFFFFFFF", "0000000500000000", "A00000002000000"])
def test_a_status_word_that_nobody_can_read_is_refused_where_it_stands_alone(text: str) -> None:
    with pytest.raises(Ar2418Error, match="nobody can read"):
        usable(IntervalReading(1, 0, None, None, text))


def test_a_list_has_target_times_in_order() -> None:
    rows = quarter_hours(4)
    late = [Reading(row.at + timedelta(seconds=5), row.value) for row in rows[::-1]]
    found = value_list(only(block(late)))
    assert found.values == tuple(Value(int(row.at.timestamp()), row.value) for row in rows)
    assert value_list(only(block(late)), turnover=10).turnover == 10


def test_a_reading_on_the_border_of_two_blocks_is_found_in_either() -> None:
    rows = quarter_hours(5)
    parts = block(rows[:3]), block(rows[2:])
    assert value_list(only(*parts)) == value_list(only(block(rows)))
