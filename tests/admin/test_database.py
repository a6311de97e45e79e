"""The database for several processes at once: durable, owner's alone, writers one after the other."""

import stat
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from admin.database import from_seconds, from_seconds_or_none, open_database, reading, to_seconds, writing
from admin.errors import StorageError
from tests.admin.other_process import READ, count, run_several


def test_no_update_is_lost_between_processes(tmp_path: Path) -> None:
    file = tmp_path / "admin.db"
    engine = open_database(file)
    with writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO servers VALUES ('x', 0, 0)")
    run_several(count, file, 25)
    with reading(engine) as connection:
        assert connection.exec_driver_sql(READ).scalar_one() == 75
    engine.dispose()


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "admin.db")
    seen: list[int] = []

    def look() -> None:
        with reading(engine) as connection:
            seen.append(connection.exec_driver_sql("SELECT count(*) FROM servers").scalar_one())

    with writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO servers VALUES ('x', 0, 0)")
        reader = threading.Thread(target=look)
        reader.start()
        reader.join()
    assert seen == [0]
    engine.dispose()


def test_what_fails_half_way_did_not_happen(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "admin.db")
    with pytest.raises(KeyError), writing(engine) as connection:
        raise KeyError(connection.exec_driver_sql("INSERT INTO servers VALUES ('x', 0, 0)").rowcount)
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM servers").scalar_one() == 0
    engine.dispose()


def test_the_file_is_its_owners_alone_and_durable(tmp_path: Path) -> None:
    file = tmp_path / "new" / "admin.db"
    engine = open_database(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    engine.dispose()


def test_trouble_is_one_kind_of_error(tmp_path: Path) -> None:
    (tmp_path / "admin.db").write_bytes(b"this is no database, and far too long to be taken for an empty one" * 20)
    with pytest.raises(StorageError):
        open_database(tmp_path / "admin.db")
    with pytest.raises(StorageError, match="cannot be written"):
        open_database(tmp_path / "admin.db" / "below")
    engine = open_database(tmp_path / "good.db")
    with pytest.raises(StorageError, match="larger than"), reading(engine) as connection:
        connection.execute(sa.select(sa.literal(2**63)))
    engine.dispose()


def test_seconds() -> None:
    moment = datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    assert from_seconds(to_seconds(moment)) == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert from_seconds_or_none(None) is None
    with pytest.raises(ValueError, match="zone"):
        to_seconds(datetime(2026, 1, 1))  # noqa: DTZ001
