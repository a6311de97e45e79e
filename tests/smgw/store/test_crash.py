"""kill -9 at any instant: nothing that was promised is lost, nothing is there twice, no number has two contents."""

import hashlib
import itertools
import os
import random
from pathlib import Path

import pytest

from smgw.store.outbox import Delivery, Outbox
from smgw.store.readings import ReadingStore
from tests.smgw.store.killing import run_and_kill
from tests.smgw.store.samples import GATEWAY, IMPORT, METER, START, decision, grant, open_database, reading
from wire.reading import SignedReading

ROUNDS = 40
SEED = 20260101


def digest(delivery: Delivery) -> str:
    return hashlib.sha256(repr(delivery).encode()).hexdigest()


def work(folder: Path, promises: int) -> None:
    """Record and deliver as fast as possible; each line tells what was promised, after it was promised."""
    database = open_database(folder, create=False)
    store, outbox = ReadingStore(database), Outbox(database)
    number = store.count()
    while True:
        derived = reading(number, meter=GATEWAY)
        both = decision(grant(number), grant(number, profile="sum-1", readings=(derived,)))
        store.record(reading(number), both)
        os.write(promises, f"stored {number}\n".encode())
        number += 1
        if number % 3 == 0:
            delivery = outbox.open_delivery("grid-1", START, limit=4)
            if delivery is not None:
                os.write(promises, f"delivered {delivery.sequence} {digest(delivery)}\n".encode())
                outbox.acknowledge("grid-1", delivery.sequence, START)
                os.write(promises, f"acknowledged {delivery.sequence} -\n".encode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    open_database(tmp_path).close()
    return tmp_path


def test_kill_at_any_instant_loses_nothing_and_duplicates_nothing(folder: Path) -> None:
    moments = random.Random(SEED)
    contents: dict[str, str] = {}
    acknowledged: set[str] = set()
    rounds = itertools.count()
    # A machine that is busy elsewhere may take all of them until something is acknowledged at all.
    while next(rounds) < ROUNDS or not acknowledged:
        lines = run_and_kill(work, folder, moments.uniform(0, 0.03))
        database = open_database(folder, create=False)
        store, outbox = ReadingStore(database), Outbox(database)
        stored = [int(line.split()[1]) for line in lines if line.startswith("stored")]
        # Everything promised is there, with at most one reading more (killed between commit and promise).
        assert stored[-1] + 1 <= store.count() <= stored[-1] + 2
        assert store.latest(METER, IMPORT) == reading(store.count() - 1).reading
        for line in lines:
            what, *rest = line.split()
            if what == "delivered":
                sequence, content = rest
                assert sequence not in acknowledged
                assert contents.setdefault(sequence, content) == content
            elif what == "acknowledged":
                acknowledged.add(rest[0])
        # An acknowledgement that was promised is never taken back.
        delivery = outbox.open_delivery("grid-1", START, limit=4)
        if delivery is not None:
            assert str(delivery.sequence) not in acknowledged
            assert contents.setdefault(str(delivery.sequence), digest(delivery)) == digest(delivery)
        database.close()

    database = open_database(folder, create=False)
    store, outbox = ReadingStore(database), Outbox(database)
    for profile, table in (("grid-1", METER), ("sum-1", GATEWAY)):
        seen: list[SignedReading] = []
        with database.read() as connection:
            before: int = connection.exec_driver_sql(
                "SELECT COUNT(*) FROM grants JOIN deliveries USING (profile, sequence) "
                "WHERE profile = ? AND acknowledged_at IS NOT NULL",
                (profile,),
            ).scalar_one()
        while (delivery := outbox.open_delivery(profile, START)) is not None:
            seen += delivery.readings
            outbox.acknowledge(profile, delivery.sequence, START)
        # What crashes left over is the rest of one row 0, 1, 2, ... without a gap and without a repetition.
        assert seen == [reading(number, meter=table) for number in range(before, store.count())]
    database.close()
