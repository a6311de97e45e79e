"""What is old goes, and what is owed, needed or newest stays, whoever asks."""
# ruff: noqa: S608 - statements of a test, over its own numbers.

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store.ages import LONGEST_STEP, Kind
from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from smgw.store.settings import Setting, Settings
from smgw.store.sweep import Sweeper
from smgw.store.tariff_events import TariffEvents
from tests.smgw.store.aged import day, delete_all, let_pass, order_days, record_days
from tests.smgw.store.samples import IMPORT, METER, START, decision, open_database, reading
from wire.reading import DeviceId

OTHER = DeviceId("1ISK0011111111")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def count(database: Database, table: str, condition: str = "TRUE") -> int:
    with database.read() as connection:
        found: int = connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table} WHERE {condition}").scalar_one()
    return found


def test_what_is_old_and_delivered_goes_and_the_row_of_numbers_goes_on(database: Database) -> None:
    """FDP_RIP.2, FAU_STG.2: deletion takes what is old and closed, in order, and leaves no number to be used twice."""
    record_days(database, 30, acknowledged=20)
    order_days(database)
    sweeper = Sweeper(database)
    sweeper.need({}, let_pass(sweeper, day(29)))
    # Nineteen of the twenty that were delivered are older than ten days.
    assert delete_all(sweeper) == {Kind.GRANTS: 19, Kind.READINGS: 19, Kind.DELIVERIES: 19}
    assert count(database, "grant_readings") == count(database, "grants") == count(database, "readings") == 11
    delivery = Outbox(database).open_delivery("grid-1", day(29))
    assert delivery is not None
    assert (delivery.sequence, len(delivery.grants)) == (21, 10)


def test_where_nothing_was_ordered_values_stay_for_24_months(database: Database) -> None:
    """TR-03109-1, retention."""
    record_days(database, 3, acknowledged=3)
    sweeper = Sweeper(database)
    sweeper.need({}, let_pass(sweeper, day(730)))
    assert Kind.READINGS not in delete_all(sweeper)
    sweeper.need({}, let_pass(sweeper, day(731)))
    assert delete_all(sweeper)[Kind.READINGS] == 1


def test_what_is_owed_or_open_stays_however_old(database: Database) -> None:
    """FAU_STG.2: nothing goes that somebody has still to get, with the readings that it consists of."""
    record_days(database, 5, acknowledged=2)
    Outbox(database).open_delivery("grid-1", day(5), limit=1)
    order_days(database)
    sweeper = Sweeper(database)
    sweeper.need({}, let_pass(sweeper, day(400)))
    assert delete_all(sweeper) == {Kind.GRANTS: 2, Kind.READINGS: 2, Kind.DAILY_VALUES: 5, Kind.DELIVERIES: 2}
    for expected in ([reading(2 * 96)], [reading(3 * 96), reading(4 * 96)]):
        delivery = Outbox(database).open_delivery("grid-1", day(400))
        assert delivery is not None
        assert list(delivery.readings) == expected
        Outbox(database).acknowledge("grid-1", delivery.sequence, day(400))
    # Now they are owed to nobody. The newest reading of the register stays for the one that will follow it.
    assert delete_all(sweeper) == {Kind.GRANTS: 3, Kind.READINGS: 2, Kind.DELIVERIES: 1}
    assert ReadingStore(database).latest(METER, IMPORT) == reading(4 * 96).reading
    assert count(database, "deliveries") == 1  # the highest number


def test_what_a_billing_period_needs_stays(database: Database) -> None:
    """TR-03109-1, TAF-1 and TAF-2: the opening values of a period that runs for months are not deleted."""
    store = ReadingStore(database)
    for number in range(0, 30 * 96, 96):
        store.record(reading(number), decision())
        store.record(reading(number, meter=OTHER), decision())
    order_days(database)
    sweeper = Sweeper(database)
    reached = let_pass(sweeper, day(29))
    assert delete_all(sweeper) == {}  # nobody said what is needed of these devices
    sweeper.need({METER: day(5)}, reached)
    assert delete_all(sweeper) == {Kind.READINGS: 5 + 19}
    assert count(database, "readings", f"device = '{METER}'") == 25


def test_the_clock_of_retention_cannot_be_hurried(database: Database) -> None:
    """FPT_STM.1: a clock that jumps ahead lets a sweep delete a day's data, not everything."""
    record_days(database, 3, acknowledged=3)
    sweeper = Sweeper(database)
    assert sweeper.reached() is None
    assert sweeper.advance(day(10_000)) == day(1)
    assert sweeper.advance(day(10_000)) == day(2) == sweeper.reached()
    assert sweeper.advance(day(1)) == day(1)  # back at once
    assert timedelta(days=1) == LONGEST_STEP
    for statement in (
        "UPDATE settings SET value = value + 86401 WHERE name = 'retention-clock'",
        "UPDATE settings SET name = 'other' WHERE name = 'retention-clock'",
        "DELETE FROM settings",
        "REPLACE INTO settings VALUES ('retention-clock', '99999999999')",
    ):
        with pytest.raises(StoreError) as refusal, database.write() as connection:
            connection.exec_driver_sql(statement)
        assert refusal.value.reason is StoreReason.CONFLICT


