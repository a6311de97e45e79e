"""FDP_RIP.2: what was deleted is in no octet of the store's files any more, not even for who has the key."""

from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store import database as database_module
from smgw.store.database import DATABASE_NAME, Database
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from smgw.store.sweep import Sweeper
from tests.smgw.store.aged import day, delete_all, let_pass, order_days
from tests.smgw.store.residue import traces
from tests.smgw.store.samples import KEY, decision, grant, open_database, reading
from wire.reading import SignedReading

READINGS = 240
KEPT = 96
SAMPLES = 16
"""Of so many readings each trace is looked for."""
FIRST_OF_DAY = 92
"""The quarter-hour at which a winter's day begins in Berlin."""
FIRST_VALUE = 0x5A5A_0000_0000_0000
"""Eight octets in a row of the table, and nothing else looks like them."""


def one(number: int) -> SignedReading:
    return reading(number, value=FIRST_VALUE + number)


def values(numbers: range) -> dict[str, bytes]:
    """What each reading and its grant leave in a page: the value, the signature, the key of the grant.

    None of them is the first of its day: that one stays among the daily values for six weeks (TAF-6).
    """
    wanted: dict[str, bytes] = {}
    for number in numbers[:: len(numbers) // SAMPLES]:
        if not number or number % 96 == FIRST_OF_DAY:
            continue
        wanted[f"value {number}"] = (FIRST_VALUE + number).to_bytes(8, "big")
        wanted[f"signature {number}"] = one(number).signature
        wanted[f"grant {number}"] = grant(number).key.encode("ascii")
    return wanted


def fill(folder: Path) -> Database:
    """Readings that were granted and delivered; the newest of them are not old."""
    database = open_database(folder)
    store, outbox = ReadingStore(database), Outbox(database)
    for number in range(READINGS):
        store.record(one(number), decision(grant(number, readings=(one(number),))))
    while (delivery := outbox.open_delivery("grid-1", day(5), limit=50)) is not None:
        outbox.acknowledge("grid-1", delivery.sequence, day(5))
    return database


def sweep(database: Database) -> None:
    order_days(database, 1)
    sweeper = Sweeper(database)
    newest = one(READINGS).reading.captured_at + timedelta(seconds=1)
    sweeper.need({}, let_pass(sweeper, newest))
    assert sum(delete_all(sweeper).values()) > READINGS
    assert sweeper.finish(newest)


def test_a_scan_of_the_decrypted_files_finds_nothing_of_what_was_deleted(tmp_path: Path) -> None:
    """FDP_RIP.2, T.ResidualData: rows, indexes, free pages and the write-ahead log are overwritten."""
    database = fill(tmp_path)
    file = tmp_path / DATABASE_NAME
    gone, kept = values(range(READINGS - KEPT)), values(range(READINGS - KEPT, READINGS))
    assert traces(file, KEY, gone | kept) == gone.keys() | kept.keys()  # the scan does find what is there
    sweep(database)
    assert ReadingStore(database).count() == KEPT
    assert traces(file, KEY, gone | kept) == kept.keys()
    database.close()
    assert traces(file, KEY, gone | kept) == kept.keys()


def test_without_overwriting_the_scan_finds_what_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: otherwise deleted rows stay in their pages."""
    careless = tuple(pragma.replace("secure_delete = ON", "secure_delete = OFF") for pragma in database_module._PRAGMAS)
    assert careless != database_module._PRAGMAS
    monkeypatch.setattr(database_module, "_PRAGMAS", careless)
    database = fill(tmp_path)
    sweep(database)
    database.close()
    assert len(traces(tmp_path / DATABASE_NAME, KEY, values(range(READINGS - KEPT)))) > SAMPLES


def test_a_log_that_was_not_cut_still_holds_it(tmp_path: Path) -> None:
    """Nor is overwriting the rows enough: the write-ahead log remembers how they were."""
    database = fill(tmp_path)
    order_days(database, 1)
    sweeper = Sweeper(database)
    sweeper.need({}, let_pass(sweeper, day(5)))
    delete_all(sweeper)
    gone = values(range(READINGS - 2 * KEPT))
    assert traces(tmp_path / DATABASE_NAME, KEY, gone)
    assert sweeper.finish(day(5))
    assert not traces(tmp_path / DATABASE_NAME, KEY, gone)
    database.close()
