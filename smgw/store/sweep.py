"""Deleting what is old: a few rows at a time, and so that nothing of them stays in the file.

Decides nothing about what may go: that stands in ``ages.py``, and the database's triggers hold every statement of this
file to it. Decides how the clock of retention moves, and keeps what is still needed of each device where the triggers
see it. Each batch is a short transaction of its own, so that a reading never waits long for the write lock; a loss of
power between two of them leaves a database in which less was deleted (FDP_RIP.2, FAU_STG.2).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from smgw.store import settings as stored
from smgw.store.ages import LONGEST_STEP, Kind, deletion
from smgw.store.database import Database
from smgw.store.rows import from_seconds, to_seconds
from smgw.store.schema import needed, readings, settings
from smgw.store.settings import Setting, Settings
from wire.reading import DeviceId

_DEVICES: Final = (
    "WITH RECURSIVE one (device) AS (SELECT MIN(device) FROM readings UNION ALL SELECT (SELECT MIN(device) "
    "FROM readings WHERE readings.device > one.device) FROM one WHERE one.device IS NOT NULL) "
    "SELECT device FROM one WHERE device IS NOT NULL"
)
"""Every device of which there are readings: a step in the index for each, not for each reading."""
BATCH: Final = 200
"""Rows that one transaction deletes: some ten milliseconds, as long as a reading takes to be recorded."""


class Sweeper:
    """Deletes from one database; belongs to one thread at a time."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database
        self._settings = Settings(database)

    def reached(self) -> datetime | None:
        """The moment by which age is counted now; None before the first sweep. Raises StoreError."""
        seconds = self._settings.get(Setting.RETENTION_CLOCK)
        return None if seconds is None else from_seconds(seconds)

    def advance(self, at: datetime) -> datetime:
        """Let the clock of retention go towards ``at``, a trusted time, and say where it stands now.

        It begins no later than a step after the oldest reading, goes ahead by a step at most, and goes back at once: a
        clock that was ahead must not go on deleting. Raises StoreError.
        """
        step, wanted = int(LONGEST_STEP.total_seconds()), to_seconds(at)
        with self._database.write() as connection:
            stands = connection.scalar(sa.select(settings.c.value).where(settings.c.name == Setting.RETENTION_CLOCK))
            if stands is None:
                stands = connection.scalar(sa.select(sa.func.min(readings.c.captured_at)))
            now = wanted if stands is None else min(wanted, int(stands) + step)
            stored.put(connection, {Setting.RETENTION_CLOCK: now})
        return from_seconds(now)

    def need(self, since: Mapping[DeviceId, datetime], reached: datetime) -> None:
        """From when on the readings of each device are needed; of others nothing is. Raises StoreError."""
        wanted = {device.text: to_seconds(begin) for device, begin in since.items()}
        with self._database.write() as connection:
            rows = [
                {"device": device, "since": wanted.get(device, to_seconds(reached))}
                for device in connection.exec_driver_sql(_DEVICES).scalars()
            ]
            connection.execute(needed.delete())
            if rows:
                connection.execute(needed.insert(), rows)

    def delete(self, kind: Kind, limit: int = BATCH) -> int:
        """Delete the oldest rows of ``kind`` that may go, ``limit`` at most; gives how many. Raises StoreError."""
        with self._database.write() as connection:
            return connection.exec_driver_sql(deletion(kind, limit)).rowcount

    def finish(self, at: datetime) -> bool:
        """Leave nothing of what was deleted in the write-ahead log; False where it has to be tried again.

        Raises StoreError.
        """
        self._settings.put({Setting.RETENTION_SWEPT_AT: to_seconds(at)})
        return self._database.overwrite_log()
