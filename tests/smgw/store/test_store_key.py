"""The key of the database is changed while others use it, and at whatever instant the power fails one key opens it."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from smgw.store import database as database_module
from smgw.store.database import DATABASE_NAME, NEXT_DATABASE_NAME, Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from smgw.store.store_key import (
    KEY_NAME,
    NEXT_KEY_NAME,
    STORAGE_LABEL,
    KeyFolder,
    StoreKey,
    storage_generations,
    storage_label,
)
from tests.smgw.store.keeper import Keeper
from tests.smgw.store.residue import pages
from tests.smgw.store.samples import GATEWAY, IMPORT, METER, START, decision, grant, open_database, reading


@pytest.fixture(autouse=True)
def _no_token_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper of these tests lies in memory: bringing every disk of the machine up to date only takes time."""
    monkeypatch.setattr(os, "sync", lambda: None)


class PowerFailure(BaseException):
    """Nothing more of this process happens."""


def made(folder: Path, keeper: Keeper, count: int = 5) -> None:
    database = Database.create(folder, keeper, GATEWAY)
    store = ReadingStore(database)
    for number in range(count):
        store.record(reading(number), decision(grant(number)))
    database.close()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_labels_of_wrapping_keys() -> None:
    assert storage_generations(["ENC", "STORAGE", "STORAGE.12", "STORAGE.2", "STORAGE.1", "STORAGE.02"]) == [
        12, 2, 1,
    ]  # fmt: skip
    assert [storage_label(generation) for generation in (1, 2)] == [STORAGE_LABEL, "STORAGE.2"]
    assert "17" not in repr(StoreKey(b"17" * 16, 1))


def test_the_wrapped_key_is_written_for_its_owner_alone_and_through_no_link(tmp_path: Path) -> None:
    keys, elsewhere = KeyFolder(tmp_path, Keeper(), GATEWAY), tmp_path / "elsewhere"
    keys.write(key := keys.make_first())
    assert (tmp_path / KEY_NAME).stat().st_mode & 0o777 == 0o600
    (tmp_path / f".{KEY_NAME}.new").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic"):
        keys.write(key)
    assert not elsewhere.exists()


def test_a_changed_key_opens_everything_and_the_old_one_is_destroyed(tmp_path: Path) -> None:
    """FCS_CKM.4: another key wraps another key; what the old one opened is there, and the old one is nowhere."""
    keeper = Keeper()
    made(tmp_path, keeper)
    old_key, old_wrapped = keeper.seen[0], (tmp_path / KEY_NAME).read_bytes()
    database = Database.open(tmp_path, keeper, GATEWAY, sole=True)
    assert database.change_key() == [1]
    assert keeper.labels() == ["STORAGE.2"]
    assert ReadingStore(database).count() == 5
    ReadingStore(database).record(reading(5), decision(grant(5)))
    assert database.change_key() == [2]
    database.close()
    assert names(tmp_path) == {DATABASE_NAME, KEY_NAME}
    again = Database.open(tmp_path, keeper, GATEWAY)
    assert ReadingStore(again).latest(METER, IMPORT) == reading(5).reading
    delivery = Outbox(again).open_delivery("grid-1", START)
    assert delivery is not None
    assert delivery.readings == tuple(reading(number) for number in range(6))
    again.close()
    with pytest.raises(StoreError) as refusal:
        Database.open_with_key(tmp_path / DATABASE_NAME, old_key)
    assert refusal.value.reason is StoreReason.KEY_WRONG
    (tmp_path / KEY_NAME).write_bytes(old_wrapped)
    with pytest.raises(StoreError) as refusal:
        Database.open(tmp_path, keeper, GATEWAY)
    assert refusal.value.reason is StoreReason.KEY_WRONG


def test_a_copy_of_the_old_file_stays_closed(tmp_path: Path) -> None:
    """FCS_CKM.4, T.ResidualData: whoever kept every old sector and has today's module and keys opens none of them."""
    keeper = Keeper()
    made(tmp_path, keeper)
    old = tmp_path / "flash"
    old.mkdir()
    for name in (DATABASE_NAME, KEY_NAME):
        (old / name).write_bytes((tmp_path / name).read_bytes())
    Database.open(old, keeper, GATEWAY).close()  # before the change it does open
    database = Database.open(tmp_path, keeper, GATEWAY, sole=True)
    database.change_key()
    database.close()
    with pytest.raises(StoreError) as refusal:
        Database.open(old, keeper, GATEWAY)
    assert refusal.value.reason is StoreReason.KEY_WRONG
    assert not any(reading(3).signature in page for page in pages(old / DATABASE_NAME, keeper.seen[-1]))


