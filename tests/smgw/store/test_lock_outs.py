"""What is kept of wrong attempts lies there after a restart, and no longer than it counts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store import lock_outs
from smgw.store.database import Database
from smgw.store.lock_outs import NOBODY, LockOutRecord
from smgw.store.rows import to_seconds
from tests.smgw.store.samples import START, open_database

DAY = 86400


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def keep(database: Database, account: str, attempts: int, *, seconds: int = 0) -> None:
    with database.write() as connection:
        at = START + timedelta(seconds=seconds)
        lock_outs.keep(connection, account, 3, attempts, at, forgotten_seconds=DAY)


def loaded(database: Database) -> dict[str, LockOutRecord]:
    with database.read() as connection:
        return dict(lock_outs.load(connection))


def test_the_newest_count_is_kept(database: Database) -> None:
    """FIA_AFL.1."""
    keep(database, "house", 1)
    keep(database, "house", 2, seconds=5)
    keep(database, "flat", 7)
    second = to_seconds(START)
    assert loaded(database) == {"house": LockOutRecord(3, 2, second + 5), "flat": LockOutRecord(3, 7, second)}
    with database.write() as connection:
        lock_outs.forget(connection, "house")
        lock_outs.forget(connection, "nobody")
    assert loaded(database).keys() == {"flat"}


def test_names_that_nobody_has_are_one_row_and_none_when_it_is_read(database: Database) -> None:
    for attempts in range(1, 4):
        keep(database, NOBODY, attempts)
    assert loaded(database) == {}
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT attempts FROM han_lock_outs").scalars().all() == [3]


def test_what_counts_no_more_goes(database: Database) -> None:
    keep(database, "house", 5)
    keep(database, "flat", 1, seconds=DAY)
    assert loaded(database).keys() == {"house", "flat"}
    keep(database, "flat", 2, seconds=DAY + 1)
    assert loaded(database).keys() == {"flat"}
