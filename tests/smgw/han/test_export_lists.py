"""Which readings are in a file: by the instant that they stand for, and no more than one may hold."""

from datetime import datetime, timedelta

import pytest

from smgw.han import export_lists
from smgw.han.export_lists import lists, targets
from smgw.han.port import HanError, HanReason
from tests.smgw.access.cases import SECOND_METER, SERIES, at, reading
from tests.smgw.han.takeaway import TinySource, rows
from wire.reading import Unit

NOON = at("12:00:00")
HOUR = timedelta(hours=1)
SECONDS = int(NOON.timestamp())


def of(moment: datetime) -> int:
    return int(moment.timestamp())


def test_a_reading_counts_for_the_instant_that_it_stands_for() -> None:
    """PTB-A 50.8, display: both readings that bound a period are in its file, three seconds late as they are."""
    late = [reading(NOON + quarter * HOUR / 4 + timedelta(seconds=3), quarter) for quarter in range(6)]
    (found,) = lists(TinySource(late), SECONDS, SECONDS + 3600)
    assert [row.target - SECONDS for row in found.rows] == [0, 900, 1800, 2700, 3600]
    assert [row.stored.at - SECONDS for row in found.rows] == [3, 903, 1803, 2703, 3603]


def test_what_stands_for_no_point_keeps_its_own_time_and_two_never_share_one() -> None:
    seconds = (0, 5, 10, 899, 900)
    found = targets(rows(reading(NOON + timedelta(seconds=second)) for second in seconds), 900)
    assert [row.target - SECONDS for row in found] == [0, 5, 10, 899, 900]
    found = targets(rows(reading(NOON + timedelta(seconds=second)) for second in (9, 10)), 900)
    assert [row.target - SECONDS for row in found] == [0, 10]


def test_a_register_that_changed_its_scaler_is_two_lists() -> None:
    (coarse, fine) = lists(TinySource([reading(NOON, 1), reading(NOON + HOUR, 10, scaler=-1)]), SECONDS, SECONDS + 7200)
    assert (coarse.scaler, fine.scaler) == (-1, 0)
    assert {one.unit for one in (coarse, fine)} == {Unit.WH}


def test_a_contract_holds_its_own_meters_and_registers() -> None:
    source = TinySource([reading(NOON), reading(NOON, device=SECOND_METER)])
    assert [one.register.meter for one in lists(source, SECONDS, SECONDS, SERIES)] == list(SERIES.meters)
    assert len(lists(source, SECONDS, SECONDS)) == 2


@pytest.mark.parametrize(
    ("begin", "end", "reason"),
    [
        (SECONDS + 1, SECONDS, HanReason.BAD_QUESTION),
        (-1, SECONDS, HanReason.BAD_QUESTION),
        (SECONDS, 2**60, HanReason.BAD_QUESTION),
        (SECONDS + 60, SECONDS + 120, HanReason.NOT_FOUND),
    ],
)
def test_a_question_without_an_answer_is_refused(begin: int, end: int, reason: HanReason) -> None:
    with pytest.raises(HanError) as refusal:
        lists(TinySource([reading(NOON)]), begin, end)
    assert refusal.value.reason is reason


def test_a_file_is_bounded_over_all_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    source = TinySource([reading(NOON), reading(NOON, device=SECOND_METER)])
    monkeypatch.setattr(export_lists, "MAXIMUM_READINGS", 2)
    assert len(lists(source, SECONDS, SECONDS)) == 2
    monkeypatch.setattr(export_lists, "MAXIMUM_READINGS", 1)
    with pytest.raises(HanError) as refusal:
        lists(source, SECONDS, SECONDS)
    assert refusal.value.reason is HanReason.TOO_MUCH


def test_a_year_of_quarter_hours_of_three_registers_fits() -> None:
    assert export_lists.MAXIMUM_READINGS >= 3 * (366 * 96 + 1)
