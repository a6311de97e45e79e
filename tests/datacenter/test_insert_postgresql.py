"""Strict refuses any overlap as a whole, lenient counts; connections are replaced when they break."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from datacenter import database, schema
from datacenter.insert_postgresql import Insert, QuickInsert, array

pytestmark = pytest.mark.peer


def parameters(sequence: int, seconds: list[int]) -> dict[str, Any]:
    columns = ("device_no", "obis_no", "series", "value", "status", "scaler", "unit")
    packed: dict[str, Any] = {f"rows_{name}": array([1] * len(seconds)) for name in columns}
    head = {"created_at": 0, "period_begin": 0, "period_end": 0, "received_at": 0, "readings": len(seconds)}
    packed |= {f"delivery_{name}": value for name, value in head.items()}
    return packed | {
        "gateway_no": 1,
        "delivery_profile_no": 1,
        "delivery_sequence": sequence,
        "delivery_digest": b"d" * 32,
        "rows_captured_at": array(seconds),
        "signatures": b"".join(bytes([second]) * 64 for second in seconds),
    }


@pytest.fixture
def engine(postgresql: sa.URL) -> Iterator[sa.Engine]:
    engine = database.engine(postgresql)
    database.prepare(engine)
    with database.writing(engine) as connection:
        schema.create_month(connection, *schema.month(0))
    yield engine
    engine.dispose()


@pytest.fixture
def quick(engine: sa.Engine) -> Iterator[QuickInsert]:
    autocommit = database.engine(engine.url, autocommit=True)
    quick = QuickInsert(autocommit)
    yield quick
    quick.close()
    autocommit.dispose()


def stored(engine: sa.Engine) -> dict[int, bytes]:
    with engine.connect() as connection:
        rows = connection.execute(sa.select(schema.reading.c.captured_at, schema.reading.c.signature))
        return {second: bytes(signature) for second, signature in rows}


def test_each_row_gets_its_own_signature(engine: sa.Engine, quick: QuickInsert) -> None:
    assert quick.store(parameters(1, [5, 3, 9]))
    assert stored(engine) == {second: bytes([second]) * 64 for second in (3, 5, 9)}


def test_strict_writes_nothing_on_overlap(engine: sa.Engine, quick: QuickInsert) -> None:
    assert quick.store(parameters(1, [1, 2]))
    assert not quick.store(parameters(2, [2, 3]))
    assert set(stored(engine)) == {1, 2}
    assert not quick.store(parameters(1, [7]))
    assert set(stored(engine)) == {1, 2}


def test_lenient_counts(engine: sa.Engine, quick: QuickInsert) -> None:
    assert quick.store(parameters(1, [1, 2]))
    insert = Insert(engine.dialect, strict=False)
    with database.writing(engine) as connection:
        assert insert.on(connection, parameters(2, [2, 3])) == (1, 1)
        assert insert.on(connection, parameters(2, [4])) == (0, 0)
    assert set(stored(engine)) == {1, 2, 3}


def test_a_connection_that_broke_is_replaced(engine: sa.Engine, quick: QuickInsert) -> None:
    assert quick.store(parameters(1, [1]))
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert quick.store(parameters(2, [2]))


def test_arrays() -> None:
    assert array([]) == "{}"
    assert array([1, -2, 2**63 - 1]) == "{1,-2,9223372036854775807}"
