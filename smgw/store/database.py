"""The encrypted database file, its key, and what a transaction is.

Decides how the file is opened: SQLCipher (every page AES-256-CBC with HMAC-SHA-512) under a raw key of 32 random bytes
that only the security module can unwrap (the wrapped key lies beside it in ``database.key``, bound to the
gateway's id).
A missing or foreign key refuses to start; nothing is ever created in place of something lost. A transaction that ended
well is on the disk (``synchronous=FULL``); one that did not leaves no trace. The key is never logged, never written.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, Self

import sqlalchemy as sa
from sqlcipher3 import dbapi2

from pki.errors import TrustError
from smgw.store import schema
from smgw.store.errors import StoreError, StoreFullError, StoreReason
from wire.reading import DeviceId

DATABASE_NAME = "gateway.db"
KEY_NAME = "database.key"
STORAGE_LABEL = "STORAGE"
"""Label of the wrapping key inside the token."""
KEY_SIZE = 32
BUSY_MILLISECONDS = 10_000
"""Longest wait for another writer of this process; a transaction here takes milliseconds."""
OVERWRITE_MILLISECONDS = 100
"""Longest wait for readers before the write-ahead log is cut to nothing."""
JOURNAL_LIMIT = 8 * 1024 * 1024
"""The WAL file is cut back to this after a checkpoint, so that one large import does not hold the disk for ever."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",
    "PRAGMA temp_store = MEMORY",  # SQLCipher does not encrypt temporary files
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}",
)


class KeyKeeper(Protocol):
    """What the store needs of a security module; ``pki.token.Token`` is one."""

    def random(self, count: int) -> bytes:
        """Random bytes of the module's generator."""

    def wrap_secret(self, label: str, secret: bytes, context: bytes) -> bytes:
        """Encrypt ``secret`` inside the module, bound to ``context``."""

    def unwrap_secret(self, label: str, wrapped: bytes, context: bytes) -> bytes:
        """Undo ``wrap_secret``; raises TrustError for another key, module or context."""


