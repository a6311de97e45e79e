import stat
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from smgw.store import database as database_module
from smgw.store.database import DATABASE_NAME, KEY_NAME, Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from tests.smgw.store.keeper import Keeper
from tests.smgw.store.samples import GATEWAY, KEY, START, decision, grant, open_database, reading
from wire.reading import DeviceId


def test_created_then_opened(tmp_path: Path) -> None:
    keeper, folder = Keeper(), tmp_path / "store"
    created = Database.create(folder, keeper, GATEWAY)
    ReadingStore(created).record(reading(0), decision())
    created.close()
    opened = Database.open(folder, keeper, GATEWAY)
    assert ReadingStore(opened).count() == 1
    opened.close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (KEY_NAME, DATABASE_NAME):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def refusal_of(folder: Path, keeper: Keeper, gateway: DeviceId = GATEWAY) -> StoreReason:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(StoreError) as refusal:
        Database.open(folder, keeper, gateway)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before, "a refusal must change nothing"
    return refusal.value.reason


def test_what_is_missing_or_foreign_is_refused(tmp_path: Path) -> None:
    keeper = Keeper()
    Database.create(tmp_path, keeper, GATEWAY).close()
    assert refusal_of(tmp_path, Keeper()) is StoreReason.KEY_WRONG
    assert refusal_of(tmp_path, keeper, DeviceId("EABC0099999999")) is StoreReason.KEY_WRONG
    with pytest.raises(StoreError) as refusal:
        Database.create(tmp_path, keeper, GATEWAY)
    assert refusal.value.reason is StoreReason.KEY_EXISTS
    wrapped = (tmp_path / KEY_NAME).read_bytes()
    (tmp_path / KEY_NAME).unlink()
    assert refusal_of(tmp_path, keeper) is StoreReason.KEY_MISSING
    with pytest.raises(StoreError):
        Database.create(tmp_path, keeper, GATEWAY)
    (tmp_path / KEY_NAME).write_bytes(wrapped)
    (tmp_path / DATABASE_NAME).unlink()
    assert refusal_of(tmp_path, keeper) is StoreReason.DATABASE_MISSING


def test_another_key_does_not_open_it(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    with pytest.raises(StoreError) as refusal:
        Database.open_with_key(tmp_path / DATABASE_NAME, bytes(32))
    assert refusal.value.reason is StoreReason.KEY_WRONG
    with pytest.raises(StoreError) as refusal:
        Database.open_with_key(tmp_path / DATABASE_NAME, KEY[:16])
    assert refusal.value.reason is StoreReason.KEY_WRONG


def test_another_schema_is_refused(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError) as refusal:
        open_database(tmp_path, create=False)
    assert refusal.value.reason is StoreReason.SCHEMA


def test_a_library_that_does_not_encrypt_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FCS_COP.1/MEM: a store is encrypted or is none."""
    import sqlite3  # noqa: PLC0415

    monkeypatch.setattr(database_module, "dbapi2", sqlite3)
    with pytest.raises(StoreError) as refusal:
        open_database(tmp_path)
    assert refusal.value.reason is StoreReason.KEY_WRONG


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """FDP_SDI.2: a page that was altered is not read."""
    database = open_database(tmp_path)
    for number in range(200):
        ReadingStore(database).record(reading(number), decision(grant(number)))
    database.close()
    file = tmp_path / DATABASE_NAME
    data = bytearray(file.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page + 100] ^= 1
    file.write_bytes(data)
    with pytest.raises(StoreError) as refusal:
        open_database(tmp_path, create=False)
    assert refusal.value.reason is StoreReason.DAMAGED


def test_nothing_on_the_disk_can_be_read(tmp_path: Path) -> None:
    """FCS_COP.1/MEM: no value, identifier, signature or key lies readable in any file of the store."""
    keeper = Keeper()
    database = Database.create(tmp_path, keeper, GATEWAY)
    store, outbox = ReadingStore(database), Outbox(database)
    value = 0x0123456789ABCDEF
    for number in range(50):
        store.record(reading(number, value=value), decision(grant(number, readings=(reading(number, value=value),))))
    outbox.open_delivery("grid-1", START)
    (key,) = keeper.seen
    signature = reading(0).signature
    forbidden = (value.to_bytes(8, "big"), str(value).encode(), b"1ISK0087654321", b"grid-1", b"readings", signature)
    names = {path.name for path in tmp_path.iterdir()}
    assert {DATABASE_NAME, DATABASE_NAME + "-wal", KEY_NAME} <= names
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        for secret in (key, key.hex().encode(), key.hex().upper().encode(), *forbidden):
            assert secret not in data, path.name
    database.close()
    assert b"SQLite format" not in (tmp_path / DATABASE_NAME).read_bytes()


def test_settings_that_durability_rests_on(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    with database.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "recursive_triggers")
        }
    assert found == {
        "journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1, "recursive_triggers": 1,
    }  # fmt: skip
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == [DATABASE_NAME]


def test_more_looks_than_there_are_connections_are_refused_in_our_own_words(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    database._engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # else half a minute
    with closing(database), ExitStack() as looking:
        for _ in range(15):
            looking.enter_context(database.read())
        with pytest.raises(StoreError) as caught:
            looking.enter_context(database.read())
    assert caught.value.reason is StoreReason.BUSY
