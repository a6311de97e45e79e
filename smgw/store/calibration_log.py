"""The calibration log: what bears on how the gateway measures, each time it happens, for as long as the gateway lives.

Decides nothing but the form. Unlike the system log nothing is counted together, overwritten or ever deleted; triggers
in the database refuse it. It never holds a consumption value: parameters are identifications, versions and reasons.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from smgw.store.database import Database
from smgw.store.logs import Event, Outcome
from smgw.store.rows import from_seconds, to_seconds
from smgw.store.schema import calibration_log

PAGE = 500
"""Entries that are read at once unless told otherwise."""


@dataclass(frozen=True, slots=True)
class CalibrationEntry:
    """One line of the log."""

    record_number: int
    event: Event
    subject: str
    outcome: Outcome
    parameters: dict[str, str | int]
    at: datetime


class CalibrationLog:
    """The calibration log (eichtechnisches Log, TR-03109-1)."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def record(self, event: Event, subject: str, outcome: Outcome, *, at: datetime, **parameters: str | int) -> None:
        """Write an entry. Raises StoreError."""
        with self._database.write() as connection:
            note(connection, event, subject, outcome, at=at, parameters=parameters)

    def entries(self, *, after: int = 0, limit: int = PAGE) -> list[CalibrationEntry]:
        """Entries with a record number above ``after``, oldest first."""
        query = (
            sa.select(calibration_log)
            .where(calibration_log.c.record_number > after)
            .order_by(calibration_log.c.record_number)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                CalibrationEntry(
                    record_number=row.record_number,
                    event=Event(row.event),
                    subject=row.subject,
                    outcome=Outcome(row.outcome),
                    parameters=json.loads(row.parameters),
                    at=from_seconds(row.at),
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
) -> None:
    """Write an entry inside the caller's transaction, so that what happened and its record stand or fall together."""
    connection.execute(
        calibration_log.insert(),
        {
            "event": event.value,
            "subject": subject,
            "outcome": int(outcome),
            "parameters": json.dumps(dict(parameters), sort_keys=True, ensure_ascii=True),
            "at": to_seconds(at),
        },
    )
