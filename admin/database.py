"""The way to the administrator's database: one SQLite file, used by several processes at once.

Decides durability (WAL with ``synchronous=FULL``: a commit survives a power cut) and that a writer takes its lock at
once and waits for another: what is read inside :func:`writing` cannot change before the commit, which is what makes
the assignment of sequence numbers and the chain of the audit log safe. No SQL of the domain stands here.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from admin import schema
from admin.errors import StorageError

BUSY_MILLISECONDS = 10_000
"""How long a writer waits for one of another process. A transaction takes milliseconds, one signature in the token
included, and SQLite gives a free lock to whoever looks: a few writers are done long before, hundreds are not."""
TURN_SECONDS = 60.0
"""How long a writer waits for the others of its own process, which take turns and never meet at SQLite's lock: so
several hundred tunnels write at once without any of them going without."""

_turns: WeakKeyDictionary[sa.Engine, threading.Lock] = WeakKeyDictionary()
_turns_lock = threading.Lock()


def open_database(file: Path) -> sa.Engine:
    """Open ``file``, readable by its owner alone, and create what is missing. Raises StorageError."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files beside it (WAL, shared memory) the same mode.
        file.touch(mode=0o600)
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror}") from error
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(file)),
        connect_args={"timeout": BUSY_MILLISECONDS / 1000},
        pool_size=8,
        max_overflow=56,
        hide_parameters=True,
    )
    sa.event.listen(engine, "connect", _connected)
    sa.event.listen(engine, "begin", _begins)
    with reading(engine) as connection:
        made = connection.exec_driver_sql("PRAGMA user_version").scalar_one() == schema.SCHEMA_VERSION
    if not made:
        with writing(engine) as connection:
            schema.create(connection)
    return engine


def _connected(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS:d}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA trusted_schema=OFF")
    cursor.close()


def _begins(connection: sa.Connection) -> None:
    """A writer takes its lock at once: upgrading a read lock later can fail without waiting."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def translated() -> Iterator[None]:
    """Turn every trouble with the database into StorageError; nothing of SQLAlchemy gets past here.

    A number that does not fit into SQLite's 64 bits was written by a person: what gateways say is bounded before.
    """
    try:
        yield
    except OverflowError as error:
        raise StorageError("a number is larger than the database can hold") from error
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        hint = "; try again" if isinstance(error, OperationalError) else ""
        raise StorageError(f"the database does not answer: {cause}{hint}") from error


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that writes: committed when the block ends, rolled back by any exception. Raises StorageError."""
    with (
        _turn(engine),
        translated(),
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def _turn(engine: sa.Engine) -> Iterator[None]:
    """The only writer of this process, before a connection is taken. Raises StorageError."""
    with _turns_lock:
        lock = _turns.setdefault(engine, threading.Lock())
    if not lock.acquire(timeout=TURN_SECONDS):
        raise StorageError("the database does not answer: too much is being written; try again")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One consistent view for reading. Raises StorageError."""
    with translated(), engine.connect() as connection, connection.begin():
        yield connection


def to_seconds(moment: datetime) -> int:
    """Epoch seconds; a fraction is dropped. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        message = "a time without a zone"
        raise ValueError(message)
    return int(moment.timestamp())


def from_seconds(seconds: int) -> datetime:
    """The time of :func:`to_seconds`."""
    return datetime.fromtimestamp(seconds, UTC)


def from_seconds_or_none(seconds: int | None) -> datetime | None:
    """The time, where there is one."""
    return None if seconds is None else from_seconds(seconds)
