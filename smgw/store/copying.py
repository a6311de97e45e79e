"""A copy of the whole database under another key: what the old file, its log and its free pages held stays behind.

Decides how a copy is made so that it is whole or is not there, and who keeps others away meanwhile. Nothing is left of
the old file but what flash storage remembers of it, under a key that is destroyed next (FCS_CKM.4, FDP_RIP.2).
"""

import fcntl
import os
from contextlib import closing
from pathlib import Path

from sqlcipher3 import dbapi2

from smgw.store.errors import StoreError, StoreReason
from smgw.store.gate import BusyError


class FolderLock:
    """A lock on the store's folder between processes: many that look, or one that exchanges its files.

    A process that opened the old file and went on with the log of the new one would destroy both; so whoever only looks
    holds it from before the opening until after the close.
    """

    def __init__(self, folder: Path, *, exclusive: bool) -> None:
        """Take it; a look waits for an exchange that is under way. Raises BusyError: others look now."""
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
        except OSError as error:
            os.close(self._descriptor)
            raise BusyError from error

    def close(self) -> None:
        """Release it; twice does no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def rest(file: Path, key: bytes) -> None:
    """Fold the write-ahead log into ``file`` and remove it: another file's pages must never come after it.

    Raises BusyError where another process has it open, dbapi2.Error.
    """
    with closing(_connected(file, key)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        if mode != "delete":
            raise BusyError


def discard(file: Path) -> None:
    """Remove a copy that nobody uses, with the journal that is beside it where making it was cut off. Raises OSError.

    A later copy of that name must not find the journal of this one.
    """
    for suffix in ("", "-journal", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def copy(file: Path, key: bytes, following: Path, following_key: bytes) -> None:
    """Write the content of ``file`` into the new file ``following``, durably. Raises StoreError, dbapi2.Error."""
    discard(following)
    descriptor = os.open(following, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with closing(_connected(file, key)) as connection:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute(f"ATTACH DATABASE ? AS following KEY \"x'{following_key.hex()}'\"", (str(following),))
            connection.execute("SELECT sqlcipher_export('following')").fetchall()
            (version,) = connection.execute("PRAGMA main.user_version").fetchone()
            connection.execute(f"PRAGMA following.user_version = {version:d}")
            _require_whole(connection)
            connection.execute("DETACH DATABASE following")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_whole(connection: dbapi2.Connection) -> None:
    """Every table, index and trigger is there, every table has as many rows, and the structure is sound."""
    things = "SELECT type, name, sql FROM {}.sqlite_master ORDER BY type, name"
    here, there = (connection.execute(things.format(name)).fetchall() for name in ("main", "following"))
    counted = (
        connection.execute(f'SELECT (SELECT COUNT(*) FROM main."{name}") = (SELECT COUNT(*) FROM following."{name}")')  # noqa: S608 - names of our own tables
        for kind, name, _ in here
        if kind == "table"
    )
    sound = connection.execute("PRAGMA following.quick_check").fetchall() == [("ok",)]
    if here != there or not sound or not all(one.fetchone()[0] for one in counted):
        raise StoreError(StoreReason.DAMAGED, "the copy of the database is not whole; the old one stays in use")


def _connected(file: Path, key: bytes) -> dbapi2.Connection:
    connection = dbapi2.connect(str(file), isolation_level=None)
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    except BaseException:
        connection.close()
        raise
    return connection
