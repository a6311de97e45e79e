"""What the store keeps of the secure states: what is wrong, which a restart must not forget, and each change of it.

Decides nothing but the form. A name that this program does not know was written by another version: it is left out, and
the next self-test finds what it stood for, if it still holds.
"""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from smgw.secure_states import Active, Condition
from smgw.store import logs
from smgw.store.clock_records import SUBJECT
from smgw.store.database import Database
from smgw.store.events import Event, Outcome
from smgw.store.rows import from_seconds, to_seconds
from smgw.store.schema import conditions


class ConditionRecords:
    """The records of one gateway's conditions."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def load(self) -> tuple[Active, ...]:
        """What an earlier run left. Raises StoreError."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(conditions)).all()
        known = {one.value for one in Condition}
        return tuple(
            Active(Condition(row.condition), from_seconds(row.since), row.detail)
            for row in rows
            if row.condition in known
        )

    def keep(self, active: Iterable[Active]) -> None:
        """Keep ``active``, and nothing else, for the next run. Raises StoreError."""
        rows = [
            {"condition": one.condition.value, "since": to_seconds(one.since), "detail": one.detail} for one in active
        ]
        with self._database.write() as connection:
            connection.execute(conditions.delete())
            if rows:
                connection.execute(conditions.insert(), rows)

    def tell(self, condition: Condition, outcome: Outcome, at: datetime, *, state: str, detail: str = "") -> None:
        """``condition`` begins to hold (FAILURE) or ceases to; ``state`` is what the gateway is in now.

        FAU_ARP.1/SYS: the administrator is told with it. Raises StoreError.
        """
        subject = SUBJECT if condition is Condition.NO_VALID_TIME else condition.value
        parameters = {"state": state, "condition": condition.value} | ({"detail": detail} if detail else {})
        with self._database.write() as connection:
            logs.note(connection, Event.SECURE_STATE, subject, outcome, at=at, parameters=parameters)
