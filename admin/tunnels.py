"""Which tunnels are and were there, who was not let in, and whether the server runs at all.

Decides nothing; the server writes, and commands that wait for a tunnel read. A tunnel that nobody has seen for
:data:`STALE` is over, whatever its row says: a server that was killed closes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from admin.audit import Action, Audit
from admin.database import from_seconds, from_seconds_or_none, reading, to_seconds, writing
from admin.schema import refusals, servers, tunnels
from wire.reading import DeviceId

STALE = timedelta(seconds=30)
"""The server says every few seconds which tunnels are there and that it is there itself."""
_SERVER = "management"
_SYSTEM = "smgw-admin serve"


@dataclass(frozen=True, slots=True)
class TunnelRecord:
    """One tunnel; ``closed_at`` is None while it is open."""

    number: int
    gateway: DeviceId
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody who was not let in: from which address, why, and when last."""

    peer: str
    why: str
    last_at: datetime
    times: int


class Tunnels:
    """The tunnels in the database."""

    def __init__(self, engine: sa.Engine, audit: Audit) -> None:
        """A view on the database."""
        self._engine = engine
        self._audit = audit

    def opened(self, gateway: DeviceId, at: datetime) -> int:
        """A tunnel of ``gateway`` came up; gives its number."""
        row = {"gateway": gateway.text, "opened_at": to_seconds(at), "seen_at": to_seconds(at)}
        with writing(self._engine) as connection:
            number = connection.execute(tunnels.insert(), row).inserted_primary_key
            assert number is not None  # noqa: S101 - an insert of one row has one
            self._audit.enter(connection, Action.TUNNEL_OPENED, gateway.text, _SYSTEM, at, tunnel=number[0])
        return int(number[0])

    def closed(self, number: int, why: str, at: datetime) -> None:
        """Tunnel ``number`` is over; saying it twice changes nothing."""
        with writing(self._engine) as connection:
            self._close(connection, tunnels.c.number == number, why, at)

    def refused(self, peer: str, why: str, at: datetime) -> None:
        """Somebody was not let in; the audit log has the first time, the table how often."""
        key = {"peer": peer[:64], "why": why[:255]}
        now = to_seconds(at)
        statement = insert(refusals).values(**key, first_at=now, last_at=now, times=1)
        statement = statement.on_conflict_do_update(
            index_elements=[refusals.c.peer, refusals.c.why],
            set_={"last_at": now, "times": refusals.c.times + 1},
        )
        with writing(self._engine) as connection:
            times = connection.scalar(statement.returning(refusals.c.times))
            if times == 1:
                self._audit.enter(connection, Action.TUNNEL_REFUSED, key["peer"], _SYSTEM, at, why=key["why"])

    def refusals_since(self, at: datetime) -> list[Refused]:
        """Who was not let in at or after ``at``, the latest first."""
        query = sa.select(refusals).where(refusals.c.last_at >= to_seconds(at)).order_by(refusals.c.last_at.desc())
        with reading(self._engine) as connection:
            return [
                Refused(row.peer, row.why, from_seconds(row.last_at), row.times) for row in connection.execute(query)
            ]

    def last(self, gateway: DeviceId) -> TunnelRecord | None:
        """The latest tunnel of ``gateway``, open or over."""
        query = sa.select(tunnels).where(tunnels.c.gateway == gateway.text).order_by(tunnels.c.number.desc()).limit(1)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else _record(row)

    def open(self, gateway: DeviceId, at: datetime) -> TunnelRecord | None:
        """The tunnel of ``gateway`` that is there at ``at``."""
        last = self.last(gateway)
        return last if last is not None and last.closed_at is None and at - last.seen_at < STALE else None

    def start(self, at: datetime) -> None:
        """The server starts: what an earlier one left open is over."""
        with writing(self._engine) as connection:
            self._close(connection, sa.true(), "the server ended without closing it", at)
            self._beat(connection, at, started=True)
            self._audit.enter(connection, Action.SERVER_STARTED, _SERVER, _SYSTEM, at)

    def beat(self, at: datetime, live: Sequence[int] = ()) -> None:
        """The server is there, and so are the tunnels with the numbers ``live``."""
        with writing(self._engine) as connection:
            self._beat(connection, at, started=False)
            if live:
                there = tunnels.update().where(tunnels.c.number.in_(live), tunnels.c.closed_at.is_(None))
                connection.execute(there.values(seen_at=to_seconds(at)))

    def stop(self, at: datetime) -> None:
        """The server ends by itself."""
        with writing(self._engine) as connection:
            self._close(connection, sa.true(), "the server was stopped", at)
            connection.execute(servers.delete().where(servers.c.name == _SERVER))
            self._audit.enter(connection, Action.SERVER_STOPPED, _SERVER, _SYSTEM, at)

    def running(self, at: datetime) -> bool:
        """Whether the server gave a sign of life lately."""
        with reading(self._engine) as connection:
            seen = connection.scalar(sa.select(servers.c.seen_at).where(servers.c.name == _SERVER))
        return seen is not None and at - from_seconds(seen) < STALE

    def _beat(self, connection: sa.Connection, at: datetime, *, started: bool) -> None:
        now = to_seconds(at)
        changes = {"seen_at": now} | ({"started_at": now} if started else {})
        connection.execute(
            insert(servers)
            .values(name=_SERVER, started_at=now, seen_at=now)
            .on_conflict_do_update(index_elements=[servers.c.name], set_=changes)
        )

    def _close(self, connection: sa.Connection, condition: sa.ColumnElement[bool], why: str, at: datetime) -> None:
        left = connection.execute(
            sa.select(tunnels.c.number, tunnels.c.gateway).where(condition, tunnels.c.closed_at.is_(None))
        ).all()
        for row in left:
            connection.execute(
                tunnels.update().where(tunnels.c.number == row.number).values(closed_at=to_seconds(at), why=why)
            )
            self._audit.enter(connection, Action.TUNNEL_CLOSED, row.gateway, _SYSTEM, at, tunnel=row.number, why=why)


def _record(row: sa.Row[tuple[int, str, int, int, int | None, str]]) -> TunnelRecord:
    return TunnelRecord(
        number=row.number,
        gateway=DeviceId(row.gateway),
        opened_at=from_seconds(row.opened_at),
        seen_at=from_seconds(row.seen_at),
        closed_at=from_seconds_or_none(row.closed_at),
        why=row.why,
    )
