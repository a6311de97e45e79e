from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store.database import Database
from smgw.store.logs import REPETITION_WINDOW, Event, Outcome, SystemLog
from tests.smgw.store.samples import START, open_database

SECOND = timedelta(seconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def test_once_and_then_counted(database: Database) -> None:
    log = SystemLog(database)
    for number in range(5):
        log.record(Event.METER_STATE, "1ISK0087654321", Outcome.FAILURE, at=START + number * SECOND, reason="SILENT")
        log.record(Event.METER_STATE, "1ISK0087654321", Outcome.FAILURE, at=START + number * SECOND, reason="NOISE")
    first, second = log.entries()
    assert (first.repetition_count, first.first_at, first.last_at) == (4, START, START + 4 * SECOND)
    assert (first.parameters, second.parameters) == ({"reason": "SILENT"}, {"reason": "NOISE"})


def test_what_was_counted_elsewhere_is_one_entry_with_that_count(database: Database) -> None:
    log = SystemLog(database)
    for times in (50_000, 7):
        log.record(Event.WAKE_UP_REFUSED, "EABC0012345678", Outcome.FAILURE, at=START, times=times, reason="size")
    (entry,) = log.entries()
    assert entry.repetition_count == 50_006
    assert entry.parameters == {"reason": "size"}


def test_another_outcome_or_another_day_is_another_entry(database: Database) -> None:
    log = SystemLog(database)
    for at, outcome in (
        (START, Outcome.FAILURE),
        (START, Outcome.SUCCESS),
        (START + REPETITION_WINDOW - SECOND, Outcome.FAILURE),
        (START + REPETITION_WINDOW, Outcome.FAILURE),
    ):
        log.record(Event.LINE_STATE, "rs485-1", outcome, at=at)
    assert [entry.repetition_count for entry in log.entries()] == [1, 0, 0]


def test_the_ring_overwrites_the_oldest(database: Database) -> None:
    log = SystemLog(database, capacity=10)
    for number in range(25):
        log.record(Event.GATEWAY_STARTED, "gateway", Outcome.SUCCESS, at=START, number=number)
    entries = log.entries()
    assert [entry.parameters["number"] for entry in entries] == list(range(15, 25))
    assert [entry.record_number for entry in entries] == list(range(16, 26))
    assert log.entries(after=24, limit=5) == entries[-1:]
