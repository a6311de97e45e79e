"""Events from outside: one state of a name in a second, appended, and the newest stays."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.metering.tariffs.taf5 import TariffEvent
from smgw.store.ages import Kind
from smgw.store.database import Database
from smgw.store.errors import StoreError
from smgw.store.readings import ReadingStore
from smgw.store.rows import to_seconds
from smgw.store.sweep import Sweeper
from smgw.store.tariff_events import TariffEvents
from tests.smgw.store.aged import delete_all, let_pass, order_days
from tests.smgw.store.samples import METER, START, decision, open_database, reading

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def event(after: timedelta, name: str, *, active: bool = True) -> TariffEvent:
    return TariffEvent(to_seconds(START + after), name, active)


def test_events_come_back_in_their_order_and_by_their_names(database: Database) -> None:
    """TR-03109-1, TAF-5 and TAF-11."""
    events = TariffEvents(database)
    assert events.append("peak", START + DAY, active=False)
    assert events.append("peak", START, active=True)
    assert events.append("shed", START + SECOND, active=True)
    assert events.of(["peak", "shed"], START + DAY) == [
        event(0 * DAY, "peak"),
        event(SECOND, "shed"),
        event(DAY, "peak", active=False),
    ]
    assert events.of(["peak"], START + SECOND) == [event(0 * DAY, "peak")]
    assert ReadingStore(database).events(["shed"], START + DAY) == [event(SECOND, "shed")]
    assert events.of([], START + DAY) == []


def test_a_name_has_one_state_in_a_second(database: Database) -> None:
    events = TariffEvents(database)
    assert events.append("peak", START, active=True)
    assert events.append("peak", START, active=True)
    assert not events.append("peak", START, active=False)
    assert events.of(["peak"], START) == [event(0 * DAY, "peak")]


def test_they_are_never_changed_and_the_state_that_holds_stays(database: Database) -> None:
    """FAU_STG.2: what explains a bill is kept as long as values are."""
    events = TariffEvents(database)
    for day in (0, 1, 2):
        events.append("peak", START + day * DAY, active=not day % 2)
    events.append("shed", START, active=True)
    for statement in ("UPDATE tariff_events SET active = 0", "DELETE FROM tariff_events"):
        with pytest.raises(StoreError), database.write() as connection:
            connection.exec_driver_sql(statement)
    ReadingStore(database).record(reading(0), decision())
    order_days(database, 10)
    sweeper = Sweeper(database)
    sweeper.need({METER: START + 20 * DAY}, let_pass(sweeper, START + 20 * DAY))
    assert delete_all(sweeper)[Kind.TARIFF_EVENTS] == 2
    assert events.of(["peak", "shed"], START + 9 * DAY) == [event(0 * DAY, "shed"), event(2 * DAY, "peak")]
