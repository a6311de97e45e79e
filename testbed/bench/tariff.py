"""A year of quarter hours billed in stages (TAF-2), against reading the year's rows out of the gateway's own database.

The rows lie in a real database (SQLCipher) and are read by the gateway's own store. Three things are timed in turn: the
rows as the database gives them, the readings as the gateway types them, and the bill. Ratios say what the calculation
adds; a year twice as long shows that it grows with the readings.
"""

import secrets
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from smgw.access.history import is_usable
from smgw.metering.tariffs import taf2
from smgw.metering.tariffs.calendar import QUARTER_HOUR, midnight
from smgw.metering.tariffs.values import Value, ValueList
from smgw.store.database import Database
from smgw.store.readings import ReadingStore
from smgw.store.rows import columns_of, to_seconds
from smgw.store.schema import readings
from smgw.store.store_key import KEY_SIZE
from testbed.bench.figures import Figure, paired
from wire.obis import Obis
from wire.profiles.tariff import DayProfile, TariffCalendar, TariffStage, TariffSwitch, TimeStages
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

TARGET: Final = "well under 1 s"
_METER: Final = DeviceId("1ISK0087654321")
_OBIS: Final = Obis.parse("1-0:1.8.0*255")
_BEGIN, _END, _LATER = (midnight(date(year, 1, 1)) for year in (2025, 2026, 2027))
_WORKDAY: Final = DayProfile(1, (TariffSwitch(0, 1), TariffSwitch(360, 2), TariffSwitch(1320, 1)))
_WEEKEND: Final = DayProfile(2, (TariffSwitch(0, 1),))
_RULE: Final = TimeStages(
    (TariffStage(1, Obis.parse("1-0:1.8.1*255")), TariffStage(2, Obis.parse("1-0:1.8.2*255"))),
    TariffCalendar((_WORKDAY, _WEEKEND), (1, 1, 1, 1, 1, 2, 2)),
)


def run() -> list[Figure]:
    """What a year's bill costs, over its rows and over half of it."""
    one, two = (_list(range(_BEGIN, end + 1, QUARTER_HOUR)) for end in (_END, _LATER))
    with tempfile.TemporaryDirectory() as name:
        database = Database.open_with_key(Path(name) / "year.db", secrets.token_bytes(KEY_SIZE), create=True)
        try:
            _fill(database, one)
            bill, typed = paired(lambda: _bill(database), lambda: _typed(database))
            bare, rows = paired(lambda: taf2.book(one, _RULE, _BEGIN, _END), lambda: _rows(database))
        finally:
            database.close()
    longer, shorter = paired(lambda: taf2.book(two, _RULE, _BEGIN, _LATER), lambda: taf2.book(one, _RULE, _BEGIN, _END))
    count = f"{len(one.values):,} readings"
    return [
        Figure(
            "bill of a year", bill / typed, "ratio", "reading its typed readings", "about 1", _told(bill, typed, count)
        ),
        Figure("calculation alone", bare / rows, "ratio", "reading its bare rows", "", _told(bare, rows, count)),
        Figure("bill of a year, absolute", bill, "s", "", TARGET, "processor time, database included"),
        Figure(
            "two years", longer / shorter, "ratio", "one year", "about 2", _told(longer, shorter, "calculation alone")
        ),
    ]


def _told(ours: float, theirs: float, what: str) -> str:
    return f"{what}: {ours * 1e3:.1f} ms over {theirs * 1e3:.1f} ms"


def _list(times: range) -> ValueList:
    return ValueList(tuple(Value(at, 7 * number) for number, at in enumerate(times)))


def _fill(database: Database, values: ValueList) -> None:
    with database.write() as connection:
        connection.execute(
            readings.insert(),
            [
                columns_of(
                    SignedReading(
                        Reading(_METER, _OBIS, Register(one.value, 0, Unit.WH), datetime.fromtimestamp(one.at, UTC)),
                        secrets.token_bytes(64),
                    )
                )
                for one in values.values
            ],
        )


def _rows(database: Database) -> int:
    """All columns of all rows, as the database gives them."""
    with database.read() as connection:
        return len(connection.execute(sa.select(readings).order_by(readings.c.captured_at)).all())


def _typed(database: Database) -> int:
    """All readings, as the gateway reads them."""
    begin, end = (datetime.fromtimestamp(at, UTC) for at in (_BEGIN, _END))
    return len(ReadingStore(database).between(_METER, _OBIS, begin, end))


def _bill(database: Database) -> taf2.Booking:
    """The bill, from the database on."""
    begin, end = (datetime.fromtimestamp(at, UTC) for at in (_BEGIN, _END))
    found = ReadingStore(database).between(_METER, _OBIS, begin, end)
    values = ValueList.of(Value(to_seconds(one.captured_at), one.register.value, is_usable(one)) for one in found)
    return taf2.book(values, _RULE, _BEGIN, _END)
