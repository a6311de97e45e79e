"""What follows from orders for the profiles that a gateway holds."""

# ruff: noqa: S608 - statements of a test, of its own constants

from dataclasses import replace
from pathlib import Path

from admin.database import open_database, reading, writing
from admin.installed import Holding, holding, keep
from tests.admin.bureau import GATEWAY, OTHER
from tests.admin.samples import COMMUNICATION
from wire.orders import BreakUp, ChangeProfiles, Command, ProfileReference

KEY = (COMMUNICATION.KIND, COMMUNICATION.id)
INSTALL = ChangeProfiles((COMMUNICATION,), ())
NEWER = ChangeProfiles((replace(COMMUNICATION, version=2),), ())
WITHDRAW = ChangeProfiles((), (ProfileReference(*KEY),))


def test_an_order_changes_what_is_held() -> None:
    held = Holding().after_all([INSTALL, BreakUp(), NEWER])
    assert held.profiles == {KEY: NEWER.install[0]}
    assert held.versions == {KEY: 2}


def test_a_version_that_was_withdrawn_is_remembered() -> None:
    held = Holding().after_all([INSTALL, WITHDRAW])
    assert held.profiles == {}
    assert held.versions == {KEY: 1}


def test_the_table_says_the_same_as_the_value(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "admin.db")
    with writing(engine) as connection:
        connection.exec_driver_sql(f"INSERT INTO gateways VALUES ('{GATEWAY}', 's', 'h', 1, 0, 1, '', 0)")
    expected = Holding()
    commands: list[Command] = [INSTALL, BreakUp(), WITHDRAW, NEWER, WITHDRAW]
    for number, command in enumerate(commands, 1):
        expected = expected.after(command)
        with writing(engine) as connection:
            keep(connection, GATEWAY, command, number)
        with reading(engine) as connection:
            assert holding(connection, GATEWAY) == expected
            assert holding(connection, OTHER) == Holding()
    engine.dispose()
