"""The first reading of each local calendar day of every captured register, for six weeks (TR-03109-1, TAF-6).

Decides nothing about who may have them (``smgw/access/requested.py``): they are kept whatever profiles there are. Rows
are written in the transaction of the reading that they repeat, never changed, and deleted by age only (``ages.py``).
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from smgw.metering.tariffs.calendar import day_of, midnight
from smgw.store.database import Database
from smgw.store.rows import columns_of, signed_reading, to_seconds
from smgw.store.schema import daily_values
from wire.obis import Obis
from wire.reading import DeviceId, SignedReading


def note(connection: sa.Connection, signed: SignedReading) -> None:
    """Keep ``signed``, which was just recorded, if it is the first of its day, inside the caller's transaction."""
    day = midnight(day_of(to_seconds(signed.reading.captured_at)))
    connection.execute(sqlite.insert(daily_values).on_conflict_do_nothing(), columns_of(signed) | {"day": day})


class DailyValues:
    """The daily values in the database."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def between(self, device: DeviceId, obis: Obis, begin: datetime, end: datetime) -> Sequence[SignedReading]:
        """All with ``begin <= captured_at <= end``, oldest first."""
        query = (
            sa.select(daily_values)
            .where(daily_values.c.device == device.text, daily_values.c.obis == obis.to_bytes())
            .where(daily_values.c.captured_at.between(to_seconds(begin), to_seconds(end)))
            .order_by(daily_values.c.day)
        )
        with self._database.read() as connection:
            return [signed_reading(row) for row in connection.execute(query)]
