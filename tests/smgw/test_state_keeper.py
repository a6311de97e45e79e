"""What begins and ends is written down once each, whatever threads, restarts and a full store do."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from smgw.clock import LONGEST_TRUST, ClockEvent, ClockMemory, GatewayClock
from smgw.secure_states import GRACE, Condition, Conditions, Duty, SecureStates
from smgw.state_keeper import StateKeeper
from smgw.store.condition_records import ConditionRecords
from smgw.store.database import Database
from smgw.store.errors import StoreFullError
from smgw.store.logs import Event, SystemLog
from tests.smgw.store.samples import START, open_database

MINUTE = timedelta(minutes=1)
PATIENCE = 60.0


class House:
    """One gateway's states, as after a start."""

    def __init__(self, database: Database, changed: Callable[[], None] = lambda: None) -> None:
        self.database = database
        self.records = ConditionRecords(database)
        self.conditions = Conditions(self.records.load())
        self.clock = GatewayClock(lambda: START)
        self.states = SecureStates(self.clock, self.conditions)
        self.keeper = StateKeeper(self.states, self.records, lambda: START, changed)

    def told(self) -> list[tuple[str, str, object]]:
        return [
            (entry.subject, entry.outcome.name, entry.parameters["state"])
            for entry in SystemLog(self.database).entries()
            if entry.event is Event.SECURE_STATE
        ]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def test_each_is_told_once_and_so_is_its_end(database: Database) -> None:
    """FPT_FLS.1: the logs say which state began when, and what remained."""
    house = House(database)
    house.conditions.set(Condition.CERTIFICATES_BAD, "expired", START)
    house.conditions.set(Condition.PROGRAM_ALTERED, "", START)
    house.keeper.look(START)
    house.keeper.look(START + MINUTE)
    house.conditions.clear(Condition.PROGRAM_ALTERED, START + MINUTE)
    house.keeper.look(START + MINUTE)
    assert house.told() == [
        ("certificates-bad", "FAILURE", "connectivity"), ("program-altered", "FAILURE", "boot"),
        ("program-altered", "SUCCESS", "connectivity"),
    ]  # fmt: skip


def test_what_was_over_before_anybody_looked_is_told_too(database: Database) -> None:
    house = House(database)
    house.conditions.set(Condition.DISK_FULL, "", START)
    house.conditions.clear(Condition.DISK_FULL, START)
    house.keeper.look(START)
    assert [outcome for _, outcome, _ in house.told()] == ["FAILURE", "SUCCESS"]
    assert house.records.load() == ()


def test_a_restart_forgets_nothing_and_tells_nothing_again(database: Database) -> None:
    """FPT_FLS.1: what only a whole self-test finds again holds from the first moment of the next run."""
    house = House(database)
    house.conditions.set(Condition.DATABASE_DAMAGED, "a page", START)
    house.conditions.set(Condition.FIREWALL_NOT_APPLIED, "", START)
    house.keeper.look(START)
    house = House(database)
    assert [one.condition for one in house.conditions.active] == [Condition.DATABASE_DAMAGED]
    house.keeper.look(START)
    assert len(house.told()) == 2
    house.conditions.clear(Condition.DATABASE_DAMAGED, START)
    house.keeper.look(START)
    assert house.told()[2:] == [("database-damaged", "SUCCESS", "normal")]
    assert House(database).conditions.active == ()


def test_a_state_that_comes_later_is_told_when_it_comes(database: Database) -> None:
    house = House(database)
    house.conditions.set(Condition.UPDATE_FAILED, "", START)
    house.keeper.look(START)
    assert house.told() == []
    house = House(database)
    house.keeper.look(START + GRACE[Condition.UPDATE_FAILED])
    assert house.told() == [("update-failed", "FAILURE", "boot")]
    house.conditions.clear(Condition.UPDATE_FAILED, START)
    house.keeper.look(START + GRACE[Condition.UPDATE_FAILED])
    assert house.told()[1:] == [("update-failed", "SUCCESS", "normal")]


def test_of_the_clock_it_tells_what_happens_by_itself(database: Database) -> None:
    house = House(database)
    house.clock.take(ClockEvent.AGREED, ClockMemory(trusted_at=START))
    house.keeper.look(START)
    house.keeper.look(START + LONGEST_TRUST + MINUTE)
    house.keeper.look(START)
    house.clock.take(ClockEvent.DEVIATED, ClockMemory(trusted_at=START, deviating=True))
    house.keeper.look(START)
    assert house.told() == [("clock", "FAILURE", "measurement"), ("clock", "SUCCESS", "normal")]


def test_a_store_that_takes_nothing_is_tried_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(database)
    with monkeypatch.context() as patched:

        def full(*_: object, **__: object) -> None:
            raise StoreFullError("no space")

        patched.setattr(house.records, "tell", full)
        house.conditions.set(Condition.DISK_FULL, "", START)
        with pytest.raises(StoreFullError):
            house.keeper.look(START)
    assert not house.states.works(Duty.DELIVER, START), "the state holds all the same"
    house.keeper.look(START)
    assert house.told() == [("disk-full", "FAILURE", "application")]
    assert house.records.load() == house.conditions.active


def test_its_thread_writes_at_once_and_lets_others_look(database: Database) -> None:
    looked = threading.Event()
    house = House(database, looked.set)
    house.keeper.start()
    house.conditions.set(Condition.DISK_FULL, "", START)
    assert looked.wait(PATIENCE)
    house.conditions.clear(Condition.DISK_FULL, START)
    house.keeper.stop()
    house.keeper.stop()
    assert [outcome for _, outcome, _ in house.told()] == ["FAILURE", "SUCCESS"]


def test_a_full_store_and_a_defect_end_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    house, tried = House(database), threading.Semaphore(0)

    def failing(_: datetime) -> None:
        tried.release()
        raise errors.pop()

    errors: list[Exception] = [StoreFullError("no space"), RuntimeError("a defect")]
    real = house.keeper.look
    monkeypatch.setattr(house.keeper, "look", failing)
    house.keeper.start()
    for _ in range(2):
        house.conditions.set(Condition.DISK_FULL, "", START)
        house.conditions.clear(Condition.DISK_FULL, START)
        assert tried.acquire(timeout=PATIENCE)
    monkeypatch.setattr(house.keeper, "look", real)
    house.keeper.stop()
    assert len(house.told()) == 2, "the log counts what repeats"
