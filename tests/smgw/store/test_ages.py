"""The rules of forgetting, as words: what they name exists, and what they do not know they do not permit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smgw.store.ages import RULES, Kind, deletion
from smgw.store.database import Database
from smgw.store.schema import metadata
from smgw.store.sweep import Sweeper
from tests.smgw.store.aged import day, order_days, record_days
from tests.smgw.store.samples import open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_rule_over_its_own_columns(kind: Kind) -> None:
    table = metadata.tables[kind]
    assert {column.name for column in table.primary_key} == set(RULES[kind].key)
    assert RULES[kind].age in table.columns


def test_what_stands_nowhere_is_never_deleted_by_age() -> None:
    """FAU_STG.4/CAL: the calibration log has no rule, and neither has what holds nobody's data."""
    assert not {"calibration_log", "withdrawals", "wake_ups", "settings"} & set(RULES)


@pytest.mark.parametrize("kind", Kind)
def test_without_a_clock_nothing_is_old(database: Database, kind: Kind) -> None:
    """FAU_STG.2: emptiness denies."""
    record_days(database, 5, acknowledged=5)
    order_days(database, 1)
    assert Sweeper(database).delete(kind) == 0


@pytest.mark.parametrize("kind", [Kind.GRANTS, Kind.READINGS])
def test_what_is_old_is_found_by_an_index(database: Database, kind: Kind) -> None:
    Sweeper(database).advance(day(400))
    with database.read() as connection:
        plan = [str(row.detail) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {deletion(kind, 9)}")]
    assert not [line for line in plan if line.startswith("SCAN") and " settings" not in line]
