"""What is kept at run time: one whole number for each name, set by the administrator or by the clock.

Decides which names exist and nothing about their meaning. A name that was never set has no value here; its default is
the reader's, beside the rule that it serves.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from smgw.store import ages
from smgw.store.database import Database
from smgw.store.rows import to_seconds
from smgw.store.schema import settings


class Setting(StrEnum):
    """What can be set."""

    READINGS_DAYS = ages.READINGS_SETTING
    """For how many days readings are kept at least (wire.orders.SetRetention)."""
    SYSTEM_LOG_DAYS = "system-log-days"
    """For how many days entries of the system log are kept at least."""
    RETENTION_SET_AT = "retention-set-at"
    """Seconds since 1970 when both were set."""
    RETENTION_CLOCK = ages.CLOCK_SETTING
    """Seconds since 1970 up to which retention counts age (``smgw/store/ages.py``)."""
    RETENTION_SWEPT_AT = "retention-swept-at"
    """Seconds since 1970 of the last sweep that came to its end."""
    STORE_KEY_DUE = "store-key-due"
    """1 while a contract has ended and the store still lies under the key that it had then."""
    CLOCK_OFFSET = "clock-offset"
    """Microseconds by which the gateway's clock is ahead of the machine's (``smgw/clock.py``)."""
    CLOCK_TRUSTED_AT = "clock-trusted-at"
    """Seconds since 1970 of the last comparison with the administrator's clock."""
    CLOCK_DEVIATING = "clock-deviating"
    """1 while the gateway is in a secure state because of its clock."""
    CLOCK_DEVIATION = "clock-deviation"
    """Microseconds by which the administrator's clock was ahead then."""


class Settings:
    """The settings of one gateway; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def get(self, name: Setting) -> int | None:
        """The value of ``name``, None where it was never set. Raises StoreError."""
        with self._database.read() as connection:
            return get(connection, name)

    def put(self, values: dict[Setting, int]) -> None:
        """Set all of ``values`` or none. Raises StoreError."""
        with self._database.write() as connection:
            put(connection, values)

    def set_retention(self, readings_days: int, system_log_days: int, at: datetime) -> None:
        """Keep what the administrator wants to be kept, and since when. Raises StoreError."""
        self.put(
            {
                Setting.READINGS_DAYS: readings_days,
                Setting.SYSTEM_LOG_DAYS: system_log_days,
                Setting.RETENTION_SET_AT: to_seconds(at),
            }
        )


def get(connection: sa.Connection, name: Setting) -> int | None:
    """The value of ``name`` inside the caller's transaction, None where it was never set."""
    value = connection.scalar(sa.select(settings.c.value).where(settings.c.name == name.value))
    return None if value is None else int(value)


def put(connection: sa.Connection, values: Mapping[Setting, int]) -> None:
    """Set all of ``values`` inside the caller's transaction."""
    for name, value in values.items():
        connection.execute(
            insert(settings)
            .values(name=name.value, value=str(value))
            .on_conflict_do_update(index_elements=["name"], set_={"value": str(value)})
        )
