from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.orders import OrderProgress, OrderStore, StoredOrder
from smgw.store.schema import orders
from tests.smgw.store.samples import START, open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> OrderStore:
    return OrderStore(database)


def test_an_order_is_written_down_before_it_is_done_and_answered_once(store: OrderStore) -> None:
    assert (store.last(), store.find(b"a")) == (0, None)
    store.take(7, b"a", repeatable=False, at=START)
    assert store.find(b"a") == StoredOrder(7, b"a", START, OrderProgress.ONCE, None)
    store.answer(7, OrderProgress.DONE, b"well")
    assert store.find(b"a") == StoredOrder(7, b"a", START, OrderProgress.DONE, b"well")
    with pytest.raises(StoreError) as refused:
        store.answer(7, OrderProgress.REFUSED, b"ill")
    assert refused.value.reason is StoreReason.CONFLICT
    assert store.find(b"a") == StoredOrder(7, b"a", START, OrderProgress.DONE, b"well")


def test_whether_it_may_be_done_twice_is_remembered(store: OrderStore) -> None:
    store.take(1, b"a", repeatable=True, at=START)
    found = store.find(b"a")
    assert found is not None
    assert found.progress is OrderProgress.REPEATABLE


def test_a_refused_order_takes_its_number(store: OrderStore) -> None:
    store.refuse(3, b"a", b"no", at=START)
    assert store.find(b"a") == StoredOrder(3, b"a", START, OrderProgress.REFUSED, b"no")
    assert store.last() == 3


@pytest.mark.parametrize("sequence", [1, 3])
def test_numbers_rise(store: OrderStore, sequence: int) -> None:
    store.take(3, b"a", repeatable=False, at=START)
    with pytest.raises(StoreError) as refused:
        store.take(sequence, b"b", repeatable=True, at=START + timedelta(1))
    assert refused.value.reason is StoreReason.CONFLICT
    with pytest.raises(StoreError) as refused:
        store.refuse(sequence, b"b", b"no", at=START + timedelta(1))
    assert refused.value.reason is StoreReason.CONFLICT
    assert store.find(b"b") is None


def test_what_was_never_taken_has_no_answer(store: OrderStore) -> None:
    with pytest.raises(StoreError):
        store.answer(1, OrderProgress.DONE, b"well")


def test_an_answer_says_what_became_of_the_order(store: OrderStore) -> None:
    store.take(1, b"a", repeatable=False, at=START)
    with pytest.raises(RuntimeError):
        store.answer(1, OrderProgress.ONCE, b"well")


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    OrderStore(database).take(9, b"a", repeatable=False, at=START)
    database.close()
    again = open_database(tmp_path)
    assert OrderStore(again).find(b"a") == StoredOrder(9, b"a", START, OrderProgress.ONCE, None)
    assert OrderStore(again).last() == 9
    again.close()


@pytest.mark.parametrize("statement", [orders.delete(), orders.update().values(reply=b"other", outcome="done")])
def test_not_even_the_database_forgets_an_answer(database: Database, statement: sa.Executable) -> None:
    OrderStore(database).refuse(1, b"a", b"no", at=START)
    with pytest.raises(StoreError), database.write() as connection:
        connection.execute(statement)
