from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store.calibration_log import CalibrationLog
from smgw.store.consumer_log import ConsumerLog
from smgw.store.database import Database
from smgw.store.events import Level
from smgw.store.logs import REPETITION_WINDOW, Event, Outcome, SystemLog
from smgw.store.notifications import Notifications
from tests.smgw.store.samples import START, open_database

SECOND = timedelta(seconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def test_an_entry_says_what_happened_to_whom_by_whom_and_when(database: Database) -> None:
    """FAU_GEN.1/SYS; TR-03109-1, log entries: number, ids, level, outcome, subject, user; FAU_GEN.2: who did it."""
    log = SystemLog(database)
    log.record(Event.ORDER_DONE, "restart", Outcome.SUCCESS, at=START, sequence=3)
    parameters: dict[str, str | int] = {"sequence": 4, "reason": "expired"}
    log.record_for(Event.ORDER_REFUSED, "restart", Outcome.FAILURE, at=START, user="gwa-1", parameters=parameters)
    done, refused = log.entries()
    assert (done.record_number, done.event_id, done.event_sub_id, done.vendor_id) == (1, 50056, 0, "OPEN")
    assert (done.level, done.outcome, done.user) == (Level.INFO, Outcome.SUCCESS, "administrator")
    assert (refused.level, refused.outcome, refused.user) == (Level.WARNING, Outcome.FAILURE, "gwa-1")
    assert refused.previous == done.hash


def test_a_caller_names_an_event_once_and_it_stands_where_it_must(database: Database) -> None:
    """FAU_GEN.1/CON, FAU_GEN.1/CAL: the table of events says in which logs; what is private stays with the consumer."""
    log = SystemLog(database)
    log.concern([("anna", "tariff"), ("bert", "other"), ("anna", "1ISK0087654321")])
    log.record(Event.DELIVERY_ACKNOWLEDGED, "tariff", Outcome.SUCCESS, at=START, party="grid", values=96)
    log.record(Event.CLOCK_SET, "clock", Outcome.SUCCESS, at=START, before="a", after="b", deviation_milliseconds=1)
    log.record_for(
        Event.CONSUMER_ACCESS, "values", Outcome.SUCCESS, at=START, consumers=("bert",), parameters={"what": "values"}
    )
    anna, bert = ConsumerLog(database, "anna").entries(), ConsumerLog(database, "bert").entries()
    assert [(entry.event, entry.vendor_id, entry.event_id) for entry in anna] == [
        (Event.DELIVERY_ACKNOWLEDGED, "BSI", 16001),
        (Event.CLOCK_SET, "OPEN", 50072),
    ]
    assert anna[0].parameters == {"party": "grid", "values": 96}
    assert [entry.event for entry in bert] == [Event.CLOCK_SET, Event.CONSUMER_ACCESS]
    assert [entry.event for entry in CalibrationLog(database).entries()] == [Event.CLOCK_SET]
    system = log.entries()
    assert [(entry.event, entry.parameters.get("values")) for entry in system] == [
        (Event.DELIVERY_ACKNOWLEDGED, None),
        (Event.CLOCK_SET, None),
    ]


def test_no_name_of_a_consumer_comes_into_the_system_log(database: Database) -> None:
    """O.Log, OSP.Log: no personal data in the system log."""
    log = SystemLog(database)
    log.concern([("anna", "tariff")])
    for event in Event:
        log.record_for(event, "tariff", Outcome.FAILURE, at=START, consumers=("anna",), parameters={})
    assert len(ConsumerLog(database, "anna").entries()) > 5
    assert "anna" not in repr(log.entries()) + repr(CalibrationLog(database).entries())
    assert Event.CONSUMER_ACCESS not in {entry.event for entry in log.entries()}


def test_what_no_entry_can_hold_is_cut_and_the_event_written(database: Database) -> None:
    SystemLog(database).record(
        Event.PROFILE_REFUSED, "\ud800" * 600, Outcome.FAILURE, at=START, reason="x" * 70_000, sentence=2**70
    )
    (entry,) = SystemLog(database).entries()
    assert (entry.subject, len(str(entry.parameters["reason"]))) == ("?" * 512, 512)
    assert entry.parameters["sentence"] == str(2**70)


def test_what_is_an_alarm_is_queued_with_its_entry(database: Database) -> None:
    """FAU_ARP.1/SYS, FAU_SAA.1/SYS: the administrator is told in the transaction of the entry."""
    SystemLog(database).record(Event.WAKE_UP_REFUSED, "EABC0012345678", Outcome.FAILURE, at=START, reason="signature")
    told = Notifications(database).oldest()
    assert told is not None
    assert (told.event, told.parameters) == (Event.WAKE_UP_REFUSED, {"reason": "signature"})


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
    """FAU_STG.4/SYS: the oldest entry of the system log gives way."""
    log = SystemLog(database, capacity=10)
    for number in range(25):
        log.record(Event.GATEWAY_STARTED, "gateway", Outcome.SUCCESS, at=START, deviation=number)
    entries = log.entries()
    assert [entry.parameters["deviation"] for entry in entries] == list(range(15, 25))
    assert [entry.record_number for entry in entries] == list(range(16, 26))
    assert log.entries(after=24, limit=5) == entries[-1:]
