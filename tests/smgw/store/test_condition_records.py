"""What is kept of the secure states, over a restart and in both logs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smgw.secure_states import Active, Condition
from smgw.store.calibration_log import CalibrationLog
from smgw.store.condition_records import ConditionRecords
from smgw.store.database import Database
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.notifications import Notifications
from tests.smgw.store.samples import START, open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path, database: Database) -> None:
    found = (Active(Condition.DISK_FULL, START, "7 octets are free"), Active(Condition.PROGRAM_ALTERED, START))
    ConditionRecords(database).keep(found)
    database.close()
    again = open_database(tmp_path)
    records = ConditionRecords(again)
    assert set(records.load()) == set(found)
    records.keep(found[1:])
    assert records.load() == found[1:]
    records.keep(())
    assert records.load() == ()
    again.close()


def test_what_another_version_knew_is_left_out(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO conditions VALUES ('moon-full', 0, '')")
    assert ConditionRecords(database).load() == ()


def test_each_change_stands_in_both_logs_and_is_told(database: Database) -> None:
    """FAU_ARP.1/SYS, FPT_FLS.1: the administrator learns of each state that begins or ends."""
    records = ConditionRecords(database)
    records.tell(Condition.DISK_FULL, Outcome.FAILURE, START, state="application", detail="7 octets are free")
    records.tell(Condition.NO_VALID_TIME, Outcome.FAILURE, START, state="measurement")
    records.tell(Condition.DISK_FULL, Outcome.SUCCESS, START, state="normal")
    expected = [
        (
            "disk-full",
            Outcome.FAILURE,
            {"state": "application", "condition": "disk-full", "detail": "7 octets are free"},
        ),
        ("clock", Outcome.FAILURE, {"state": "measurement", "condition": "no-valid-time"}),
        ("disk-full", Outcome.SUCCESS, {"state": "normal", "condition": "disk-full"}),
    ]
    for log in (SystemLog(database), CalibrationLog(database)):
        entries = [one for one in log.entries() if one.event is Event.SECURE_STATE]
        assert [(one.subject, one.outcome, one.parameters) for one in entries] == expected
    assert Notifications(database).waiting() == 3
