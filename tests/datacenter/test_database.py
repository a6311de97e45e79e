"""Durability as promised, and one kind of error for every trouble."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from datacenter import database, schema
from datacenter.errors import StorageError


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database.engine(sa.make_url(f"sqlite:///{tmp_path}/x.db"))
    database.prepare(engine)
    yield engine
    engine.dispose()


def test_a_commit_survives_a_power_cut(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_an_exception_rolls_back(engine: sa.Engine) -> None:
    def writes_and_fails() -> None:
        with database.writing(engine) as connection:
            connection.execute(sa.insert(schema.gateway), {"identification": "EABC0012345678"})
            raise KeyError

    with pytest.raises(KeyError):
        writes_and_fails()
    with database.reading(engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.gateway)).scalar() == 0


def test_trouble_becomes_storage_error_and_no_value_is_logged(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(StorageError) as caught, database.writing(engine) as connection:
        connection.execute(sa.insert(schema.gateway), [{"identification": "4711"}, {"identification": "4711"}])
    assert "4711" not in caplog.text
    assert "4711" not in str(caught.value.__cause__)


def test_no_server(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra [postgres])")
    engine = database.engine(sa.make_url(f"postgresql+psycopg://x@/x?host={tmp_path}"))
    with pytest.raises(StorageError):
        database.prepare(engine)