def test_the_clock_of_retention_does_not_begin_ahead(database: Database) -> None:
    """FPT_STM.1: nobody begins it far behind the oldest reading; an empty store has nothing to lose."""
    Sweeper(database).advance(day(50))
    assert Settings(database).get(Setting.RETENTION_CLOCK) == int(day(50).timestamp())


def test_another_beginning_is_refused(database: Database) -> None:
    """FPT_STM.1: as before, by the database itself."""
    record_days(database, 1, acknowledged=0)
    with pytest.raises(StoreError) as refusal:
        Settings(database).put({Setting.RETENTION_CLOCK: int(day(2).timestamp())})
    assert refusal.value.reason is StoreReason.CONFLICT


def test_no_statement_deletes_earlier(database: Database) -> None:
    """FAU_STG.2: each kind is refused by the database itself, also row by row."""
    record_days(database, 30, acknowledged=30)
    order_days(database)
    sweeper = Sweeper(database)
    sweeper.need({}, let_pass(sweeper, day(29)))
    for statement in (
        f"DELETE FROM grants WHERE period_end >= {int(day(19).timestamp())}",
        "DELETE FROM readings WHERE id = 1",  # old enough, but its grant is there
        "DELETE FROM deliveries WHERE sequence = 1",
        "DELETE FROM grant_readings WHERE grant_id = 1",
    ):
        with pytest.raises(StoreError) as refusal, database.write() as connection:
            connection.exec_driver_sql(statement)
        assert refusal.value.reason is StoreReason.CONFLICT
    # Days that no order can name count as one day at least.
    order_days(database, -5)
    with pytest.raises(StoreError), database.write() as connection:
        connection.exec_driver_sql(f"DELETE FROM grants WHERE period_end >= {int(day(28).timestamp())}")


def test_former_profiles_orders_and_notifications_age(database: Database) -> None:
    """FDP_RIP.2: what only explains old values goes with them; what stands, or is evidence for it, stays."""
    second = int(START.timestamp())
    with database.write() as connection:
        for number in range(1, 6):
            row = (number, b"%d" % number, second + number * 86400)
            connection.exec_driver_sql("INSERT INTO orders VALUES (?, ?, ?, 'done', x'7b7d')", row)
        for kind, version, document, order, imported_at in (
            ("meter", 1, None, 1, second),
            ("meter", 2, None, 2, second),
            ("meter", 3, None, 4, second + 700 * 86400),
            ("administrator", 1, b"signed", None, second),
            ("administrator", 2, None, 2, second),
            ("evaluation", 1, None, 2, second),
            ("proxy", 1, None, 2, second),
        ):
            values = (kind, version, document, order, imported_at)
            connection.exec_driver_sql("INSERT INTO profiles VALUES (?, 'p', ?, x'00', ?, ?, ?)", values)
        for kind, days, order in (("evaluation", 20, None), ("proxy", 100, 3)):
            withdrawn = (kind, second + days * 86400, order)
            connection.exec_driver_sql(
                "INSERT INTO withdrawals (kind, id, version, at, order_sequence) VALUES (?, 'p', 1, ?, ?)", withdrawn
            )
        for sent_at in (second, None, second + 600 * 86400):
            connection.exec_driver_sql(
                "INSERT INTO notifications (event, outcome, subject, at, parameters, sent_at) "
                "VALUES ('e', 'o', 's', ?, '{}', ?)",
                (second, sent_at),
            )
    sweeper = Sweeper(database)
    let_pass(sweeper, day(760))
    # Version 2 of the meter's profile was followed by version 3 less than two years ago, and the proxy's was withdrawn.
    assert delete_all(sweeper) == {Kind.PROFILES: 2, Kind.ORDERS: 1, Kind.NOTIFICATIONS: 1}
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT sequence FROM orders").scalars().all() == [2, 3, 4, 5]


def test_a_sweep_that_is_over_leaves_an_empty_log(database: Database, tmp_path: Path) -> None:
    """FDP_RIP.2: what was deleted does not lie in the write-ahead log; a reader can only delay that."""
    record_days(database, 3, acknowledged=3)
    sweeper, log = Sweeper(database), tmp_path / "gateway.db-wal"
    with database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM readings").all()
        assert not sweeper.finish(START)
    assert log.stat().st_size > 0
    assert sweeper.finish(START)
    assert log.stat().st_size == 0
    assert Settings(database).get(Setting.RETENTION_SWEPT_AT) == int(START.timestamp())


def test_events_stay_as_long_as_a_billing_period_needs_them(database: Database) -> None:
    """TR-03109-1, TAF-5: the state that held when the period began is kept, however long ago it began itself."""
    record_days(database, 10, acknowledged=10)
    events = TariffEvents(database)
    for number in (0, 5, 8):
        events.append("surplus", day(number), active=number != 5)
    order_days(database, 1)
    sweeper = Sweeper(database)
    reached = let_pass(sweeper, day(20))
    sweeper.need({METER: day(6)}, reached)
    assert sweeper.delete(Kind.TARIFF_EVENTS) == 1
    sweeper.need({}, reached)
    assert sweeper.delete(Kind.TARIFF_EVENTS) == 1
    (newest,) = events.of(["surplus"], day(20))
    assert newest.at == int(day(8).timestamp())
