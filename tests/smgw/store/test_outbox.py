from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.outbox import Balance, Delivery, Kind, Number, Outbox, withdraw
from smgw.store.readings import ReadingStore
from tests.smgw.store.samples import GATEWAY, START, decision, grant, open_database, reading
from wire.reading import DeviceId, SignedReading


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


def test_a_delivery_takes_no_more_readings_than_it_has_room_for(database: Database) -> None:
    """FPR_CON.1: what one dispatch carries is bounded by readings, and the rest waits for the next."""
    outbox, store = Outbox(database), ReadingStore(database)
    for number in range(4):
        sums = tuple(reading(number, value=value, meter=DeviceId(f"1ISK000000000{value}")) for value in (1, 2, 3))
        store.record(reading(number), decision(grant(number, readings=(reading(number), *sums))))
    taken = []
    for sequence in (1, 2, 3):
        delivery = outbox.open_delivery("grid-1", START, readings_limit=(8, 3, 1000)[sequence - 1])
        assert delivery is not None
        taken.append((delivery.sequence, len(delivery.grants), len(delivery.readings)))
        outbox.acknowledge("grid-1", sequence, START)
    assert taken == [(1, 2, 8), (2, 1, 4), (3, 1, 4)], "one grant at least"


def test_a_cover_is_numbered_where_nothing_is_owed_and_stays_one(database: Database, tmp_path: Path) -> None:
    """FPR_CON.1: its number counts like any other, and what comes later goes into the next."""
    outbox = Outbox(database)
    cover = outbox.open_delivery("grid-1", START, cover=True)
    assert cover is not None
    assert (cover.sequence, cover.grants, cover.readings) == (1, (), ())
    assert cover.period_begin == cover.period_end == cover.created_at == START
    owe(database, range(1))
    database.close()
    again = open_database(tmp_path, create=False)
    outbox = Outbox(again)
    assert outbox.open_delivery("grid-1", START + timedelta(hours=1), cover=True) == cover
    outbox.acknowledge("grid-1", 1, START)
    following = outbox.open_delivery("grid-1", START, cover=True)
    assert following is not None
    assert (following.sequence, following.readings) == (2, (reading(0),))
    again.close()


def test_an_unstored_delivery_is_a_number_in_the_same_row(database: Database) -> None:
    outbox = Outbox(database)
    owe(database, range(1))
    assert outbox.open_number("grid-1") is None
    number = outbox.number_unstored("grid-1", START)
    assert number == outbox.open_number("grid-1") == Number("grid-1", 1, START, Kind.UNSTORED)
    with database.write() as connection, pytest.raises(DatabaseError, match="nothing that is stored"):
        connection.exec_driver_sql("UPDATE grants SET sequence = 1")
    outbox.acknowledge("grid-1", 1, START)
    assert outbox.open_number("grid-1") is None
    outbox.open_delivery("grid-1", START)
    assert outbox.open_number("grid-1") == Number("grid-1", 2, START, Kind.STORED)


def test_an_unstored_number_is_withdrawn_like_any_other(database: Database) -> None:
    outbox = Outbox(database)
    outbox.number_unstored("grid-1", START)
    with database.write() as connection:
        withdraw(connection, ["grid-1"], START)
    assert outbox.open_number("grid-1") is None
    assert outbox.set_aside_reasons("grid-1") == {1: "withdrawn"}


def test_a_reading_that_two_grants_release_stands_once_in_a_delivery() -> None:
    twice = Delivery("grid-1", 1, START, (grant(0), replace(grant(1), readings=(reading(0), reading(1)))))
    assert twice.readings == (reading(0), reading(1))
