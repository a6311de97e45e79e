"""What the tables of the logs refuse by themselves, whoever asks."""

# ruff: noqa: S608 - every statement here is put together from constants of this file

from collections.abc import Iterator
from pathlib import Path

import pytest

from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from tests.smgw.store.samples import open_database

_COLUMNS = "'E', 1, 0, 'v', 1, 0, 's', 'u', 0, 0, '{}', NULL, 0, zeroblob(32), zeroblob(32)"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = open_database(tmp_path_factory.mktemp("tables"))
    with database.write() as connection:
        for log, owner in (("system", ""), ("consumer", "anna"), ("calibration", "")):
            for number in (1, 2):
                connection.exec_driver_sql(f"INSERT INTO log_entries VALUES ('{log}', '{owner}', {number}, {_COLUMNS})")
                connection.exec_driver_sql(
                    f"INSERT INTO log_heads VALUES ('{log}', '{owner}', {number}, zeroblob(32)) "
                    f"ON CONFLICT DO UPDATE SET last_number = {number}"
                )
        connection.exec_driver_sql("INSERT INTO log_time VALUES (1, 0, 7)")
        for number in (1, 2):
            connection.exec_driver_sql(f"INSERT INTO log_checkpoints VALUES ({number}, x'00', '', x'00', x'00')")
    yield database
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_entries SET subject = 'another'",
        "DELETE FROM log_entries WHERE record_number = 2",
        "DELETE FROM log_entries WHERE log = 'calibration'",
        f"REPLACE INTO log_entries VALUES ('system', '', 2, {_COLUMNS})",
        f"INSERT INTO log_entries VALUES ('system', '', 4, {_COLUMNS})",
        f"INSERT INTO log_entries VALUES ('other', '', 1, {_COLUMNS})",
        f"INSERT INTO log_entries VALUES ('system', 'anna', 1, {_COLUMNS})",
        f"INSERT INTO log_entries VALUES ('consumer', '', 1, {_COLUMNS})",
        "UPDATE log_heads SET last_number = 1",
        "DELETE FROM log_heads",
        "INSERT INTO log_repetitions VALUES ('system', '', 1, 0, 2, 3)",
        "UPDATE log_checkpoints SET signature = x'01'",
        "DELETE FROM log_checkpoints WHERE number = 2",
        "INSERT INTO log_checkpoints VALUES (4, x'00', '', x'00', x'00')",
        "INSERT INTO log_time VALUES (2, 0, 0)",
        "UPDATE log_time SET last_index = 6",
        "REPLACE INTO log_time VALUES (1, 0, 6)",
        "DELETE FROM log_time",
    ],
)
def test_the_database_itself_refuses_to_alter_a_log(database: Database, statement: str) -> None:
    """FAU_STG.2: no entry is altered or taken out, whoever asks; FAU_STG.4/CAL: none of the calibration log ever."""
    with pytest.raises(StoreError) as refusal, database.write() as connection:
        connection.exec_driver_sql(statement)
    assert refusal.value.reason is StoreReason.CONFLICT


def test_the_oldest_entry_may_go(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    with database.write() as connection:
        connection.exec_driver_sql(f"INSERT INTO log_entries VALUES ('system', '', 1, {_COLUMNS})")
        connection.exec_driver_sql("DELETE FROM log_entries")
    database.close()
