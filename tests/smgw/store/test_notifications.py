"""Which events become notifications, and how few."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store import notifications
from smgw.store.database import Database
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.notifications import ALARMS, KEPT, SEVERAL, Notifications, Queued, is_alarm
from tests.smgw.store.samples import START, open_database

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FAILURE, SUCCESS = Outcome.FAILURE, Outcome.SUCCESS


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def log(database: Database) -> SystemLog:
    return SystemLog(database)


@pytest.fixture
def queue(database: Database) -> Notifications:
    return Notifications(database)


def drained(queue: Notifications) -> list[Queued]:
    """Tell everything."""
    told = []
    while (queued := queue.oldest()) is not None:
        queue.attempt(queued.number, START)
        queue.sent(queued.number, START)
        told.append(queued)
    return told


@pytest.mark.parametrize(
    "event",
    [
        Event.WAKE_UP_REFUSED, Event.ORDER_REFUSED, Event.ADMINISTRATOR_REFUSED,  # somebody who is not who he says
        Event.SELF_TEST, Event.LOG_ALTERED, Event.STORE_FAILED, Event.FIRMWARE_REFUSED, Event.FIRMWARE_ROLLED_BACK,
        Event.PROFILE_REFUSED, Event.FIREWALL_APPLIED,  # integrity
        Event.CLOCK_DEVIATION, Event.CLOCK_JUMPED, Event.SECURE_STATE, Event.CALIBRATION_LOG_FULL,
        Event.METER_STATE, Event.TELEGRAM_REFUSED, Event.READING_REFUSED,
    ],
)  # fmt: skip
def test_what_indicates_a_violation_is_told(event: Event) -> None:
    """FAU_SAA.1/SYS: failed authentication, integrity, time, and meters that are not believed."""
    assert is_alarm(event, FAILURE, {}, new=True)


def test_what_nobody_entered_is_no_alarm() -> None:
    """FAU_SAA.1/SYS: the rules are a table, and nothing else is one."""
    for event in set(Event) - set(ALARMS):
        assert not any(is_alarm(event, outcome, {}, new=True) for outcome in Outcome)


def test_telling_causes_nothing_to_tell() -> None:
    """Neither that something was told nor that the administrator cannot be reached."""
    assert Event.NOTIFICATION_SENT not in ALARMS
    assert Event.CLOCK_SYNCHRONISED not in ALARMS
    assert not is_alarm(Event.TUNNEL_FAILED, FAILURE, {"reason": "unreachable"}, new=True)
    assert is_alarm(Event.TUNNEL_FAILED, FAILURE, {"reason": "peer-certificate"}, new=True)


@pytest.mark.parametrize(
    ("event", "outcome", "new", "alarm"),
    [
        (Event.METER_STATE, FAILURE, True, True),
        (Event.METER_STATE, FAILURE, False, False),
        (Event.METER_STATE, SUCCESS, True, False),
        (Event.SECURE_STATE, FAILURE, False, True),
        (Event.SECURE_STATE, SUCCESS, False, True),
        (Event.SELF_TEST, SUCCESS, True, False),
        (Event.SELF_TEST, FAILURE, False, True),
        (Event.WAKE_UP_REFUSED, FAILURE, True, True),
        (Event.DELIVERY_SET_ASIDE, FAILURE, True, True),
        (Event.CERTIFICATE_EXPIRING, FAILURE, True, True),
        (Event.FIREWALL_APPLIED, FAILURE, True, True),
        (Event.FIREWALL_APPLIED, SUCCESS, True, False),
        (Event.FIRMWARE_ROLLED_BACK, FAILURE, True, True),
    ],
)
def test_the_table(event: Event, outcome: Outcome, *, new: bool, alarm: bool) -> None:
    """FAU_SAA.1/SYS: which event with which outcome indicates a violation."""
    assert is_alarm(event, outcome, {}, new=new) is alarm


def test_an_entry_of_the_log_is_told_as_it_is(log: SystemLog, queue: Notifications) -> None:
    log.record(Event.METER_STATE, "1ISK0087654321", FAILURE, at=START, reason="silent")
    log.record(Event.GATEWAY_STARTED, "gateway", SUCCESS, at=START)
    assert drained(queue) == [
        Queued(1, Event.METER_STATE, "1ISK0087654321", FAILURE, START, {"reason": "silent"}),
    ]
    assert queue.oldest() is None


def test_numbers_rise_by_one_and_the_oldest_is_first(log: SystemLog, queue: Notifications) -> None:
    for number in range(3):
        log.record(Event.LINE_STATE, f"line-{number}", FAILURE, at=START, state="lost")
    assert [(queued.number, queued.subject) for queued in drained(queue)] == [
        (1, "line-0"), (2, "line-1"), (3, "line-2"),
    ]  # fmt: skip


def test_a_flood_is_one_counted_notification(log: SystemLog, queue: Notifications) -> None:
    for number in range(50):
        log.record(Event.WAKE_UP_REFUSED, "gateway", FAILURE, at=START + number * MINUTE, times=10, reason="signature")
    assert queue.waiting() == 1
    (queued,) = drained(queue)
    assert (queued.at, queued.parameters) == (
        START,
        {"reason": "signature", "times": 500, "last_at": "2026-01-01T00:49:00Z"},
    )


def test_what_goes_on_is_told_once_a_day(log: SystemLog, queue: Notifications) -> None:
    told = 0
    for hour in range(72):
        log.record(Event.METER_STATE, "meter", FAILURE, at=START + hour * timedelta(hours=1), reason="silent")
        told += len(drained(queue))
    assert told == 3


def test_a_secure_state_is_told_each_time(log: SystemLog, queue: Notifications) -> None:
    for number in range(4):
        outcome = SUCCESS if number % 2 else FAILURE
        log.record(Event.SECURE_STATE, "clock", outcome, at=START + number * MINUTE, state="deviation")
    assert [queued.outcome for queued in drained(queue)] == [FAILURE, SUCCESS]
    log.record(Event.SECURE_STATE, "clock", FAILURE, at=START + 5 * MINUTE, state="deviation")
    assert len(drained(queue)) == 1


def test_entries_that_differ_in_their_details_are_counted_too(log: SystemLog, queue: Notifications) -> None:
    for number in range(200):
        log.record(Event.DELIVERY_SET_ASIDE, "grid-1", FAILURE, at=START, sequence=number, reason="refused")
    (queued,) = drained(queue)
    assert (queued.parameters["times"], queued.parameters["sequence"]) == (200, 0)


def test_what_may_have_been_told_keeps_its_content(database: Database, log: SystemLog, queue: Notifications) -> None:
    log.record(Event.SELF_TEST, "gateway", FAILURE, at=START, failed="clock")
    first = queue.oldest()
    assert first is not None
    queue.attempt(first.number, START)
    log.record(Event.SELF_TEST, "gateway", FAILURE, at=START + MINUTE, failed="clock")
    assert queue.oldest() == first
    assert queue.waiting() == 2
    with pytest.raises(StoreError), database.write() as connection:
        connection.exec_driver_sql("UPDATE notifications SET parameters = '{}' WHERE number = 1")


def test_what_was_not_told_cannot_be_removed(database: Database, log: SystemLog) -> None:
    log.record(Event.SELF_TEST, "gateway", FAILURE, at=START)
    with pytest.raises(StoreError), database.write() as connection:
        connection.exec_driver_sql("DELETE FROM notifications")


def test_told_once_is_told_for_good(log: SystemLog, queue: Notifications) -> None:
    log.record(Event.SELF_TEST, "gateway", FAILURE, at=START)
    queue.sent(1, START)
    queue.sent(1, START + MINUTE)
    assert (queue.oldest(), queue.waiting()) == (None, 0)


def test_the_oldest_that_was_told_goes(
    database: Database, log: SystemLog, queue: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "KEPT", 3)
    assert KEPT == 1000
    for number in range(10):
        log.record(Event.LINE_STATE, f"line-{number}", FAILURE, at=START)
    drained(queue)
    with database.read() as connection:
        kept = connection.exec_driver_sql("SELECT number FROM notifications ORDER BY number").scalars().all()
    assert kept == [8, 9, 10]


def test_a_full_queue_tells_by_event_alone(
    log: SystemLog, queue: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "CAPACITY", 5)
    for number in range(100):
        log.record(Event.LINE_STATE, f"line-{number}", FAILURE, at=START)
    log.record(Event.SELF_TEST, "gateway", FAILURE, at=START)
    told = drained(queue)
    assert [queued.subject for queued in told] == [*(f"line-{number}" for number in range(5)), SEVERAL, SEVERAL]
    assert (told[5].parameters["times"], told[6].event) == (95, Event.SELF_TEST)


def test_the_entry_and_its_notification_stand_or_fall_together(
    database: Database, log: SystemLog, queue: Notifications
) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE notifications")
    with pytest.raises(StoreError):
        log.record(Event.SELF_TEST, "gateway", FAILURE, at=START)
    assert log.entries() == []
