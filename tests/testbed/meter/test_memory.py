"""P.01 and P.98 of the simulator, by the layout of VDEW 2.1."""

from datetime import UTC, datetime, timedelta

import pytest

from testbed.meter.load import FLAT, Load
from testbed.meter.memory import Event, Memory, Status, parse_stamp, stamp

LOAD = Load(3_500_000, 1, FLAT)
NOW = datetime(2025, 1, 15, 12, 7, tzinfo=UTC)


def headers(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("P.01")]


def test_a_window_holds_the_intervals_that_end_in_it() -> None:
    begin = NOW.replace(hour=10, minute=0)
    lines = Memory(LOAD, 10).profile(begin, begin + timedelta(hours=1), NOW)
    assert headers(lines) == ["P.01(0250115110000)(00)(15)(2)(1.5.0)(kW)(1.8.0)(kWh)"]
    assert len(lines) == 1 + 5
    total = LOAD.at(begin).total
    assert lines[1].endswith(f"({total // 1000:07d}.{total % 1000:03d})")


def test_a_new_header_comes_with_each_day() -> None:
    begin = datetime(2025, 1, 14, 22, 0, tzinfo=UTC)
    lines = Memory(LOAD, 10).profile(begin, begin + timedelta(hours=2), NOW)
    assert headers(lines)[1] == "P.01(0250115001500)(00)(15)(2)(1.5.0)(kW)(1.8.0)(kWh)"
    assert len(headers(lines)) == 2


def test_an_open_window_is_all_there_is() -> None:
    lines = Memory(LOAD, 2).profile(None, None, NOW)
    assert len(lines) - len(headers(lines)) == 2 * 96


def test_a_power_failure_leaves_a_gap_and_two_marks() -> None:
    failure = Event(NOW - timedelta(hours=3, minutes=2), Status.POWER_DOWN, NOW - timedelta(hours=2, minutes=1))
    memory = Memory(LOAD, 1, [failure])
    lines = memory.profile(NOW - timedelta(hours=4), NOW, NOW)
    statuses = [line.split("(")[2][:2] for line in headers(lines)]
    assert statuses == ["00", "80", "40", "00"]
    assert len(lines) - len(headers(lines)) == 16 - 3
    assert [line[:6] for line in memory.log_book(None, None, NOW)] == ["P.98(0", "P.98(0"]
    assert memory.log_book(None, failure.at - timedelta(seconds=1), NOW) == []


def test_the_change_of_season_is_a_change_of_status() -> None:
    change = datetime(2025, 3, 30, 1, 0, tzinfo=UTC)
    begin = change - timedelta(minutes=30)
    lines = Memory(LOAD, 10).profile(begin, change + timedelta(minutes=30), change + timedelta(hours=1))
    assert [line[:20] for line in headers(lines)] == ["P.01(0250330013000)(", "P.01(1250330030000)("]
    assert headers(lines)[1][20:22] == "08"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0250115120000", datetime(2025, 1, 15, 11, tzinfo=UTC)),
        ("2501151200", datetime(2025, 1, 15, 11, tzinfo=UTC)),
        ("250715120030", datetime(2025, 7, 15, 10, 0, 30, tzinfo=UTC)),
        ("2250115120000", datetime(2025, 1, 15, 12, tzinfo=UTC)),
        ("1251026023000", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        ("0251026023000", datetime(2025, 10, 26, 1, 30, tzinfo=UTC)),
    ],
)
def test_times_of_a_window(text: str, expected: datetime) -> None:
    assert parse_stamp(text) == expected


@pytest.mark.parametrize("text", ["", "25", "3250115120000", "2513011200", "25011512000000", "now"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_stamp(text)


def test_a_stamp_reads_back_in_both_hours_of_october() -> None:
    for instant in (datetime(2025, 10, 26, 0, 30, tzinfo=UTC), datetime(2025, 10, 26, 1, 30, tzinfo=UTC)):
        assert parse_stamp(stamp(instant)) == instant
