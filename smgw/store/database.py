"""The encrypted database file, its key, and what a transaction is.

Decides how the file is opened: SQLCipher (every page AES-256-CBC with HMAC-SHA-512) under a raw key of 32 random bytes
that only the security module can unwrap (the wrapped key lies beside it in ``database.key``, bound to the
gateway's id; ``store_key.py``), and how that key is changed while the gateway runs: the whole content is copied under
the new one, and the copy takes the file's place (FCS_CKM.4, FCS_COP.1/MEM; docs/adr/0016).
A missing or foreign key refuses to start; nothing is ever created in place of something lost. A transaction that ended
well is on the disk (``synchronous=FULL``); one that did not leaves no trace. The key is never logged, never written.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlcipher3 import dbapi2

from pki.store import write_atomically
from smgw.store import schema
from smgw.store.copying import FolderLock, copy, discard, rest
from smgw.store.errors import StoreError, StoreFullError, StoreReason
from smgw.store.gate import BusyError, Gate
from smgw.store.store_key import (
    KEY_NAME,
    KEY_SIZE,
    NEXT_KEY_NAME,
    STORAGE_LABEL,
    KeyFolder,
    KeyKeeper,
    StoreKey,
    sync_folder,
)
from wire.reading import DeviceId

__all__ = ["DATABASE_NAME", "KEY_NAME", "STORAGE_LABEL", "Database", "KeyKeeper"]

DATABASE_NAME = "gateway.db"
NEXT_DATABASE_NAME = "gateway.db.next"
"""The copy under the next key, until it is whole."""
ALONE_SECONDS = 10.0
"""How long the change of the key waits for transactions that are under way; each takes milliseconds."""
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


class Database:
    """One open database; safe to share between threads, each transaction has its own connection."""

    def __init__(self, file: Path, key: bytes) -> None:
        """Use :meth:`create`, :meth:`open` or :meth:`open_with_key`."""
        if len(key) != KEY_SIZE:
            raise StoreError(StoreReason.KEY_WRONG, f"a database key has {KEY_SIZE} bytes")
        self._file = file
        self._key = key
        self._gate = Gate()
        self._kept: tuple[KeyFolder, StoreKey] | None = None
        self._shared: FolderLock | None = None
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
        keys = KeyFolder(folder, keeper, gateway)
        key = keys.make_first()
        write_atomically(folder / DATABASE_NAME, b"")
        database = cls(folder / DATABASE_NAME, key.secret)
        database._create_tables()
        keys.write(key)
        database._kept = keys, key
        return database

    @classmethod
    def open(cls, folder: Path, keeper: KeyKeeper, gateway: DeviceId, *, sole: bool = False) -> Self:
        """Open what :meth:`create` made. Raises StoreError(KEY_MISSING, KEY_WRONG, DATABASE_MISSING, SCHEMA).

        ``sole`` is for whoever holds the lock of the state folder (``smgw/lock.py``): he may change the key, and what
        a change that was cut off left over is put away. All others only look, and no key is changed meanwhile.
        Raises TrustError, OSError where that fails.
        """
        keys = KeyFolder(folder, keeper, gateway)
        keys.require()
        shared = None if sole else FolderLock(folder, exclusive=False)
        try:
            database, name, key = cls._first_that_opens(folder / DATABASE_NAME, keys.candidates())
        except BaseException:
            if shared is not None:
                shared.close()
            raise
        database._shared = shared  # noqa: SLF001 - its own class
        if sole:
            database._kept = keys, key  # noqa: SLF001 - its own class
            discard(folder / NEXT_DATABASE_NAME)
            keys.settle(key, name)
        return database

    @classmethod
    def _first_that_opens(cls, file: Path, candidates: list[tuple[str, StoreKey]]) -> tuple[Self, str, StoreKey]:
        for name, key in candidates[:-1]:
            try:
                return cls.open_with_key(file, key.secret), name, key
            except StoreError as error:
                if error.reason is not StoreReason.KEY_WRONG:
                    raise
        name, key = candidates[-1]
        return cls.open_with_key(file, key.secret), name, key

    @classmethod
    def open_with_key(cls, file: Path, key: bytes, *, create: bool = False) -> Self:
        """Open ``file`` under a key that the caller holds; ``create`` makes an empty one where there is none."""
        if not file.is_file():
            if not create:
                raise StoreError(StoreReason.DATABASE_MISSING, f"{file} is missing: nothing is created in its place")
            write_atomically(file, b"")
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
        with (
            self._gate.inside(),
            _translated(),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view; never waits for a writer."""
        with self._gate.inside(), _translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    def overwrite_log(self) -> bool:
        """Fold the write-ahead log into the file and cut it to nothing, so that no page of before lies in it.

        Together with ``secure_delete`` this is what makes a deleted value be gone (FDP_RIP.2). False where somebody
        reads at this moment: then it is to be tried again. Raises StoreError.
        """
        with self._gate.inside(), _translated(), closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            # It keeps writers away while it waits for readers: so it waits for no more than a moment.
            cursor.execute(f"PRAGMA busy_timeout = {OVERWRITE_MILLISECONDS}").fetchall()
            busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}").fetchall()
        return not busy

    def change_key(self) -> list[int]:
        """Put the whole content under a new key and destroy the old one; everybody else waits so long (FCS_CKM.4).

        Gives the generations of wrapping keys that were destroyed; none where no module keeps this database's key.
        Raises StoreError (BUSY where somebody stays inside, or another process has the file open: try again later),
        TrustError and OSError: the old key stays in use then.
        """
        if self._kept is None:
            return []
        keys, present = self._kept
        following_file = self._file.with_name(NEXT_DATABASE_NAME)
        try:
            with closing(FolderLock(self._file.parent, exclusive=True)), self._gate.alone(ALONE_SECONDS):
                self._engine.dispose()
                with _translated():
                    rest(self._file, present.secret)
                    following = keys.prepare_next(present)
                    try:
                        copy(self._file, present.secret, following_file, following.secret)
                    except BaseException:
                        discard(following_file)
                        keys.settle(present, KEY_NAME)
                        raise
                following_file.replace(self._file)  # from here on the new key counts
                sync_folder(self._file.parent)
                self._key, self._kept = following.secret, (keys, following)
                return keys.settle(following, NEXT_KEY_NAME)
        except BusyError as error:
            raise StoreError(StoreReason.BUSY, "somebody is using the database; its key was not changed") from error

    def close(self) -> None:
        """Close all connections; the last one folds the WAL into the file."""
        self._engine.dispose()
        if self._shared is not None:
            self._shared.close()

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
    """FCS_COP.1/MEM: a plain SQLite takes ``PRAGMA key`` silently, encrypts nothing and knows no cipher's version."""
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
    except sa.exc.TimeoutError as error:
        raise StoreError(StoreReason.BUSY, "too many look into the database at once") from error
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
