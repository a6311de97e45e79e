"""Steps 4 and 5 of the walk on disk: a reading and what it owes to whom, in one transaction.

Decides what counts as the same reading: device, quantity and second. The same value again changes nothing;
another value is refused and the stored one stands. After :meth:`ReadingStore.record` returned, no crash loses the
reading or a grant.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from smgw.access.grants import Decision
from smgw.store import outbox
from smgw.store.database import Database
from smgw.store.errors import ConflictError
from smgw.store.rows import columns_of, signed_reading, to_seconds
from smgw.store.schema import readings
from wire.obis import Obis
from wire.reading import DeviceId, Reading, SignedReading


class Recorded(StrEnum):
    """What :meth:`ReadingStore.record` found."""

    STORED = "STORED"
    DUPLICATE = "DUPLICATE"


class ReadingStore:
    """The append-only list of what meters said (originaere Messwertliste)."""

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
            recorded = Recorded.STORED if _insert(connection, reading) else Recorded.DUPLICATE
            for grant in decision.grants:
                outbox.owe(connection, grant)
        return recorded

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

    def count(self) -> int:
        """How many readings are stored."""
        with self._database.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(readings)) or 0

    def _one(self, query: sa.Select[*tuple[object, ...]]) -> Reading | None:
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).first()
        return None if row is None else signed_reading(row).reading


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
