"""What the administrator must be told unasked: the table of alarms, and the queue in which they wait to be told.

Decides which events of the system log are alarms (:data:`ALARMS`, default: none), and how many notifications a flood of
them becomes. What repeats is told once a day unless the table says otherwise; what comes while the same waits is
counted into it. So the queue is bounded by what the gateway consists of, not by what somebody outside can cause. What
may have been told already keeps its number and its content; only what was told is ever removed. TR-03109-1,
ADMIN-SERVICE; PP-0073 FAU_ARP.1/SYS.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from smgw.store.database import Database
from smgw.store.events import Event, Outcome
from smgw.store.rows import from_seconds, to_seconds
from smgw.store.schema import notifications
from wire.instant import format_instant

CAPACITY: Final = 1000
"""Notifications that wait, before others than these are counted by event alone: months of a gateway whose administrator
is away. A gateway has some hundred subjects, and each event of each waits once."""
KEPT: Final = 1000
"""Numbers for which what was told is kept, for people to look at; some 200 kB."""
SEVERAL: Final = "several"
"""Subject of what is counted by event alone."""
TIMES, LAST_AT = "times", "last_at"
"""Parameters of a notification that counts: how often in all, and when last."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """When an event is an alarm."""

    outcomes: frozenset[Outcome] = frozenset({Outcome.FAILURE})
    reasons: frozenset[str] | None = None
    """Only with one of these as its parameter ``reason``."""
    each: bool = False
    """Told each time, not once a day."""


_ALWAYS: Final = frozenset({Outcome.SUCCESS, Outcome.FAILURE})
ALARMS: Final[Mapping[Event, Alarm]] = MappingProxyType(
    {
        # Failed authentication, and whoever wants what is not his.
        Event.WAKE_UP_REFUSED: Alarm(),
        Event.TUNNEL_FAILED: Alarm(reasons=frozenset({"peer-certificate", "administrator-certificate"})),
        Event.ORDER_REFUSED: Alarm(),
        Event.ADMINISTRATOR_REFUSED: Alarm(),
        # The time.
        Event.CLOCK_DEVIATION: Alarm(each=True),
        Event.CLOCK_JUMPED: Alarm(),
        Event.SECURE_STATE: Alarm(_ALWAYS, each=True),
        # The gateway itself: integrity and program.
        Event.SELF_TEST: Alarm(each=True),
        Event.FIRMWARE_REFUSED: Alarm(each=True),
        Event.FIRMWARE_ACTIVATED: Alarm(_ALWAYS, each=True),
        Event.FIRMWARE_ROLLED_BACK: Alarm(_ALWAYS, each=True),
        Event.STORE_FAILED: Alarm(),
        Event.CERTIFICATE_EXPIRING: Alarm(),
        Event.LOG_ALTERED: Alarm(each=True),
        Event.CALIBRATION_LOG_FILLING: Alarm(),
        Event.CALIBRATION_LOG_FULL: Alarm(each=True),
        Event.FIREWALL_APPLIED: Alarm(),
        Event.PROFILE_REFUSED: Alarm(),
        # Meters and deliveries.
        Event.LINE_STATE: Alarm(),
        Event.METER_STATE: Alarm(),
        Event.TELEGRAM_REFUSED: Alarm(),
        Event.READING_REFUSED: Alarm(),
        Event.DELIVERY_SET_ASIDE: Alarm(each=True),
    }
)
"""The rules by which an event indicates a violation (FAU_SAA.1/SYS). What is not here is no alarm, above all not what
telling itself causes: that would never end."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A notification that waits; ``number`` rises by one for each."""

    number: int
    event: Event
    subject: str
    outcome: Outcome
    at: datetime
    parameters: dict[str, str | int]


