from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store import logs
from smgw.store.calibration_log import CalibrationLog
from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.events import Event, Log, Outcome
from smgw.store.log_chain import CAPACITY, RESERVE
from smgw.store.logs import SystemLog
from tests.smgw.store.samples import START, open_database

SMALL = {**CAPACITY, Log.CALIBRATION: 4}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def note(database: Database, event: Event, subject: str) -> None:
    with database.write() as connection:
        logs.note(connection, event, subject, Outcome.FAILURE, at=START, parameters={}, capacities=SMALL)


def test_every_time_an_entry_of_its_own(database: Database) -> None:
    """FAU_GEN.1/CAL: what bears on measuring is not counted together."""
    log = CalibrationLog(database)
    for second in range(3):
        at = START + timedelta(seconds=second)
        SystemLog(database).record(Event.PROFILE_INSTALLED, "meter-1", Outcome.SUCCESS, at=at, kind="meter", version=1)
    assert [entry.first_at for entry in log.entries()] == [START + timedelta(seconds=second) for second in range(3)]
    assert [entry.record_number for entry in log.entries(after=1)] == [2, 3]
    assert [entry.record_number for entry in log.entries(after=1, limit=1)] == [2]


def test_what_a_meter_can_cause_is_counted(database: Database) -> None:
    for hour in range(100):
        at = START + timedelta(hours=hour)
        SystemLog(database).record(Event.METER_STATE, "1ISK0087654321", Outcome.FAILURE, at=at, reason="silent")
    (entry,) = CalibrationLog(database).entries()
    assert entry.repetition_count == 99
    assert len(SystemLog(database).entries()) == 5


def test_what_comes_and_goes_does_not_fill_it(database: Database) -> None:
    """FAU_STG.4/CAL, FPT_FLS.1: rules that another program takes away every few seconds stop no metering for good."""
    for second in range(0, 600, 5):
        for outcome, state in ((Outcome.FAILURE, "connectivity"), (Outcome.SUCCESS, "normal")):
            at = START + timedelta(seconds=second)
            SystemLog(database).record(Event.SECURE_STATE, "firewall", outcome, at=at, state=state, condition="rules")
    assert [entry.repetition_count for entry in CalibrationLog(database).entries()] == [119, 119]


def test_a_full_one_does_not_keep_the_self_test_from_being_told(database: Database) -> None:
    """FAU_STG.4/CAL, FAU_ARP.1/SYS: the administrator learns what else is wrong with a gateway that has stopped."""
    for number in range(4):
        note(database, Event.FIRMWARE_REFUSED, f"{number}")
    note(database, Event.SELF_TEST, "gateway")
    assert SystemLog(database).entries()[-1].event is Event.SELF_TEST


def test_when_it_is_full_only_the_stop_is_written(database: Database) -> None:
    """FAU_STG.4/CAL: nothing is overwritten, nothing that must be told happens any more, the stop has its reserve."""
    for number in range(4):
        note(database, Event.FIRMWARE_REFUSED, f"{number}")
    before = SystemLog(database).entries()
    with pytest.raises(StoreError) as refusal:
        note(database, Event.FIRMWARE_REFUSED, "4")
    assert refusal.value.reason is StoreReason.LOG_FULL
    assert SystemLog(database).entries() == before
    for number in range(RESERVE):
        note(database, Event.SECURE_STATE, f"{number}")
    note(database, Event.CLOCK_SET, "one more")
    assert SystemLog(database).entries()[-1].subject == "one more", "or nobody could administer the gateway any more"
    with pytest.raises(StoreError):
        note(database, Event.FIRMWARE_REFUSED, "another")
    assert [entry.record_number for entry in CalibrationLog(database).entries()] == list(range(1, 5 + RESERVE))


def test_how_full_it_is(database: Database) -> None:
    log = CalibrationLog(database, capacity=4)
    for percent in (0, 25, 50, 75, 100):
        assert log.percent() == percent
        note(database, Event.CALIBRATION_LOG_FULL, "x")