def test_others_go_on_before_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that record and deliver while the key is changed wait and lose nothing."""
    monkeypatch.setattr(database_module, "ALONE_SECONDS", 120)  # a disk may be busy for others
    keeper = Keeper()
    made(tmp_path, keeper, 0)
    database = Database.open(tmp_path, keeper, GATEWAY, sole=True)
    store, begun, done = ReadingStore(database), threading.Event(), threading.Event()
    recorded = 0

    def work() -> None:
        nonlocal recorded
        while not done.is_set():
            store.record(reading(recorded), decision(grant(recorded)))
            recorded += 1
            begun.set()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert begun.wait(120)
        for _ in range(3):
            database.change_key()
    finally:
        done.set()
        worker.join()
    assert store.count() == recorded
    assert Outbox(database).balance("grid-1").owed == recorded
    database.close()


INSTANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {}


def at(name: str) -> Callable[[Callable[[pytest.MonkeyPatch], None]], None]:
    def keep(interrupt: Callable[[pytest.MonkeyPatch], None]) -> None:
        INSTANTS[name] = interrupt

    return keep


def fails(*_: object, **__: object) -> None:
    raise PowerFailure


@at("before the next key is written")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(KeyFolder, "write", fails)


@at("while the copy is made")
def _(patch: pytest.MonkeyPatch) -> None:
    def half(file: Path, key: bytes, following: Path, following_key: bytes) -> None:
        following.write_bytes(b"half of a database")
        following.with_name(f"{following.name}-journal").write_bytes(b"what it would roll back")
        raise PowerFailure

    patch.setattr(database_module, "copy", half)
    patch.setattr(KeyFolder, "settle", fails)  # nor does the cleaning up happen


@at("after the copy took its place")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(KeyFolder, "settle", fails)


@at("after the next key became the key")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Keeper, "destroy_key", fails)


@pytest.mark.parametrize("instant", INSTANTS)
def test_power_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instant: str) -> None:
    """FCS_CKM.4, FPT_FLS.1: at every instant one key opens the database; the next start puts the rest away."""
    keeper = Keeper()
    made(tmp_path, keeper)
    database = Database.open(tmp_path, keeper, GATEWAY, sole=True)
    with monkeypatch.context() as patch:
        INSTANTS[instant](patch)
        with pytest.raises(PowerFailure):
            database.change_key()
    database.close()
    left = names(tmp_path)
    looking = Database.open(tmp_path, keeper, GATEWAY)
    assert ReadingStore(looking).count() == 5
    looking.close()
    assert names(tmp_path) == left  # who only looks puts nothing away
    again = Database.open(tmp_path, keeper, GATEWAY, sole=True)
    assert ReadingStore(again).count() == 5
    assert len(keeper.labels()) == 1
    assert again.change_key() == [int(keeper.labels()[0].partition(".")[2]) - 1]
    again.close()
    assert names(tmp_path) == {DATABASE_NAME, KEY_NAME}


def test_what_was_begun_and_failed_is_put_away_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    keeper = Keeper()
    made(tmp_path, keeper)
    database = Database.open(tmp_path, keeper, GATEWAY, sole=True)
    monkeypatch.setattr(database_module, "copy", full)
    with pytest.raises(OSError, match="no space"):
        database.change_key()
    assert keeper.labels() == [STORAGE_LABEL]
    assert not {NEXT_KEY_NAME, NEXT_DATABASE_NAME} & names(tmp_path)
    ReadingStore(database).record(reading(5), decision(grant(5)))
    assert ReadingStore(database).count() == 6
    database.close()


def test_who_looks_keeps_the_key_as_it_is(tmp_path: Path) -> None:
    keeper = Keeper()
    made(tmp_path, keeper)
    database, looking = (Database.open(tmp_path, keeper, GATEWAY, sole=sole) for sole in (True, False))
    with pytest.raises(StoreError) as refusal:
        database.change_key()
    assert refusal.value.reason is StoreReason.BUSY
    assert ReadingStore(looking).count() == ReadingStore(database).count() == 5
    looking.close()
    assert database.change_key() == [1]
    database.close()


def test_a_key_that_nobody_keeps_is_not_changed(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    assert database.change_key() == []
    database.close()


def test_a_token_in_files_is_on_the_disk_before_what_it_wraps(tmp_path: Path) -> None:
    """FPT_FLS.1: a wrapping key that a power cut takes back would close the database for ever."""
    steps: list[str] = []

    class Telling(Keeper):
        def generate_storage_key(self, label: str) -> None:
            super().generate_storage_key(label)
            steps.append(f"made {label}")

    folder = KeyFolder(tmp_path, Telling(), GATEWAY, sync=lambda: steps.append(f"synced {sorted(names(tmp_path))}"))
    first = folder.make_first()
    folder.write(first)
    folder.prepare_next(first)
    assert steps == ["made STORAGE", "made STORAGE.2", f"synced ['{KEY_NAME}']"]
    assert names(tmp_path) == {KEY_NAME, NEXT_KEY_NAME}
