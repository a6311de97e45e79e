"""Deliveries of values that are never stored: the same until they have arrived, and gone with the process."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from smgw.access.volatile import LIFETIME, VolatileStore
from smgw.store import schema
from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreFullError
from smgw.store.outbox import Outbox, withdraw
from smgw.wan import unstored
from smgw.wan.unstored import Unstored
from tests.smgw.store.samples import START, grant, open_database, reading
from tests.wire.profiles.examples import EVALUATION
from wire.profiles import AccessPurpose, UseCase

ROOM = 8


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def volatile() -> VolatileStore:
    return VolatileStore()


def put(volatile: VolatileStore, *numbers: int) -> None:
    for number in numbers:
        volatile.put(replace(grant(number), period_end=START + timedelta(minutes=15 * number)))


def test_the_use_cases_whose_values_are_never_stored() -> None:
    """TR-03109-1, TAF-9, TAF-10 and TAF-14."""
    found = {
        use_case
        for use_case in (UseCase.TAF_7, UseCase.TAF_9, UseCase.TAF_14)
        if replace(
            EVALUATION,
            use_case=use_case,
            purpose=AccessPurpose.VALUE_ADDED if use_case is UseCase.TAF_14 else EVALUATION.purpose,
        ).unstored
    }
    assert found == {UseCase.TAF_9, UseCase.TAF_14}


def test_it_stays_the_same_until_it_has_arrived(database: Database, volatile: VolatileStore) -> None:
    outbox = Outbox(database)
    source = Unstored(outbox, volatile)
    put(volatile, 0, 1)
    first = source.delivery("grid-1", START, ROOM)
    assert (first.sequence, first.readings) == (1, (reading(0), reading(1)))
    put(volatile, 2)
    assert source.delivery("grid-1", START + timedelta(minutes=1), ROOM) == first
    outbox.acknowledge("grid-1", 1, START)
    source.forget("grid-1")
    following = source.delivery("grid-1", START, ROOM)
    assert (following.sequence, following.readings) == (2, (reading(2),))


def test_after_a_restart_an_open_number_is_a_cover(database: Database, volatile: VolatileStore) -> None:
    """FPR_CON.1: no gap arises, and what came after it takes the next number."""
    outbox = Outbox(database)
    put(volatile, 0)
    lost = Unstored(outbox, volatile).delivery("grid-1", START, ROOM)
    put(volatile, 1)
    restarted = Unstored(outbox, volatile)
    cover = restarted.delivery("grid-1", START + timedelta(hours=1), ROOM)
    assert (cover.sequence, cover.created_at, cover.grants) == (lost.sequence, lost.created_at, ())
    outbox.acknowledge("grid-1", 1, START)
    assert restarted.delivery("grid-1", START + timedelta(hours=1), ROOM).readings == (reading(1),)


def test_a_number_is_all_that_reaches_the_disk(database: Database, volatile: VolatileStore) -> None:
    """TR-03109-1, TAF-9, TAF-10, TAF-14; ``test_covers`` looks at every cell after a whole delivery."""
    put(volatile, 0, 1, 2)
    source = Unstored(Outbox(database), volatile)
    source.delivery("grid-1", START, ROOM)
    with database.read() as connection:
        filled = [
            table.name
            for table in schema.metadata.sorted_tables
            if connection.scalar(sa.select(sa.func.count()).select_from(table))
        ]
        assert filled == ["deliveries"]
        assert connection.exec_driver_sql("SELECT profile, sequence, kind FROM deliveries").all() == [
            ("grid-1", 1, "unstored")
        ]
    assert "4711" not in repr(source), "nor a log or a traceback"


def test_what_does_not_fit_waits_for_the_next(
    database: Database, volatile: VolatileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FPR_CON.1: a delivery never grows, and its backlog is bounded."""
    monkeypatch.setattr(unstored, "GRANTS_PER_PROFILE", 3)
    outbox = Outbox(database)
    source = Unstored(outbox, volatile)
    put(volatile, *range(7))
    found = []
    for sequence in (1, 2, 3):
        found.append(source.delivery("grid-1", START, 2).readings)
        outbox.acknowledge("grid-1", sequence, START)
    assert found == [(reading(0), reading(1)), (reading(4), reading(5)), (reading(6),)]


def test_what_waited_too_long_is_forgotten(database: Database, volatile: VolatileStore) -> None:
    """TR-03109-1, TAF-9: a present value is given while it is present, also where it waited for room."""
    outbox = Outbox(database)
    source = Unstored(outbox, volatile)
    put(volatile, 0, 1, 2)
    assert source.delivery("grid-1", START, 1).readings == (reading(0),)
    outbox.acknowledge("grid-1", 1, START)
    late = START + timedelta(minutes=15) + LIFETIME + timedelta(seconds=1)
    assert source.delivery("grid-1", late, 1).readings == (reading(2),)


def test_one_grant_goes_even_where_it_is_larger_than_the_room(database: Database, volatile: VolatileStore) -> None:
    volatile.put(grant(0, readings=(reading(0), reading(1), reading(2))))
    assert len(Unstored(Outbox(database), volatile).delivery("grid-1", START, 1).readings) == 3


def test_what_was_withdrawn_is_forgotten(database: Database, volatile: VolatileStore) -> None:
    source = Unstored(Outbox(database), volatile)
    put(volatile, 0, 1)
    source.delivery("grid-1", START, 1)
    with database.write() as connection:
        withdraw(connection, ["grid-1"], START)
    source.retain({"grid-2"})
    following = source.delivery("grid-1", START, ROOM)
    assert (following.sequence, following.grants) == (2, ())


def test_a_full_store_swallows_nothing(
    database: Database, volatile: VolatileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(database)
    source = Unstored(outbox, volatile)
    put(volatile, 0)

    def full(*_: object) -> None:
        raise StoreFullError("full")

    monkeypatch.setattr(outbox, "number_unstored", full)
    with pytest.raises(StoreError):
        source.delivery("grid-1", START, ROOM)
    assert volatile.holds("grid-1")
