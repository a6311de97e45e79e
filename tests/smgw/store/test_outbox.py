from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.outbox import Balance, Outbox, withdraw
from smgw.store.readings import ReadingStore
from tests.smgw.store.samples import GATEWAY, START, decision, grant, open_database, reading
from wire.reading import SignedReading


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def owe(database: Database, numbers: range, profile: str = "grid-1") -> None:
    for number in numbers:
        ReadingStore(database).record(reading(number), decision(grant(number, profile=profile)))


def test_nothing_owed_is_no_delivery(database: Database) -> None:
    assert Outbox(database).open_delivery("grid-1", START) is None
    assert Outbox(database).last_created("grid-1") is None


def test_oldest_first_and_gapless_for_each_profile(database: Database) -> None:
    outbox = Outbox(database)
    owe(database, range(5))
    owe(database, range(2), "billing-1")
    seen: list[SignedReading] = []
    for expected in (1, 2, 3):
        delivery = outbox.open_delivery("grid-1", START, limit=2)
        assert delivery is not None
        assert delivery.sequence == expected
        seen += delivery.readings
        outbox.acknowledge("grid-1", expected, START)
    assert seen == [reading(number) for number in range(5)]
    assert outbox.open_delivery("grid-1", START) is None
    other = outbox.open_delivery("billing-1", START)
    assert other is not None
    assert (other.sequence, len(other.grants)) == (1, 2)
    assert (other.period_begin, other.period_end) == (grant(0).period_begin, grant(1).period_end)


def test_an_open_delivery_stays_the_same_whatever_comes(database: Database, tmp_path: Path) -> None:
    outbox = Outbox(database)
    owe(database, range(3))
    first = outbox.open_delivery("grid-1", START, limit=3)
    owe(database, range(3, 6))
    assert outbox.open_delivery("grid-1", START + timedelta(hours=1), limit=6) == first
    database.close()
    again = open_database(tmp_path, create=False)
    assert Outbox(again).open_delivery("grid-1", START + timedelta(days=1)) == first
    again.close()


def test_a_delivery_is_closed_once(database: Database) -> None:
    outbox = Outbox(database)
    owe(database, range(2))
    with pytest.raises(StoreError) as refusal:
        outbox.acknowledge("grid-1", 1, START)
    assert refusal.value.reason is StoreReason.NOT_OPEN
    with pytest.raises(StoreError) as refusal:
        outbox.set_aside("grid-1", 1, "malformed", START)
    assert refusal.value.reason is StoreReason.NOT_OPEN
    outbox.open_delivery("grid-1", START, limit=1)
    outbox.set_aside("grid-1", 1, "malformed", START)
    with pytest.raises(StoreError):
        outbox.acknowledge("grid-1", 1, START)
    assert outbox.set_aside_reasons("grid-1") == {1: "malformed"}
    following = outbox.open_delivery("grid-1", START + timedelta(minutes=1))
    assert following is not None
    assert following.sequence == 2
    assert outbox.balance("grid-1") == Balance(owed=0, open=1, acknowledged=0, set_aside=1)
    assert outbox.last_created("grid-1") == START + timedelta(minutes=1)


def test_a_derived_value_lives_with_its_grant_only(database: Database) -> None:
    """Two profiles may sum different meters to different values of the same quantity and second."""
    store, outbox = ReadingStore(database), Outbox(database)
    sums = [reading(0, value=value, meter=GATEWAY) for value in (100, 200)]
    store.record(
        reading(0),
        decision(*(grant(0, profile=f"sum-{number}", readings=(value,)) for number, value in enumerate(sums))),
    )
    for number, value in enumerate(sums):
        delivery = outbox.open_delivery(f"sum-{number}", START)
        assert delivery is not None
        assert delivery.readings == (value,)
    assert store.count() == 1


def test_a_grant_is_owed_once_by_its_key(database: Database) -> None:
    owe(database, range(1))
    store, outbox = ReadingStore(database), Outbox(database)
    store.record(reading(1), decision(replace(grant(1), key=grant(0).key)))
    delivery = outbox.open_delivery("grid-1", START)
    assert delivery is not None
    assert delivery.readings == (reading(0),)


def test_what_was_withdrawn_is_neither_owed_nor_sent(database: Database) -> None:
    outbox = Outbox(database)
    owe(database, range(4))
    owe(database, range(2), "billing-1")
    outbox.open_delivery("grid-1", START, limit=1)
    outbox.acknowledge("grid-1", 1, START)
    outbox.open_delivery("grid-1", START, limit=1)
    with database.write() as connection:
        withdraw(connection, ["grid-1"], START)
    assert outbox.balance("grid-1") == Balance(owed=0, open=0, acknowledged=1, set_aside=1)
    assert outbox.set_aside_reasons("grid-1") == {2: "withdrawn"}
    assert not outbox.owes("grid-1")
    assert outbox.open_delivery("grid-1", START) is None
    assert outbox.balance("billing-1").owed == 2
    owe(database, range(6))  # what is owed anew begins after it, under the next number
    following = outbox.open_delivery("grid-1", START)
    assert following is not None
    assert (following.sequence, following.readings) == (3, (reading(4), reading(5)))
