"""Steps 4 and 5 of the walk on disk: a reading and what it owes to whom, in one transaction.

It is also the history that a decision asks (``smgw/access/history.py``).

Decides what counts as the same reading: device, quantity and second. The same value again changes nothing;
another value is refused and the stored one stands. After :meth:`ReadingStore.record` returned, no crash loses the
reading or a grant.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from smgw.access.grants import Decision, Grant
from smgw.access.history import is_usable
from smgw.metering.tariffs.taf5 import TariffEvent
from smgw.store import daily_values, outbox
from smgw.store.database import Database
from smgw.store.errors import ConflictError
from smgw.store.rows import columns_of, signed_reading, to_seconds
from smgw.store.schema import readings
from smgw.store.tariff_events import TariffEvents
from wire.obis import Obis
from wire.reading import DeviceId, Reading, SignedReading


class Recorded(StrEnum):
    """What :meth:`ReadingStore.record` found."""

    STORED = "STORED"
    DUPLICATE = "DUPLICATE"


class ReadingStore:
    """The list of what meters said (originaere Messwertliste); no value in it is ever changed."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def record(self, reading: SignedReading, decision: Decision) -> Recorded:
        """Keep ``reading`` and every grant of ``decision``, all or nothing.

        Every derived value must have become a signed reading of its grant before. A reading that is stored already is
        kept once, under its first signature; grants are kept once by (profile, key). Raises ConflictError,
        StoreFullError, StoreError.
        """
        with self._database.write() as connection:
            recorded = Recorded.DUPLICATE
            if _insert(connection, reading):
                recorded = Recorded.STORED
                daily_values.note(connection, reading)
            for grant in decision.grants:
                outbox.owe(connection, grant)
        return recorded

    def owe(self, grants: Iterable[Grant]) -> None:
        """Keep grants that no new reading brought (a request). Raises StoreError; then none of them is kept."""
        with self._database.write() as connection:
            for grant in grants:
                outbox.owe(connection, grant)

    def reading_at(self, device: DeviceId, obis: Obis, point: datetime, tolerance: timedelta) -> Reading | None:
        """Of the readings with ``point <= captured_at <= point + tolerance`` the one that was recorded first."""
        return self._one(
            _of(device, obis)
            .where(readings.c.captured_at.between(to_seconds(point), to_seconds(point + tolerance)))
            .order_by(readings.c.id)
        )

    def latest(self, device: DeviceId, obis: Obis) -> Reading | None:
        """The newest stored reading by its own time, for the monotony check of the next one."""
        return self._one(_of(device, obis).order_by(readings.c.captured_at.desc()))

    def before(self, device: DeviceId, obis: Obis, instant: datetime, *, usable: bool = False) -> Reading | None:
        """The newest reading that was captured before ``instant``; of the usable ones only, if asked."""
        query = _of(device, obis).where(readings.c.captured_at < to_seconds(instant))
        return self._first(query.order_by(readings.c.captured_at.desc()), usable=usable)

    def usable_since(self, device: DeviceId, obis: Obis, instant: datetime) -> Reading | None:
        """The oldest usable reading that was captured at or after ``instant``."""
        query = _of(device, obis).where(readings.c.captured_at >= to_seconds(instant))
        return self._first(query.order_by(readings.c.captured_at), usable=True)

    def between(self, device: DeviceId, obis: Obis, begin: datetime, end: datetime) -> Sequence[Reading]:
        """All readings with ``begin <= captured_at <= end``, oldest first."""
        query = _of(device, obis).where(readings.c.captured_at.between(to_seconds(begin), to_seconds(end)))
        with self._database.read() as connection:
            return [signed_reading(row).reading for row in connection.execute(query.order_by(readings.c.captured_at))]

    def events(self, names: Collection[str], until: datetime) -> Sequence[TariffEvent]:
        """What was raised and withdrawn under these names up to ``until``, oldest first."""
        return TariffEvents(self._database).of(names, until)

    def count(self) -> int:
        """How many readings are stored."""
        with self._database.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(readings)) or 0

    def _one(self, query: sa.Select[*tuple[object, ...]]) -> Reading | None:
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).first()
        return None if row is None else signed_reading(row).reading

    def _first(self, query: sa.Select[*tuple[object, ...]], *, usable: bool) -> Reading | None:
        """The first row, or the first usable one; rows are fetched until it is found."""
        with self._database.read() as connection, connection.execute(query) as rows:
            found = (signed_reading(row).reading for row in rows)
            return next((reading for reading in found if is_usable(reading) or not usable), None)


def _of(device: DeviceId, obis: Obis) -> sa.Select[*tuple[object, ...]]:
    return sa.select(readings).where(readings.c.device == device.text, readings.c.obis == obis.to_bytes())


def _insert(connection: sa.Connection, signed: SignedReading) -> bool:
    """Whether the reading is new. Raises ConflictError where another value stands in its place."""
    reading = signed.reading
    row = connection.execute(
        _of(reading.device, reading.obis).where(readings.c.captured_at == to_seconds(reading.captured_at))
    ).first()
    if row is None:
        connection.execute(readings.insert(), columns_of(signed))
        return True
    if signed_reading(row).reading != reading:
        raise ConflictError(f"another value of {reading.device} {reading.obis} stands at {reading.captured_at}")
    return False
