"""The calibration log: what bears on how the gateway measures, for as long as the gateway lives.

Decides how it is read, and when it is nearly full or full. Unlike the other logs it is never overwritten, and triggers
in the database refuse it; when it is full, the gateway stops operation (FAU_STG.4/CAL: ``smgw/logs/watch.py``). What is
written into it is decided in ``event_table.py``. It never holds a consumption value: parameters are identifications,
versions and reasons.
"""

from typing import Final

from smgw.store import log_chain
from smgw.store.database import Database
from smgw.store.events import Log
from smgw.store.log_entry import Entry

PAGE: Final = 500
"""Entries that are read at once unless told otherwise."""
CAPACITY: Final = log_chain.CAPACITY[Log.CALIBRATION]
"""Entries, before operation stops."""
WARN_PERCENT: Final = 90
"""From here on the administrator is told each day: years are left, or something is wrong."""
CALIBRATION: Final = (Log.CALIBRATION, "")
"""The chain of the calibration log."""


class CalibrationLog:
    """The calibration log (eichtechnisches Log, TR-03109-1)."""

    def __init__(self, database: Database, *, capacity: int = CAPACITY) -> None:
        """A view on ``database``."""
        self._database = database
        self.capacity = capacity

    def entries(self, *, after: int = 0, limit: int = PAGE) -> list[Entry]:
        """Entries with a record number above ``after``, oldest first. Raises StoreError."""
        with self._database.read() as connection:
            return list(log_chain.read(connection, CALIBRATION, after=after, limit=limit))

    def percent(self) -> int:
        """How full it is, in whole percent, 100 only when it is full. Raises StoreError."""
        with self._database.read() as connection:
            number, _ = log_chain.head(connection, CALIBRATION)
        return number * 100 // self.capacity
