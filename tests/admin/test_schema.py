"""The tables: made once, refused in another version, the past append-only."""

# ruff: noqa: S608 - statements of a test, of its own constants

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from admin.database import open_database, writing
from admin.errors import StorageError
from admin.schema import APPEND_ONLY, SCHEMA_VERSION, metadata


def test_the_tables_of_this_version(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "admin.db")
    assert set(sa.inspect(engine).get_table_names()) == set(metadata.tables)
    engine.dispose()
    with sqlite3.connect(tmp_path / "admin.db") as plain:
        assert plain.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


@pytest.mark.parametrize("spoil", [f"PRAGMA user_version = {SCHEMA_VERSION + 1}", "CREATE TABLE other (x)"])
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, spoil: str) -> None:
    with sqlite3.connect(tmp_path / "admin.db") as plain:
        plain.execute(spoil)
    plain.close()
    with pytest.raises(StorageError, match="use another file"):
        open_database(tmp_path / "admin.db")


def test_a_file_of_an_earlier_version_gets_what_it_lacks(tmp_path: Path) -> None:
    open_database(tmp_path / "admin.db").dispose()
    with sqlite3.connect(tmp_path / "admin.db") as plain:
        plain.execute("INSERT INTO drafts VALUES ('x', 'text', 'anna', 1)")
        for table in ("sessions", "attempts", "users"):
            plain.execute(f"DROP TABLE {table}")
        plain.execute("PRAGMA user_version = 1")
    plain.close()
    engine = open_database(tmp_path / "admin.db")
    assert set(sa.inspect(engine).get_table_names()) == set(metadata.tables)
    engine.dispose()
    with sqlite3.connect(tmp_path / "admin.db") as plain:
        assert plain.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert plain.execute("SELECT name FROM drafts").fetchall() == [("x",)]
    plain.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_past_is_not_rewritten(tmp_path: Path, table: str) -> None:
    engine = open_database(tmp_path / "admin.db")
    with writing(engine) as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    with writing(engine) as connection:
        names = [column.name for column in metadata.tables[table].columns]
        connection.exec_driver_sql("INSERT INTO gateways VALUES ('g', 's', 'h', 1, 0, 1, '', 0)")
        places = ", ".join("'g'" if name == "gateway" else "1" for name in names)
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({places})")
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET number = 2"):
        with pytest.raises(StorageError, match="append-only"), writing(engine) as connection:
            connection.exec_driver_sql(statement)
    engine.dispose()
