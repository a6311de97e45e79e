from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.clock import ClockMemory
from smgw.store import notifications
from smgw.store.calibration_log import CalibrationLog
from smgw.store.clock_records import ClockRecords, milliseconds
from smgw.store.database import Database
from smgw.store.errors import StoreError
from smgw.store.logs import Event, SystemLog
from smgw.store.notifications import Notifications
from tests.smgw.store.samples import START, open_database

OFFSET = timedelta(hours=-3, microseconds=7)
RIGHT = ClockMemory(offset=OFFSET, trusted_at=START)
WRONG = ClockMemory(offset=OFFSET, trusted_at=START, deviating=True, deviation=timedelta(seconds=-40, microseconds=1))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path)
    yield opened
    opened.close()


def events(database: Database) -> tuple[list[Event], list[Event]]:
    return (
        [entry.event for entry in SystemLog(database).entries()],
        [entry.event for entry in CalibrationLog(database).entries()],
    )


def test_a_new_store_remembers_nothing(database: Database) -> None:
    assert ClockRecords(database).load() == ClockMemory()


@pytest.mark.parametrize("memory", [RIGHT, WRONG])
def test_what_is_kept_comes_back_to_the_microsecond(database: Database, memory: ClockMemory) -> None:
    ClockRecords(database).still_deviating(memory)
    assert ClockRecords(database).load() == memory
    assert events(database) == ([], [])


def test_a_deviation_that_ended_is_forgotten(database: Database) -> None:
    """TR-03109-1, setting of the time: in both logs, with before and after."""
    records = ClockRecords(database)
    records.deviated(WRONG, START, timedelta(seconds=27), "deviation")
    records.ordered(RIGHT, START, START - timedelta(hours=1), "normal", ended=True)
    assert records.load() == RIGHT
    both = [Event.CLOCK_DEVIATION, Event.SECURE_STATE, Event.CLOCK_SET, Event.SECURE_STATE]
    assert events(database) == (both, both)
    change = CalibrationLog(database).entries()[2].parameters
    assert change == {
        "before": "2026-01-01T00:00:00Z", "after": "2025-12-31T23:00:00Z", "deviation_milliseconds": -3_600_000,
    }  # fmt: skip
    assert Notifications(database).waiting() == 3, "the deviation, and both changes of the state"


def test_an_order_without_a_secure_state_ends_none(database: Database) -> None:
    ClockRecords(database).ordered(RIGHT, START, START, "normal", ended=False)
    assert events(database) == ([Event.CLOCK_SET], [Event.CLOCK_SET])


def test_routine_is_counted_in_the_system_log_alone(database: Database) -> None:
    records = ClockRecords(database)
    for _ in range(3):
        records.compared(RIGHT, START, corrected=True)
        records.failed("slow", START)
    assert events(database) == ([Event.CLOCK_SYNCHRONISED] * 2, [])
    assert [entry.repetition_count for entry in SystemLog(database).entries()] == [2, 2]
    assert Notifications(database).waiting() == 0


def test_memory_and_logs_stand_or_fall_together(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("full", "no space")  # type: ignore[arg-type]

    monkeypatch.setattr(notifications, "note", full)
    records = ClockRecords(database)
    with pytest.raises(StoreError):
        records.deviated(WRONG, START, timedelta(seconds=27), "deviation")
    assert records.load() == ClockMemory()
    assert events(database) == ([], [])
    assert Notifications(database).waiting() == 0


def test_milliseconds_are_whole() -> None:
    assert milliseconds(timedelta(microseconds=1999)) == 1
    assert milliseconds(timedelta(microseconds=-1)) == -1
