"""kill -9 while old data is being deleted: nothing that is owed goes with it, and no number has two contents."""

import os
import random
from datetime import timedelta
from pathlib import Path

from smgw.store.ages import Kind
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from smgw.store.sweep import Sweeper
from tests.smgw.store.aged import order_days
from tests.smgw.store.killing import run_and_kill
from tests.smgw.store.samples import IMPORT, METER, RASTER, START, decision, grant, open_database, reading
from wire.reading import SignedReading

ROUNDS = 12
SEED = 20261121
PROMISES = 12
"""Of each round at least: nine readings, among which sweeps become due."""
STEP = 24
"""Quarter-hours between two readings: a day passes with every fourth, so that they become old while the test runs."""


def number_of(signed: SignedReading) -> int:
    return (signed.reading.captured_at - START) // RASTER // STEP


def work(folder: Path, promises: int) -> None:
    """Record, deliver and delete as fast as possible; each line tells what is about to be acknowledged."""
    database = open_database(folder, create=False)
    store, outbox, sweeper = ReadingStore(database), Outbox(database), Sweeper(database)
    latest = store.latest(METER, IMPORT)
    number = 0 if latest is None else (latest.captured_at - START) // RASTER // STEP + 1
    while True:
        one = reading(number * STEP)
        store.record(one, decision(grant(number * STEP, readings=(one,))))
        os.write(promises, f"stored {number}\n".encode())
        number += 1
        if number % 3 == 0 and (delivery := outbox.open_delivery("grid-1", START, limit=4)) is not None:
            carried = " ".join(str(number_of(one)) for one in delivery.readings)
            os.write(promises, f"delivered {delivery.sequence} {carried}\n".encode())
            outbox.acknowledge("grid-1", delivery.sequence, START)
        if number % 5 == 0:
            sweeper.need({}, sweeper.advance(one.reading.captured_at + timedelta(hours=1)))
            for kind in Kind:
                sweeper.delete(kind, 2)


def test_a_kill_while_deleting_takes_nothing_that_is_owed(tmp_path: Path) -> None:
    """FAU_STG.2, FDP_RIP.2: deletion is a transaction like any other, and only of what nobody waits for."""
    database = open_database(tmp_path)
    order_days(database, 1)
    database.close()
    moments = random.Random(SEED)
    delivered: dict[int, list[int]] = {}
    for _ in range(ROUNDS):
        for line in run_and_kill(work, tmp_path, moments.uniform(0, 0.03), promises=PROMISES):
            what, *rest = (line.split()[0], *map(int, line.split()[1:]))
            if what == "delivered":
                sequence, *carried = rest
                assert delivered.setdefault(sequence, carried) == carried
    database = open_database(tmp_path, create=False)
    outbox = Outbox(database)
    latest = ReadingStore(database).latest(METER, IMPORT)
    assert latest is not None
    recorded = (latest.captured_at - START) // RASTER // STEP + 1
    while (delivery := outbox.open_delivery("grid-1", START)) is not None:
        carried = [number_of(one) for one in delivery.readings]
        assert delivered.setdefault(delivery.sequence, carried) == carried
        outbox.acknowledge("grid-1", delivery.sequence, START)
    assert sorted(delivered) == list(range(1, len(delivered) + 1))
    assert [number for sequence in sorted(delivered) for number in delivered[sequence]] == list(range(recorded))
    assert ReadingStore(database).count() < recorded  # some did go meanwhile
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA quick_check").scalars().all() == ["ok"]
    database.close()