class Notifications:
    """The queue of one gateway; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def oldest(self) -> Queued | None:
        """What is to be told first. Raises StoreError."""
        query = sa.select(notifications).where(_WAITS).order_by(notifications.c.number).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return Queued(
            number=row.number,
            event=Event(row.event),
            subject=row.subject,
            outcome=Outcome[row.outcome],
            at=from_seconds(row.at),
            parameters=json.loads(row.parameters),
        )

    def attempt(self, number: int, at: datetime) -> None:
        """It is about to be told: from now on its content stays. Raises StoreError."""
        unattempted = notifications.c.attempted_at.is_(None)
        with self._database.write() as connection:
            connection.execute(
                notifications.update()
                .where(notifications.c.number == number, unattempted)
                .values(attempted_at=to_seconds(at))
            )

    def sent(self, number: int, at: datetime) -> None:
        """It was told; what was told long ago goes. Raises StoreError."""
        with self._database.write() as connection:
            connection.execute(
                notifications.update().where(notifications.c.number == number, _WAITS).values(sent_at=to_seconds(at))
            )
            connection.execute(
                notifications.delete().where(
                    notifications.c.sent_at.is_not(None), notifications.c.number <= number - KEPT
                )
            )

    def waiting(self) -> int:
        """How many wait. Raises StoreError."""
        with self._database.read() as connection:
            return _waiting(connection)


_WAITS = notifications.c.sent_at.is_(None)


def is_alarm(event: Event, outcome: Outcome, parameters: Mapping[str, str | int], *, new: bool) -> bool:
    """Whether it is to be told; ``new`` where the log did not count it as a repetition."""
    alarm = ALARMS.get(event)
    if alarm is None or outcome not in alarm.outcomes or not (new or alarm.each):
        return False
    return alarm.reasons is None or parameters.get("reason") in alarm.reasons


def note(
    connection: sa.Connection,
    event: Event,
    subject: str,
    outcome: Outcome,
    *,
    at: datetime,
    parameters: Mapping[str, str | int],
    times: int = 1,
    new: bool = True,
) -> None:
    """Queue what the log writes down in the caller's transaction, if it is an alarm.

    1. What is no alarm is none as a repetition either. 2. Where the same waits, it is counted there, also what is not
    told by itself. 3. A full queue tells by event alone. 4. Otherwise it gets the next number.
    """
    # 1
    if not is_alarm(event, outcome, parameters, new=True):
        return
    # 2
    if _count(connection, event, subject, outcome, at=at, times=times) or not is_alarm(
        event, outcome, parameters, new=new
    ):
        return
    # 3
    if _waiting(connection) >= CAPACITY:
        if _count(connection, event, SEVERAL, outcome, at=at, times=times):
            return
        subject, parameters = SEVERAL, {}
    # 4
    content = dict(parameters) | ({TIMES: times} if times > 1 else {})
    connection.execute(
        notifications.insert(),
        {
            "event": event.value,
            "outcome": outcome.name,
            "subject": subject,
            "at": to_seconds(at),
            "parameters": json.dumps(content, sort_keys=True, ensure_ascii=True),
        },
    )


def _count(
    connection: sa.Connection, event: Event, subject: str, outcome: Outcome, *, at: datetime, times: int
) -> bool:
    """Count it into the same one that waits and that nobody can have yet; False where there is none."""
    row = connection.execute(
        sa.select(notifications.c.number, notifications.c.parameters).where(
            _WAITS,
            notifications.c.attempted_at.is_(None),
            notifications.c.event == event.value,
            notifications.c.subject == subject,
            notifications.c.outcome == outcome.name,
        )
    ).first()
    if row is None:
        return False
    parameters = json.loads(row.parameters)
    parameters[TIMES] = int(parameters.get(TIMES, 1)) + times
    parameters[LAST_AT] = format_instant(from_seconds(to_seconds(at)))
    connection.execute(
        notifications.update()
        .where(notifications.c.number == row.number)
        .values(parameters=json.dumps(parameters, sort_keys=True, ensure_ascii=True))
    )
    return True


def _waiting(connection: sa.Connection) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(notifications).where(_WAITS)) or 0
