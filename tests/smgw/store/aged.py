"""A store in which time has passed: readings with grants and deliveries, and a clock of retention that was moved."""

from datetime import datetime, timedelta

from smgw.store.ages import LONGEST_STEP, Kind
from smgw.store.database import Database
from smgw.store.outbox import Outbox
from smgw.store.readings import ReadingStore
from smgw.store.settings import Setting
from smgw.store.settings import put as put_settings
from smgw.store.sweep import Sweeper
from tests.smgw.store.samples import METER, START, decision, grant, reading
from wire.reading import DeviceId

DAYS = 10
"""What is ordered to be kept."""


def record_days(database: Database, days: int, *, acknowledged: int, meter: DeviceId = METER) -> None:
    """One reading with its grant for each day; the first ``acknowledged`` of them are delivered, one in each."""
    store, outbox = ReadingStore(database), Outbox(database)
    for number in range(0, days * 96, 96):
        one = reading(number, meter=meter)
        store.record(one, decision(grant(number, readings=(one,))))
        if number < acknowledged * 96:
            point = one.reading.captured_at
            delivery = outbox.open_delivery("grid-1", point)
            assert delivery is not None
            outbox.acknowledge("grid-1", delivery.sequence, point)


def order_days(database: Database, days: int = DAYS) -> None:
    """Readings are to be kept for so long."""
    with database.write() as connection:
        put_settings(connection, {Setting.READINGS_DAYS: days})


def let_pass(sweeper: Sweeper, at: datetime) -> datetime:
    """Move the clock of retention to ``at``, step by step, as many sweeps would; here in one transaction."""
    reached, target = sweeper.advance(at), int(at.timestamp())
    with sweeper._database.write() as connection:
        for _ in range((at - reached) // LONGEST_STEP + 1):
            connection.exec_driver_sql(
                "UPDATE settings SET value = MIN(CAST(value AS INTEGER) + 86400, ?) WHERE name = 'retention-clock'",
                (target,),
            )
    assert sweeper.reached() == at
    return at


def delete_all(sweeper: Sweeper) -> dict[Kind, int]:
    """Everything that may go, by kind."""
    found: dict[Kind, int] = {}
    for kind in Kind:
        while deleted := sweeper.delete(kind, 3):
            found[kind] = found.get(kind, 0) + deleted
    return found


def day(number: int) -> datetime:
    """The beginning of the ``number``-th day."""
    return START + timedelta(days=number)
