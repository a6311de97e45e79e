from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.store.database import Database
from smgw.store.errors import ConflictError, StoreError, StoreReason
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore, Recorded
from tests.smgw.access.cases import Memory
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
    """PTB-A 50.8, original values: what was recorded first stands."""
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


moments = st.integers(-2, 30).map(lambda number: START + number * RASTER / 2)


recordings = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=8, unique_by=lambda one: one[0])


def test_the_store_answers_a_decision_as_a_list_would(database: Database) -> None:
    """The history of ``smgw/access/history.py``, against the one that the decision's own tests use."""
    store, meters = ReadingStore(database), count(1)

    @settings(max_examples=20)
    @given(recordings, moments, moments)
    def holds(recorded: list[tuple[int, bool]], first: datetime, second: datetime) -> None:
        register = (DeviceId(f"1ISK00{next(meters):08}"), IMPORT)
        memory = Memory()
        for number, usable in recorded:
            one = reading(number, meter=register[0], status=0 if usable else 0x200 << 32)
            store.record(one, decision())
            memory.readings.append(one)
        assert store.latest(*register) == memory.latest(*register)
        assert store.before(*register, first) == memory.before(*register, first)
        assert store.before(*register, first, usable=True) == memory.before(*register, first, usable=True)
        assert store.usable_since(*register, first) == memory.usable_since(*register, first)
        assert store.between(*register, first, second) == memory.between(*register, first, second)
        assert store.reading_at(*register, first, RASTER) == memory.reading_at(*register, first, RASTER)

    holds()
