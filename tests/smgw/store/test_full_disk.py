"""A full disk: a clear refusal, nothing half done, and everything goes on as soon as there is room."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smgw.store.errors import StoreFullError, StoreReason
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from tests.smgw.store.samples import IMPORT, METER, START, decision, grant, open_database, reading
from wire.reading import SignedReading

FAR_TOO_MANY = 20_000


@contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(store: ReadingStore, first: int) -> int:
    """Record until the disk is full; returns how many were promised."""
    for number in range(first, first + FAR_TOO_MANY):
        try:
            store.record(reading(number), decision(grant(number)))
        except StoreFullError:
            return number
    pytest.fail("the disk did not fill")


def prove_whole(folder: Path, promised: int) -> None:
    """All that was promised is there, owed once and in order, and recording goes on."""
    database = open_database(folder, create=False)
    store, outbox = ReadingStore(database), Outbox(database)
    assert store.count() == promised
    store.record(reading(promised), decision(grant(promised)))
    seen: list[SignedReading] = []
    while (delivery := outbox.open_delivery("grid-1", START)) is not None:
        seen += delivery.readings
        outbox.acknowledge("grid-1", delivery.sequence, START)
    assert seen == [reading(number) for number in range(promised + 1)]
    assert store.latest(METER, IMPORT) == reading(promised).reading
    database.close()


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    store = ReadingStore(database)
    with no_file_grows_beyond(2 * 1024 * 1024):
        promised = fill(store, 0)
        assert promised > 10
        with pytest.raises(StoreFullError) as refusal:
            store.record(reading(promised), decision(grant(promised)))
        assert refusal.value.reason is StoreReason.FULL
        assert store.count() == promised  # reading goes on while writing does not
    database.close()
    prove_whole(tmp_path, promised)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_file_system_without_room(tmp_path: Path) -> None:
    mounted = tmp_path / "small"
    mounted.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", mounted], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip("this machine mounts nothing")
    try:
        ballast = mounted / "ballast"
        ballast.write_bytes(bytes(1024 * 1024))
        database = open_database(mounted)
        try:
            promised = fill(ReadingStore(database), 0)
            ballast.unlink()
        finally:
            database.close()
        assert promised > 10
        prove_whole(mounted, promised)
    finally:
        subprocess.run(["umount", "--lazy", mounted], check=True)
