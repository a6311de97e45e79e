from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store.calibration_log import CalibrationEntry, CalibrationLog, note
from smgw.store.database import Database
from smgw.store.logs import Event, Outcome
from tests.smgw.store.samples import START, open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def test_every_time_an_entry_of_its_own(database: Database) -> None:
    log = CalibrationLog(database)
    for second in range(3):
        at = START + timedelta(seconds=second)
        log.record(Event.PROFILE_INSTALLED, "meter-1", Outcome.SUCCESS, at=at, version=1)
    assert log.entries()[0] == CalibrationEntry(
        1, Event.PROFILE_INSTALLED, "meter-1", Outcome.SUCCESS, {"version": 1}, START
    )
    assert [entry.record_number for entry in log.entries(after=1)] == [2, 3]
    assert [entry.record_number for entry in log.entries(after=1, limit=1)] == [2]


def test_an_entry_goes_with_the_transaction_that_it_is_about(database: Database) -> None:
    def broken() -> None:
        with database.write() as connection:
            note(connection, Event.PROFILE_INSTALLED, "meter-1", Outcome.SUCCESS, at=START, parameters={})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert CalibrationLog(database).entries() == []
