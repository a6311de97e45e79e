"""What the store keeps of the clock: how it goes, and each time that it was compared, set or found wrong.

Decides what stands in which log: that the time was compared, and that it could not be, is counted in the system log;
that it deviates and that the clock was set by an order stands in the calibration log too, each time, with before and
after (TR-03109-1, setting of the time: an event of both); that the gateway enters or leaves a secure state is counted
there where it repeats. What is kept and what is logged stand or fall together. Whoever calls decides what happened.
"""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from smgw.clock import ClockMemory
from smgw.secure_states import Condition
from smgw.store import logs
from smgw.store import settings as stored
from smgw.store.database import Database
from smgw.store.events import Event, Outcome
from smgw.store.rows import from_seconds, to_seconds
from smgw.store.settings import Setting, Settings
from wire.instant import format_instant

SUBJECT: Final = "clock"
_DEVIATION: Final = Condition.CLOCK_DEVIATION.value
_MICROSECOND: Final = timedelta(microseconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)


class ClockRecords:
    """The records of one gateway's clock."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def load(self) -> ClockMemory:
        """What an earlier run left. Raises StoreError."""
        settings = Settings(self._database)
        trusted_at = settings.get(Setting.CLOCK_TRUSTED_AT)
        return ClockMemory(
            offset=(settings.get(Setting.CLOCK_OFFSET) or 0) * _MICROSECOND,
            trusted_at=None if trusted_at is None else from_seconds(trusted_at),
            deviating=bool(settings.get(Setting.CLOCK_DEVIATING)),
            deviation=(settings.get(Setting.CLOCK_DEVIATION) or 0) * _MICROSECOND,
        )

    def compared(self, memory: ClockMemory, at: datetime, *, corrected: bool) -> None:
        """The clock agreed, and was corrected or had no need. Raises StoreError."""
        with self._database.write() as connection:
            _keep(connection, memory)
            logs.note(
                connection,
                Event.CLOCK_SYNCHRONISED,
                SUBJECT,
                Outcome.SUCCESS,
                at=at,
                parameters={"corrected": int(corrected)},
            )

    def still_deviating(self, memory: ClockMemory) -> None:
        """The clock was compared while the gateway waits for an order. Raises StoreError."""
        with self._database.write() as connection:
            _keep(connection, memory)

    def deviated(self, memory: ClockMemory, at: datetime, tolerance: timedelta, state: str) -> None:
        """The clock was found to be wrong, and the gateway enters ``state``. Raises StoreError."""
        found: dict[str, str | int] = {
            "deviation_milliseconds": milliseconds(memory.deviation),
            "tolerance_milliseconds": milliseconds(tolerance),
        }
        with self._database.write() as connection:
            _keep(connection, memory)
            logs.note(connection, Event.CLOCK_DEVIATION, SUBJECT, Outcome.FAILURE, at=at, parameters=found)
            entered = {"state": state, "condition": _DEVIATION}
            logs.note(connection, Event.SECURE_STATE, SUBJECT, Outcome.FAILURE, at=at, parameters=entered)

    def ordered(self, memory: ClockMemory, before: datetime, after: datetime, state: str, *, ended: bool) -> None:
        """The administrator ordered the clock to be right; ``ended`` where that ended a secure state.

        Raises StoreError.
        """
        change: dict[str, str | int] = {
            "before": format_instant(before.replace(microsecond=0)),
            "after": format_instant(after.replace(microsecond=0)),
            "deviation_milliseconds": milliseconds(after - before),
        }
        with self._database.write() as connection:
            _keep(connection, memory)
            logs.note(connection, Event.CLOCK_SET, SUBJECT, Outcome.SUCCESS, at=after, parameters=change)
            if ended:
                left = {"state": state, "condition": _DEVIATION}
                logs.note(connection, Event.SECURE_STATE, SUBJECT, Outcome.SUCCESS, at=after, parameters=left)

    def failed(self, reason: str, at: datetime) -> None:
        """The clock could not be compared. Raises StoreError."""
        with self._database.write() as connection:
            logs.note(
                connection, Event.CLOCK_SYNCHRONISED, SUBJECT, Outcome.FAILURE, at=at, parameters={"reason": reason}
            )


def milliseconds(duration: timedelta) -> int:
    """Whole milliseconds, rounded towards the past."""
    return duration // _MILLISECOND


def _keep(connection: sa.Connection, memory: ClockMemory) -> None:
    values = {
        Setting.CLOCK_OFFSET: memory.offset // _MICROSECOND,
        Setting.CLOCK_DEVIATING: int(memory.deviating),
        Setting.CLOCK_DEVIATION: memory.deviation // _MICROSECOND,
    }
    if memory.trusted_at is not None:
        values[Setting.CLOCK_TRUSTED_AT] = to_seconds(memory.trusted_at)
    stored.put(connection, values)
