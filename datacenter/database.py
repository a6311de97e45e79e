"""The way to the database: engines, transactions, and one kind of error for everything that is not our sender's fault.

Decides durability (a commit is on disk before anybody is told) and what counts as "temporary". No SQL of the domain
stands here. The driver is whatever the configured URL names; psycopg comes with the extra ``[postgres]`` only.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from datacenter import schema
from datacenter.errors import ConfigError, StorageError

BUSY_MILLISECONDS = 5_000
"""How long a SQLite writer waits for another; longer is answered as temporary."""
CONNECT_SECONDS = 5
"""PostgreSQL that does not answer within this is down; the gateway comes again."""

_log = logging.getLogger(__name__)


def engine(url: sa.URL, *, autocommit: bool = False) -> sa.Engine:
    """An engine for ``url``; connects to nothing yet. Raises ConfigError if the driver is not installed.

    With ``autocommit`` each statement is a transaction of its own, and a connection is not rolled back after use.
    """
    options: dict[str, Any] = {"pool_pre_ping": True}
    if autocommit:
        options = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
    arguments: dict[str, Any] = {}
    sqlite = url.get_backend_name() == "sqlite"
    if url.get_driver_name() == "psycopg":
        arguments["connect_timeout"] = CONNECT_SECONDS
    if sqlite:
        arguments["timeout"] = BUSY_MILLISECONDS / 1000
    try:
        # Parameters stay out of every message: they hold consumption.
        created = sa.create_engine(
            url,
            connect_args=arguments,
            pool_size=16,
            max_overflow=240,
            pool_timeout=5,
            hide_parameters=True,
            **options,
        )
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(f"no driver for {url.drivername}: install the extra [postgres]") from error
    if sqlite:
        sa.event.listen(created, "connect", _sqlite_connected)
        sa.event.listen(created, "begin", _sqlite_begins)
    return created


def _sqlite_connected(connection: Any, _record: object) -> None:
    """WAL with FULL: readers do not wait for the writer, and a commit survives a power cut."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS:d}")
    cursor.execute("PRAGMA trusted_schema=OFF")
    cursor.close()


def _sqlite_begins(connection: sa.Connection) -> None:
    """A writer takes its lock at once: upgrading a read lock later can fail without waiting."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def translated() -> Iterator[None]:
    """Turn every trouble with the database into StorageError; nothing of SQLAlchemy gets past here."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        # The statement and its parameters stay out of the log: they may hold consumption.
        _log.error("database: %s: %s", type(cause).__name__, str(cause).splitlines()[0] if str(cause) else "")
        raise StorageError(type(cause).__name__) from error


@contextmanager
def writing(source: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that writes: committed when the block ends, rolled back by any exception. Raises StorageError."""
    with translated(), source.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(source: sa.Engine) -> Iterator[sa.Connection]:
    """One consistent view for reading, however long it takes; rows may be streamed. Raises StorageError."""
    level = {} if source.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with translated(), source.connect().execution_options(**level) as connection, connection.begin():
        yield connection


def prepare(source: sa.Engine) -> None:
    """Create the tables where they are missing. Raises StorageError, and ConfigError over tables of another version."""
    with writing(source) as connection:
        schema.create(connection)
