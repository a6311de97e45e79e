"""The words of erasure: what they name exists, and an empty table of ended contracts erases nothing."""

from pathlib import Path

import pytest

from smgw.store.contracts import Contracts
from smgw.store.erasure import ENDED_ROWS, ERASURES
from smgw.store.errors import StoreError
from smgw.store.schema import metadata
from tests.smgw.store.aged import day
from tests.smgw.store.household import ANNA, Household
from tests.smgw.store.samples import METER, open_database


def test_every_statement_stands_for_a_table_that_has_a_rule() -> None:
    assert set(ENDED_ROWS) <= set(metadata.tables)
    # Her own prices bind nobody, and she takes them back as she likes: no trigger guards them.
    assert {statement.split()[2] for statement in ERASURES} == {*ENDED_ROWS, "han_prices"}


def test_nothing_ended_nothing_erased(tmp_path: Path) -> None:
    """FAU_STG.2: emptiness denies."""
    database = open_database(tmp_path)
    house = Household(database)
    house.measure(METER, 0, 3)
    house.deliver()
    assert Contracts(database).erase(100) == 0
    # Nor can what is written down there be turned into what the trigger would not have let in.
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO ended VALUES ('consumer', ?, 0, 1 << 53)", (METER.text,))
    with pytest.raises(StoreError, match="written down once"), database.write() as connection:
        connection.exec_driver_sql("UPDATE ended SET kind = 'meter'")
    assert Contracts(database).erase(100) == 0
    assert house.days_of(METER) == [0, 1, 2, 3]
    database.close()


def test_a_profile_goes_only_where_its_withdrawal_keeps_its_number(tmp_path: Path) -> None:
    """FAU_STG.2: or its number could be used anew, for other data."""
    database = open_database(tmp_path)
    house = Household(database)
    house.install(ANNA)
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO ended VALUES ('profile', 'meter:m-1', ?, 0)", (ANNA.version,))
    with pytest.raises(StoreError), database.write() as connection:
        connection.exec_driver_sql("DELETE FROM profiles")
    house.withdraw(ANNA, day(1))
    assert Contracts(database).erase(100) == 1
    database.close()
