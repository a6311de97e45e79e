"""FPT_RPL.1: what was believed once is never believed again."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.wake_ups import WakeUpMemory
from tests.smgw.store.samples import START, open_database

SECOND = timedelta(seconds=1)


def nonce(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def test_what_was_remembered_is_seen_and_nothing_else(database: Database) -> None:
    memory = WakeUpMemory(database)
    assert not memory.seen(nonce(1), START)
    memory.remember(nonce(1), START)
    assert memory.seen(nonce(1), START)
    assert memory.seen(nonce(1), START + SECOND), "the same nonce under another time is no other wake-up"
    assert not memory.seen(nonce(2), START)
    assert not memory.seen(nonce(2), START - timedelta(days=400))


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    first = open_database(tmp_path)
    WakeUpMemory(first).remember(nonce(1), START)
    first.close()
    second = open_database(tmp_path, create=False)
    memory = WakeUpMemory(second)
    assert memory.seen(nonce(1), START)
    assert not memory.seen(nonce(2), START)
    second.close()


def test_it_never_grows_and_what_it_forgot_is_not_believed_again(database: Database) -> None:
    memory = WakeUpMemory(database, capacity=10)
    for number in range(25):
        assert not memory.seen(nonce(number), START + number * SECOND)
        memory.remember(nonce(number), START + number * SECOND)
    for again in (memory, WakeUpMemory(database, capacity=10)):  # also after a restart
        assert all(again.seen(nonce(number), START + number * SECOND) for number in range(25))
        # Whatever the clock says now: nothing as old as what was forgotten comes through.
        assert again.seen(nonce(99), START + 14 * SECOND)
        assert again.seen(nonce(99), START + 15 * SECOND)
        assert not again.seen(nonce(99), START + 16 * SECOND)


def test_wake_ups_of_one_second_crowd_each_other_out_and_stay_seen(database: Database) -> None:
    memory = WakeUpMemory(database, capacity=3)
    for number in range(3):
        memory.remember(nonce(number), START)
    memory.remember(nonce(9), START + SECOND)
    assert all(memory.seen(nonce(number), START) for number in range(5))
    assert not memory.seen(nonce(10), START + SECOND)


def test_an_old_one_does_not_push_out_a_newer_one(database: Database) -> None:
    memory = WakeUpMemory(database, capacity=2)
    memory.remember(nonce(1), START)
    memory.remember(nonce(2), START)
    memory.remember(nonce(3), START - timedelta(days=1))
    assert memory.seen(nonce(1), START)
    assert memory.seen(nonce(2), START)
    assert memory.seen(nonce(3), START - timedelta(days=1))


def test_remembering_twice_is_refused(database: Database) -> None:
    memory = WakeUpMemory(database)
    memory.remember(nonce(1), START)
    with pytest.raises(StoreError) as caught:
        memory.remember(nonce(1), START)
    assert caught.value.reason is StoreReason.CONFLICT
