from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from smgw.store.database import Database
from smgw.store.errors import ConflictError, StoreError, StoreReason
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore, Recorded
from tests.smgw.store.samples import (
    IMPORT,
    METER,
    RASTER,
    START,
    decision,
    grant,
    open_database,
    reading,
)
from wire.reading import DeviceId


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def test_a_reading_comes_back_exactly(database: Database) -> None:
    store = ReadingStore(database)
    for number, status in enumerate((0, 1, 2**63 - 1, 2**63, 2**64 - 1)):
        signed = reading(number, value=(-1) ** number * (2**63 - 1 - number), status=status)
        assert store.record(signed, decision()) is Recorded.STORED
        assert store.latest(METER, IMPORT) == signed.reading


def test_the_same_reading_again_changes_nothing(database: Database) -> None:
    store = ReadingStore(database)
    store.record(reading(0), decision(grant(0)))
    assert store.record(reading(0), decision(grant(0))) is Recorded.DUPLICATE
    assert store.count() == 1
    assert Outbox(database).balance("grid-1").owed == 1


def test_a_conflicting_duplicate_is_refused_with_all_its_grants(database: Database) -> None:
    store = ReadingStore(database)
    store.record(reading(0), decision())
    with pytest.raises(ConflictError) as refusal:
        store.record(reading(0, value=1), decision(grant(0)))
    assert refusal.value.reason is StoreReason.CONFLICT
    assert store.latest(METER, IMPORT) == reading(0).reading
    assert Outbox(database).balance("grid-1").owed == 0


def test_a_grant_that_fails_takes_its_reading_with_it(database: Database) -> None:
    store = ReadingStore(database)
    unsigned = grant(0, readings=())
    unsigned = type(unsigned)(
        **{**{f: getattr(unsigned, f) for f in unsigned.__slots__}, "derived": (reading(0).reading,)}
    )
    with pytest.raises(ValueError, match="signed"):
        store.record(reading(0), decision(unsigned))
    assert store.count() == 0


def test_history_answers_with_the_reading_that_was_recorded_first(database: Database) -> None:
    store = ReadingStore(database)
    tolerance = timedelta(seconds=9)
    store.record(reading(1), decision())
    store.record(reading(0), decision())
    assert store.reading_at(METER, IMPORT, START, tolerance) == reading(0).reading
    assert store.reading_at(METER, IMPORT, START - tolerance, tolerance) == reading(0).reading
    assert store.reading_at(METER, IMPORT, START - tolerance - timedelta(seconds=1), tolerance) is None
    assert store.reading_at(METER, IMPORT, START + timedelta(seconds=1), tolerance) is None
    assert store.reading_at(METER, IMPORT, START, RASTER) == reading(1).reading
    assert store.reading_at(DeviceId("1ISK0000000000"), IMPORT, START, tolerance) is None
    assert store.latest(METER, IMPORT) == reading(1).reading


def test_an_error_never_carries_a_measured_value(database: Database) -> None:
    with pytest.raises(StoreError) as refusal, database.write() as connection:
        connection.execute(sa.text("INSERT INTO readings (value) VALUES (:value)"), {"value": 4711})
    cause: BaseException | None = refusal.value
    while cause is not None:
        assert "4711" not in str(cause)
        cause = cause.__cause__
