"""TAF-6 on disk: the first reading of each local day of every register, for six weeks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smgw.access.grants import Grant
from smgw.store import daily_values
from smgw.store.ages import Kind
from smgw.store.daily_values import DailyValues
from smgw.store.database import Database
from smgw.store.errors import StoreError
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from smgw.store.sweep import Sweeper
from tests.smgw.store.aged import let_pass
from tests.smgw.store.samples import IMPORT, METER, START, decision, open_database, reading
from wire.reading import DeviceId

FOREVER = timedelta(days=10_000)
DAY = timedelta(days=1)
QUARTERS = 96
MIDNIGHT = 92
"""Local midnight of the second day: START is 01:00 in Berlin."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def kept(database: Database) -> list[datetime]:
    found = DailyValues(database).between(METER, IMPORT, START - FOREVER, START + FOREVER)
    return [one.reading.captured_at for one in found]


def test_the_first_reading_of_each_local_day_is_kept_whatever_profiles_there_are(database: Database) -> None:
    """TR-03109-1, TAF-6: always active in the background; the day begins at local midnight."""
    store = ReadingStore(database)
    for number in (0, 1, MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 1, MIDNIGHT + QUARTERS + 5, MIDNIGHT + QUARTERS + 6):
        store.record(reading(number), decision())
    firsts = [reading(number) for number in (0, MIDNIGHT, MIDNIGHT + QUARTERS + 5)]
    assert kept(database) == [one.reading.captured_at for one in firsts]
    (second,) = DailyValues(database).between(METER, IMPORT, START + DAY / 2, START + DAY)
    assert second == firsts[1]
    assert DailyValues(database).between(DeviceId("1ISK0000000009"), IMPORT, START, START + DAY) == []


def test_a_day_of_23_hours_and_the_next_have_one_value_each(database: Database) -> None:
    store = ReadingStore(database)
    first = (datetime(2026, 3, 28, 23, tzinfo=UTC) - START) // timedelta(minutes=15)
    for number in (first, first + 91, first + 92):
        store.record(reading(number), decision())
    assert kept(database) == [datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)]


def test_they_are_never_changed_and_go_after_six_weeks_only(database: Database) -> None:
    """TR-03109-1, TAF-6; FDP_RIP.2: older than six weeks is deleted, and nothing is before."""
    store = ReadingStore(database)
    for number in range(0, 50 * QUARTERS, QUARTERS):
        store.record(reading(number), decision())
    for statement in ("UPDATE daily_values SET value = 0", "DELETE FROM daily_values"):
        with pytest.raises(StoreError), database.write() as connection:
            connection.exec_driver_sql(statement)
    let_pass(sweeper := Sweeper(database), START + 49 * DAY)
    with pytest.raises(StoreError), database.write() as connection:
        connection.exec_driver_sql("DELETE FROM daily_values")
    assert sweeper.delete(Kind.DAILY_VALUES) == 7
    assert sweeper.delete(Kind.DAILY_VALUES) == 0
    assert kept(database)[0] == START + 7 * DAY


def test_a_daily_value_is_owed_even_where_its_reading_is_gone(database: Database) -> None:
    """Two kinds of retention: the daily value has its own row and its own signature."""
    with database.write() as connection:
        daily_values.note(connection, reading(0))
    (value,) = DailyValues(database).between(METER, IMPORT, START, START)
    grant = Grant("daily", 1, "grid", "day", START, START, readings=(value,))
    ReadingStore(database).owe([grant, grant])
    delivery = Outbox(database).open_delivery("daily", START)
    assert delivery is not None
    assert delivery.readings == (reading(0),)
