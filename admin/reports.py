"""What gateways told: their status, their logs, their notifications; and what somebody still wants to read.

Decides nothing about a gateway: it keeps what came through a tunnel, as it came, under the gateway that the tunnel
proved. Reading changes nothing at a gateway, so a wish to read is no signed order, but who wished is in the audit log.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from admin.audit import Action, Audit
from admin.database import from_seconds, from_seconds_or_none, reading, to_seconds, writing
from admin.schema import inquiries, log_entries, notifications, statuses
from wire.canonical_json import JsonObject
from wire.notification import Notification
from wire.reading import DeviceId

MAXIMUM_FAILURE = 500


class Subject(StrEnum):
    """What can be read from a gateway; consumption and the consumer's log are not among it."""

    STATUS = "status"
    SYSTEM_LOG = "system"
    CALIBRATION_LOG = "calibration"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A wish to read; ``answered_at`` is None while it is open."""

    number: int
    gateway: DeviceId
    subject: Subject
    by: str
    asked_at: datetime
    answered_at: datetime | None
    failure: str


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A gateway's status as it told it."""

    received_at: datetime
    document: JsonObject


class Reports:
    """The reports in the database."""

    def __init__(self, engine: sa.Engine, audit: Audit) -> None:
        """A view on the database."""
        self._engine = engine
        self._audit = audit

    def ask(self, gateway: DeviceId, subject: Subject, by: str, at: datetime) -> int:
        """Wish to read ``subject`` at the next tunnel; gives the wish's number."""
        row = {"gateway": gateway.text, "subject": subject.value, "by": by, "asked_at": to_seconds(at)}
        with writing(self._engine) as connection:
            key = connection.execute(inquiries.insert(), row).inserted_primary_key
            assert key is not None  # noqa: S101 - an insert of one row has one
            self._audit.enter(connection, Action.INQUIRY, gateway.text, by, at, subject=subject.value)
        return int(key[0])

    def inquiry(self, number: int) -> Inquiry | None:
        """One wish."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(inquiries).where(inquiries.c.number == number)).first()
        return None if row is None else _inquiry(row)

    def open(self, gateway: DeviceId) -> list[Inquiry]:
        """What is still to be read from ``gateway``, oldest first."""
        query = (
            sa.select(inquiries)
            .where(inquiries.c.gateway == gateway.text, inquiries.c.answered_at.is_(None))
            .order_by(inquiries.c.number)
        )
        with reading(self._engine) as connection:
            return [_inquiry(row) for row in connection.execute(query)]

    def answered(self, number: int, at: datetime, failure: str = "") -> None:
        """A wish was answered: what was read is kept, or ``failure`` says why it could not be."""
        with writing(self._engine) as connection:
            connection.execute(
                inquiries.update()
                .where(inquiries.c.number == number, inquiries.c.answered_at.is_(None))
                .values(answered_at=to_seconds(at), failure=failure[:MAXIMUM_FAILURE])
            )

    def keep_status(self, gateway: DeviceId, document: JsonObject, at: datetime) -> None:
        """Keep the newest status of ``gateway``."""
        values = {"received_at": to_seconds(at), "document": json.dumps(document, sort_keys=True)}
        with writing(self._engine) as connection:
            connection.execute(
                insert(statuses)
                .values(gateway=gateway.text, **values)
                .on_conflict_do_update(index_elements=[statuses.c.gateway], set_=values)
            )

    def status(self, gateway: DeviceId) -> StatusReport | None:
        """The newest status of ``gateway``."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(statuses).where(statuses.c.gateway == gateway.text)).first()
        return None if row is None else StatusReport(from_seconds(row.received_at), json.loads(row.document))

    def keep_entries(self, gateway: DeviceId, log: Subject, entries: Sequence[JsonObject], at: datetime) -> int:
        """Keep entries of a log, by their ``record_number``; gives how many had one."""
        rows = [
            {
                "gateway": gateway.text,
                "log": log.value,
                "record_number": entry["record_number"],
                "received_at": to_seconds(at),
                "entry": json.dumps(entry, sort_keys=True),
            }
            for entry in entries
            if type(entry.get("record_number")) is int
        ]
        statement = insert(log_entries)
        statement = statement.on_conflict_do_update(
            index_elements=[log_entries.c.gateway, log_entries.c.log, log_entries.c.record_number],
            set_={"entry": statement.excluded.entry, "received_at": statement.excluded.received_at},
        )
        with writing(self._engine) as connection:
            if rows:
                connection.execute(statement, rows)
        return len(rows)

    def last_entry(self, gateway: DeviceId, log: Subject) -> int:
        """The highest record number that is kept; 0 where none is."""
        query = sa.select(sa.func.max(log_entries.c.record_number)).where(
            log_entries.c.gateway == gateway.text, log_entries.c.log == log.value
        )
        with reading(self._engine) as connection:
            return connection.scalar(query) or 0

    def entries(self, gateway: DeviceId, log: Subject, *, after: int = 0, limit: int = 500) -> list[JsonObject]:
        """Kept entries with a higher record number than ``after``, oldest first."""
        query = (
            sa.select(log_entries.c.entry)
            .where(
                log_entries.c.gateway == gateway.text,
                log_entries.c.log == log.value,
                log_entries.c.record_number > after,
            )
            .order_by(log_entries.c.record_number)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [json.loads(entry) for entry in connection.scalars(query)]

    def keep_notification(self, told: Notification, at: datetime) -> bool:
        """Keep what a gateway told by itself, once; False where its number is kept already."""
        row = {
            "gateway": told.gateway.text,
            "number": told.number,
            "event": told.event,
            "outcome": told.outcome,
            "subject": told.subject,
            "at": to_seconds(told.at),
            "parameters": json.dumps(told.parameters, sort_keys=True),
            "received_at": to_seconds(at),
        }
        with writing(self._engine) as connection:
            new = connection.execute(insert(notifications).values(row).on_conflict_do_nothing()).rowcount == 1
            if new:
                self._audit.enter(
                    connection, Action.NOTIFICATION, told.gateway.text, told.gateway.text, at,
                    number=told.number, event=told.event, outcome=told.outcome,
                )  # fmt: skip
        return new

    def notifications(self, gateway: DeviceId | None = None, *, limit: int = 500) -> list[Notification]:
        """The latest notifications (of one gateway), oldest first."""
        query = sa.select(notifications).order_by(notifications.c.received_at.desc(), notifications.c.number.desc())
        if gateway is not None:
            query = query.where(notifications.c.gateway == gateway.text)
        with reading(self._engine) as connection:
            return [
                Notification(
                    gateway=DeviceId(row.gateway),
                    number=row.number,
                    event=row.event,
                    outcome=row.outcome,
                    subject=row.subject,
                    at=from_seconds(row.at),
                    parameters=json.loads(row.parameters),
                )
                for row in connection.execute(query.limit(limit))
            ][::-1]


def _inquiry(row: sa.Row[tuple[object, ...]]) -> Inquiry:
    return Inquiry(
        number=row.number,
        gateway=DeviceId(row.gateway),
        subject=Subject(row.subject),
        by=row.by,
        asked_at=from_seconds(row.asked_at),
        answered_at=from_seconds_or_none(row.answered_at),
        failure=row.failure,
    )


def text_of(entry: JsonObject, language: str) -> str:
    """What a gateway calls an entry of its log in ``language``; nothing where it does not say it."""
    texts = entry.get("text")
    text = texts.get(language) if isinstance(texts, dict) else None
    return text if isinstance(text, str) else ""
