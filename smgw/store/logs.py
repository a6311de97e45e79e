"""The three logs: what happened is named once, and stands where it must (TR-03109-1; PP-0073 O.Log).

Decides which logs an event is written into (``event_table.py``) and whose consumer log tells it. It never holds a
consumption value: parameters are identifications, counts and reasons. It is stored data, not developer logging.

Nobody outside can push entries out of the rings by causing many: what a line or a tunnel can cause comes with reasons
out of a short list and is counted. Only two things write an entry of their own each time, and are slow: a delivery that
its receiver refuses for good (one in a dispatch interval), and the initial document of an administrator (once a start).

Every entry passes :func:`note`, and so does every alarm: what the administrator must be told unasked is queued in the
transaction that writes the entry (``notifications.py``; FAU_ARP.1/SYS), and neither exists without the other. Each
entry says who is behind it (FAU_GEN.2).
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from smgw.store import log_chain, notifications
from smgw.store.database import Database
from smgw.store.event_table import Audience, kept, kind_of, told
from smgw.store.events import Event, Log, Outcome
from smgw.store.log_chain import GATEWAY_WIDE, Happening
from smgw.store.log_entry import Entry

__all__ = ["CAPACITY", "REPETITION_WINDOW", "SYSTEM", "Entry", "Event", "Outcome", "SystemLog", "note"]

CAPACITY: Final = log_chain.CAPACITY[Log.SYSTEM]
"""Entries in the ring of the system log."""
REPETITION_WINDOW: Final = timedelta(seconds=log_chain.WINDOW[Log.SYSTEM])
"""The same entry again within this after its first occurrence is counted."""
SYSTEM: Final = (Log.SYSTEM, "")
"""The chain of the system log."""


class SystemLog:
    """The logs as those see them who record, and the system log (System-Log) as it is read."""

    def __init__(self, database: Database, *, capacity: int = CAPACITY) -> None:
        """A view on ``database``; the oldest entries of the system log beyond ``capacity`` are overwritten."""
        self._database = database
        self._capacities = {**log_chain.CAPACITY, Log.SYSTEM: capacity}

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
        """Write an entry, or count it where the same stands already; ``times`` it happened.

        Who is behind it and whose consumer log tells it are as the table of events says. Raises StoreError; LOG_FULL
        where the calibration log must tell it and cannot.
        """
        self.record_for(event, subject, outcome, at=at, times=times, parameters=parameters)

    def record_for(
        self,
        event: Event,
        subject: str,
        outcome: Outcome,
        *,
        at: datetime,
        times: int = 1,
        user: str = "",
        consumers: Collection[str] | None = None,
        parameters: Mapping[str, str | int],
    ) -> None:
        """As :meth:`record`; ``user`` is who is behind it, ``consumers`` whose logs tell it. Raises StoreError."""
        with self._database.write() as connection:
            note(
                connection,
                event,
                subject,
                outcome,
                at=at,
                times=times,
                user=user,
                consumers=consumers,
                capacities=self._capacities,
                parameters=parameters,
            )

    def entries(self, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Entries of the system log with a record number above ``after``, oldest first. Raises StoreError."""
        with self._database.read() as connection:
            return list(log_chain.read(connection, SYSTEM, after=after, limit=limit))

    def concern(self, concerns: Collection[tuple[str, str]]) -> None:
        """From now on these consumers are concerned by these devices and profiles, (consumer, subject).

        Raises StoreError.
        """
        with self._database.write() as connection:
            log_chain.set_concerns(connection, concerns)


def note(
    connection: sa.Connection,
    event: Event,
    subject: str,
    outcome: Outcome,
    *,
    at: datetime,
    parameters: Mapping[str, str | int],
    times: int = 1,
    user: str = "",
    consumers: Collection[str] | None = None,
    capacities: Mapping[Log, int] = log_chain.CAPACITY,
) -> None:
    """Write an entry inside the caller's transaction, so that what happened and its record stand or fall together.

    Raises StoreError(LOG_FULL) where the calibration log must tell it and cannot.
    """
    kind = kind_of(event)
    subject = str(kept(subject))
    happening = Happening(event, subject, outcome, at, str(kept(user)), parameters, times)
    new = True
    for log in kind.logs(outcome):
        if log is Log.CONSUMER:
            for consumer in _audience(connection, kind.audience, subject) if consumers is None else consumers:
                log_chain.append(connection, (log, consumer), happening, capacities[log])
            continue
        written = log_chain.append(connection, (log, ""), happening, capacities[log])
        if log is Log.SYSTEM:
            new = written
    if kind.system:
        told_of = told(event, Log.SYSTEM, parameters)
        notifications.note(connection, event, subject, outcome, at=at, parameters=told_of, times=times, new=new)


def _audience(connection: sa.Connection, audience: Audience, subject: str) -> Collection[str]:
    match audience:
        case Audience.NOBODY:
            return ()
        case Audience.SUBJECT:
            return log_chain.concerned(connection, subject)
        case Audience.EVERYBODY:
            return log_chain.concerned(connection, GATEWAY_WIDE)
