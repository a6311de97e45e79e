"""The copy of a database under another key is whole, or is not there."""

from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from smgw.store import copying
from smgw.store.copying import FolderLock, copy, rest
from smgw.store.database import DATABASE_NAME, Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.gate import BusyError
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from tests.smgw.store.samples import KEY, START, decision, grant, open_database, reading

OTHER_KEY = bytes(range(100, 132))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    database = open_database(tmp_path)
    store = ReadingStore(database)
    for number in range(20):
        store.record(reading(number), decision(grant(number)))
    Outbox(database).open_delivery("grid-1", START)
    database.close()
    rest(tmp_path / DATABASE_NAME, KEY)
    return tmp_path / DATABASE_NAME


def content(file: Path, key: bytes) -> list[str]:
    """Every table, index and trigger, and every row."""
    database = Database.open_with_key(file, key)
    with database.read() as connection:
        found = [str(row) for row in connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master ORDER BY 2")]
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").scalars()
        for name in names.all():
            found += [str(row) for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"')]  # noqa: S608 - ours
    database.close()
    return found


def test_a_copy_holds_everything_under_its_own_key(file: Path) -> None:
    """FCS_CKM.4: tables, triggers, counters and every row come over; the old key opens nothing of it."""
    following = file.with_name("following")
    before = content(file, KEY)
    rest(file, KEY)
    copy(file, KEY, following, OTHER_KEY)
    assert content(following, OTHER_KEY) == before
    assert following.stat().st_mode & 0o777 == 0o600
    copied = Database.open_with_key(following, OTHER_KEY)
    for statement in ("DELETE FROM readings", "DELETE FROM grants", "UPDATE readings SET value = 0"):
        with pytest.raises(StoreError), copied.write() as connection:
            connection.exec_driver_sql(statement)
    copied.close()
    with pytest.raises(StoreError) as refusal:
        Database.open_with_key(following, KEY)
    assert refusal.value.reason is StoreReason.KEY_WRONG


def test_a_copy_that_lacks_a_row_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FDP_SDI.2: what is not whole never takes the place of what is."""
    connected = copying._connected

    class Losing:
        """Loses a row of the copy just before it is counted."""

        def __init__(self, file: Path, key: bytes) -> None:
            self._real = connected(file, key)

        def execute(self, statement: str, *parameters: object) -> object:
            if 'main."readings"' in statement:
                # The connection that made the copy does not know the copied triggers yet.
                self._real.execute("DELETE FROM following.readings WHERE id = 3")
            return self._real.execute(statement, *parameters)

        def close(self) -> None:
            self._real.close()

    monkeypatch.setattr(copying, "_connected", Losing)
    with pytest.raises(StoreError) as refusal:
        copy(file, KEY, file.with_name("following"), OTHER_KEY)
    assert refusal.value.reason is StoreReason.DAMAGED


def test_a_file_that_another_has_open_does_not_come_to_rest(file: Path) -> None:
    database = Database.open_with_key(file, KEY)
    with database.read() as connection:
        connection.exec_driver_sql("SELECT COUNT(*) FROM readings").scalar()
        with pytest.raises((BusyError, dbapi2.OperationalError)):
            rest(file, KEY)
    database.close()


def test_who_looks_and_who_exchanges_exclude_one_another(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path, exclusive=False), FolderLock(tmp_path, exclusive=False)
    first.close()
    with pytest.raises(BusyError):
        FolderLock(tmp_path, exclusive=True)
    second.close()
    second.close()
    FolderLock(tmp_path, exclusive=True).close()