class Database:
    """One open database; safe to share between threads, each transaction has its own connection."""

    def __init__(self, file: Path, key: bytes) -> None:
        """Use :meth:`create`, :meth:`open` or :meth:`open_with_key`."""
        if len(key) != KEY_SIZE:
            raise StoreError(StoreReason.KEY_WRONG, f"a database key has {KEY_SIZE} bytes")
        self._file = file
        self._key = key
        self._engine = sa.create_engine(
            "sqlite+pysqlite://",
            module=dbapi2,
            creator=self._connect,
            poolclass=sa.pool.QueuePool,
            hide_parameters=True,  # measured values must not travel in the text of an error
        )
        sa.event.listen(self._engine, "begin", _begin)

    @classmethod
    def create(cls, folder: Path, keeper: KeyKeeper, gateway: DeviceId) -> Self:
        """Make key and database in ``folder``; raises StoreError(KEY_EXISTS) where either is there already."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (KEY_NAME, DATABASE_NAME):
            if (folder / name).exists():
                raise StoreError(StoreReason.KEY_EXISTS, f"{folder / name} exists: nothing was changed")
        key = keeper.random(KEY_SIZE)
        wrapped = keeper.wrap_secret(STORAGE_LABEL, key, _context(gateway))
        _write_durably(folder / DATABASE_NAME, b"")
        database = cls(folder / DATABASE_NAME, key)
        database._create_tables()
        _write_durably(folder / KEY_NAME, wrapped)
        return database

    @classmethod
    def open(cls, folder: Path, keeper: KeyKeeper, gateway: DeviceId) -> Self:
        """Open what :meth:`create` made. Raises StoreError(KEY_MISSING, KEY_WRONG, DATABASE_MISSING, SCHEMA)."""
        if not (folder / KEY_NAME).is_file():
            raise StoreError(StoreReason.KEY_MISSING, f"{folder / KEY_NAME} is missing: the database stays closed")
        try:
            key = keeper.unwrap_secret(STORAGE_LABEL, (folder / KEY_NAME).read_bytes(), _context(gateway))
        except TrustError as error:
            raise StoreError(
                StoreReason.KEY_WRONG, f"this security module does not open {folder / KEY_NAME}: {error}"
            ) from error
        return cls.open_with_key(folder / DATABASE_NAME, key)

    @classmethod
    def open_with_key(cls, file: Path, key: bytes, *, create: bool = False) -> Self:
        """Open ``file`` under a key that the caller holds; ``create`` makes an empty one where there is none."""
        if not file.is_file():
            if not create:
                raise StoreError(StoreReason.DATABASE_MISSING, f"{file} is missing: nothing is created in its place")
            _write_durably(file, b"")
            database = cls(file, key)
            database._create_tables()
            return database
        database = cls(file, key)
        with database.read() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
        if version != schema.SCHEMA_VERSION:
            raise StoreError(StoreReason.SCHEMA, f"{file} has schema {version}, this gateway {schema.SCHEMA_VERSION}")
        return database

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction that may write: durable when the block ends, undone as a whole when it raises."""
        with _translated(), self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view; never waits for a writer."""
        with _translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    def overwrite_log(self) -> bool:
        """Fold the write-ahead log into the file and cut it to nothing, so that no page of before lies in it.

        Together with ``secure_delete`` this is what makes a deleted value be gone (FDP_RIP.2). False where somebody
        reads at this moment: then it is to be tried again. Raises StoreError.
        """
        with _translated(), closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            # It keeps writers away while it waits for readers: so it waits for no more than a moment.
            cursor.execute(f"PRAGMA busy_timeout = {OVERWRITE_MILLISECONDS}").fetchall()
            busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}").fetchall()
        return not busy

    def close(self) -> None:
        """Close all connections; the last one folds the WAL into the file."""
        self._engine.dispose()

    def _create_tables(self) -> None:
        with self.write() as connection:
            schema.create(connection)

    def _connect(self) -> dbapi2.Connection:
        connection = dbapi2.connect(str(self._file), isolation_level=None, check_same_thread=False)
        try:
            # The key must be the first statement; as a raw key it is used as it is, without a slow derivation.
            connection.execute(f"PRAGMA key = \"x'{self._key.hex()}'\"")
            for pragma in _PRAGMAS:
                connection.execute(pragma).fetchall()
            _require_cipher(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _require_cipher(connection: dbapi2.Connection) -> None:
    """A plain SQLite takes ``PRAGMA key`` silently and encrypts nothing; it does not know its cipher's version."""
    if not connection.execute("PRAGMA cipher_version").fetchall():
        raise StoreError(StoreReason.KEY_WRONG, "this SQLite does not encrypt")


def _begin(connection: sa.Connection) -> None:
    """Take the write lock at the start of a writing transaction, so that it never fails half way for want of it."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's errors into the store's, without the statement and without its parameters."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _store_error(error.orig) from error
    except dbapi2.Error as error:
        raise _store_error(error) from error


def _store_error(error: BaseException | None) -> StoreError:
    name = getattr(error, "sqlite_errorname", "") or ""
    text = str(error)
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")) or "is full" in text or "disk I/O error" in text:
        return StoreFullError("the disk takes no more; nothing of this transaction was kept")
    if name.startswith("SQLITE_NOTADB") or "not a database" in text:
        return StoreError(StoreReason.KEY_WRONG, "the key does not open the database, or the file is no database")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or "locked" in text:
        return StoreError(StoreReason.BUSY, "another writer held the database for too long")
    if name.startswith("SQLITE_CONSTRAINT"):
        return StoreError(StoreReason.CONFLICT, f"the database refused: {text}")
    return StoreError(StoreReason.DAMAGED, f"the database failed: {text}")


def _context(gateway: DeviceId) -> bytes:
    """What the wrapped key is bound to: the key file of another gateway does not open here."""
    return gateway.text.encode("ascii")


def _write_durably(file: Path, data: bytes) -> None:
    """Write a file that only its owner reads: complete after a power cut, or absent."""
    temporary = file.with_name(file.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
