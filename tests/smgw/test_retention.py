from pathlib import Path

import pytest

from smgw.retention import Retention
from smgw.store.logs import Event, SystemLog
from smgw.store.settings import Settings
from tests.smgw.store.samples import START, open_database
from wire.orders import SetRetention


def test_what_is_ordered_is_kept_and_told_as_not_enforced(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    log = SystemLog(database)
    retention = Retention(Settings(database), log)
    assert retention.report() == {"readings_days": None, "system_log_days": None, "set_at": None, "enforced": False}
    assert retention(SetRetention(100, 30), START).result == {"enforced": False}
    assert retention.report() == {
        "readings_days": 100, "system_log_days": 30, "set_at": "2026-01-01T00:00:00Z", "enforced": False,
    }  # fmt: skip
    (told,) = log.entries()
    assert (told.event, told.parameters) == (Event.RETENTION_SET, {"readings_days": 100, "system_log_days": 30})
    database.close()


def test_a_log_that_takes_no_entry_undoes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = open_database(tmp_path)
    with database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON system_log BEGIN SELECT RAISE(ABORT, 'no entry'); END"
        )
    retention = Retention(Settings(database), SystemLog(database))
    assert retention(SetRetention(100, 30), START).result == {"enforced": False}
    assert retention.report()["readings_days"] == 100
    assert "system log" in caplog.text
    database.close()
