"""Months: bounds, creation on demand, and many at once creating the same one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from datacenter import database, schema
from datacenter.errors import ConfigError


@given(st.integers(0, 4_000_000_000))
def test_a_second_lies_in_its_month(second: int) -> None:
    begin, end = schema.month(second)
    assert begin <= second < end
    assert datetime.fromtimestamp(begin, UTC).day == datetime.fromtimestamp(end, UTC).day == 1
    assert schema.month(end)[0] == end


def test_december_ends_in_january() -> None:
    assert schema.month(int(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()))[1] == int(
        datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    )


def test_tables_of_another_version_are_found_out_at_the_start(tmp_path: object) -> None:
    engine = database.engine(sa.make_url(f"sqlite:///{tmp_path}/x.db"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE reading (gateway_no INTEGER PRIMARY KEY, value BIGINT)")
    with pytest.raises(ConfigError, match="table reading of this database was made by another version"):
        database.prepare(engine)
    engine.dispose()


def test_sqlite_keeps_rows_in_key_order(tmp_path: object) -> None:
    engine = database.engine(sa.make_url(f"sqlite:///{tmp_path}/x.db"))
    database.prepare(engine)
    with engine.connect() as connection:
        statement = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'reading'").scalar_one()
    assert "WITHOUT ROWID" in statement
    engine.dispose()


@pytest.mark.peer
def test_many_at_once_create_tables_and_the_same_month(postgresql: sa.URL) -> None:
    engine = database.engine(postgresql)
    begin, end = schema.month(1_767_225_600)

    def create(_: int) -> None:
        database.prepare(engine)
        with database.writing(engine) as connection:
            schema.create_month(connection, begin, end)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(16)))
    with engine.connect() as connection:
        partitions = connection.exec_driver_sql(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reading'::regclass"
        )
        assert partitions.scalars().all() == ["reading_2026_01"]
    engine.dispose()
