"""The system log: what happened to the gateway, once and then counted.

Decides when an entry is new and when it is a repetition, and how large the ring is. It never holds a consumption value:
parameters are identifications, counts and reasons. It is stored data, not developer logging.

Nobody outside can push entries out of the ring by causing many: what a line or a tunnel can cause comes with reasons
out of a short list and is counted. Only two things write an entry of their own each time, and are slow: a delivery that
its receiver refuses for good (one in a dispatch interval), and the initial document of an administrator (once a start).

Every entry passes :func:`note`, and so does every alarm: what the administrator must be told unasked is queued in the
transaction that writes the entry (``notifications.py``), and neither exists without the other.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from smgw.store import notifications
from smgw.store.database import Database
from smgw.store.events import Event, Outcome
from smgw.store.rows import from_seconds, to_seconds
from smgw.store.schema import system_log

__all__ = ["CAPACITY", "REPETITION_WINDOW", "Entry", "Event", "Outcome", "SystemLog", "note"]

CAPACITY = 10_000
"""Entries in the ring: months of a gateway whose repetitions are counted; some 2 MB."""
REPETITION_WINDOW = timedelta(days=1)
"""The same entry again within this after its first occurrence is counted; later it is told anew, so that an old entry
does not hide a fault of today."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log; first and last occurrence stay (TR-03109-1 repetitionCounter)."""

    record_number: int
    event: Event
    subject: str
    outcome: Outcome
    parameters: dict[str, str | int]
    first_at: datetime
    last_at: datetime
    repetition_count: int


class SystemLog:
    """The system log (System-Log)."""

    def __init__(self, database: Database, *, capacity: int = CAPACITY) -> None:
        """A view on ``database``; the oldest entries beyond ``capacity`` are overwritten."""
        self._database = database
        self._capacity = capacity

    def record(
        self,
        event: Event,
        subject: str,
        outcome: Outcome,
        *,
        at: datetime,
        times: int = 1,
        **parameters: str | int,
    ) -> None:
        """Write an entry, or count it where the same stands already; ``times`` it happened. Raises StoreError."""
        with self._database.write() as connection:
            note(
                connection, event, subject, outcome, at=at, times=times, capacity=self._capacity, parameters=parameters
            )

    def entries(self, *, after: int = 0, limit: int = CAPACITY) -> list[Entry]:
        """Entries with a record number above ``after``, oldest first."""
        query = (
            sa.select(system_log)
            .where(system_log.c.record_number > after)
            .order_by(system_log.c.record_number)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                Entry(
                    record_number=row.record_number,
                    event=Event(row.event),
                    subject=row.subject,
                    outcome=Outcome(row.outcome),
                    parameters=json.loads(row.parameters),
                    first_at=from_seconds(row.first_at),
                    last_at=from_seconds(row.last_at),
                    repetition_count=row.repetition_count,
                )
                for row in connection.execute(query)
            ]


def note(
    connection: sa.Connection,
    event: Event,
    subject: str,
    outcome: Outcome,
    *,
    at: datetime,
    parameters: Mapping[str, str | int],
    times: int = 1,
    capacity: int = CAPACITY,
) -> None:
    """Write an entry inside the caller's transaction, so that what happened and its record stand or fall together."""
    second, text = to_seconds(at), json.dumps(dict(parameters), sort_keys=True, ensure_ascii=True)
    window = int(REPETITION_WINDOW.total_seconds())
    same = connection.execute(
        sa.select(system_log.c.record_number, system_log.c.first_at)
        .where(
            system_log.c.event == event.value,
            system_log.c.subject == subject,
            system_log.c.parameters == text,
            system_log.c.outcome == int(outcome),
        )
        .order_by(system_log.c.record_number.desc())
        .limit(1)
    ).first()
    repeated = same is not None and abs(second - same.first_at) < window
    notifications.note(connection, event, subject, outcome, at=at, parameters=parameters, times=times, new=not repeated)
    if same is not None and repeated:
        connection.execute(
            system_log.update()
            .where(system_log.c.record_number == same.record_number)
            .values(last_at=second, repetition_count=system_log.c.repetition_count + times)
        )
        return
    number = connection.execute(
        system_log.insert(),
        {
            "event": event.value,
            "subject": subject,
            "outcome": int(outcome),
            "parameters": text,
            "first_at": second,
            "last_at": second,
            "repetition_count": times - 1,
        },
    ).lastrowid
    connection.execute(system_log.delete().where(system_log.c.record_number <= number - capacity))
