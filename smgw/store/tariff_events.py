"""What was raised and withdrawn from outside, and when: for stages by events and for control (TAF-5, TAF-11).

Decides that a name has one state at a second: rows are appended, never changed, and the newest of each name stays.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from smgw.metering.tariffs.taf5 import TariffEvent
from smgw.store.database import Database
from smgw.store.rows import to_seconds
from smgw.store.schema import tariff_events


class TariffEvents:
    """The events in the database."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def append(self, name: str, at: datetime, *, active: bool) -> bool:
        """Keep that ``name`` was raised or withdrawn at ``at``; False where that second has another state of it.

        Raises StoreError.
        """
        place = {"name": name, "at": to_seconds(at)}
        with self._database.write() as connection:
            known = connection.scalar(sa.select(tariff_events.c.active).filter_by(**place))
            if known is None:
                connection.execute(tariff_events.insert(), place | {"active": int(active)})
        return known is None or bool(known) is active

    def of(self, names: Collection[str], until: datetime) -> Sequence[TariffEvent]:
        """Everything under ``names`` up to ``until``, oldest first."""
        query = (
            sa.select(tariff_events)
            .where(tariff_events.c.name.in_(list(names)), tariff_events.c.at <= to_seconds(until))
            .order_by(tariff_events.c.at, tariff_events.c.name)
        )
        with self._database.read() as connection:
            return [TariffEvent(row.at, row.name, bool(row.active)) for row in connection.execute(query)]
