"""Who is logged in: sessions that the server keeps and a browser holds the key of.

Decides how long somebody stays logged in, and that every session has a token of its own for its forms, so that no other
site can fill one in. The database has only the hash of a browser's key; removing a user or a password ends sessions at
once, because a session is looked up for every page.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from admin.audit import Action, Audit
from admin.database import from_seconds, reading, to_seconds, writing
from admin.schema import sessions, users
from admin.users import User, UserRole

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=10)
"""A working day."""
TOUCH: Final = timedelta(seconds=60)
"""How exactly it is known when a session was used last: not every look at a page is a write."""
TOKEN_BYTES: Final = 32
MAXIMUM_PER_USER: Final = 8
"""Browsers in which one user is logged in; the oldest gives way."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is logged in, and the token that the forms of this session carry."""

    user: User
    form_token: str
    key: str


class Sessions:
    """The sessions in the database."""

    def __init__(self, engine: sa.Engine, audit: Audit, random: Callable[[int], bytes]) -> None:
        """Keys are drawn from ``random``."""
        self._engine = engine
        self._audit = audit
        self._random = random

    def token(self) -> str:
        """A new secret that nobody guesses."""
        return base64.urlsafe_b64encode(self._random(TOKEN_BYTES)).decode().rstrip("=")

    def open(self, user: User, at: datetime) -> str:
        """Begin a session of ``user``, who has proven to know the password; gives the browser's key."""
        key = self.token()
        now = to_seconds(at)
        row = {"token": _hash(key), "user": user.name, "form_token": self.token(), "opened_at": now, "seen_at": now}
        with writing(self._engine) as connection:
            connection.execute(sessions.delete().where(_over(at)))
            mine = sa.select(sessions.c.token).where(sessions.c.user == user.name)
            newest = mine.order_by(sessions.c.opened_at.desc()).limit(MAXIMUM_PER_USER - 1)
            connection.execute(sessions.delete().where(sessions.c.user == user.name, sessions.c.token.not_in(newest)))
            connection.execute(sessions.insert(), row)
        return key

    def find(self, key: str, at: datetime, *, used: bool = True) -> Visit | None:
        """Who holds ``key``, if the session is not over; a person who uses it keeps it alive."""
        query = (
            sa.select(sessions, users.c.name, users.c.role, users.c.added_at)
            .join(users, users.c.name == sessions.c.user)
            .where(sessions.c.token == _hash(key), ~_over(at))
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        if used and at - from_seconds(row.seen_at) >= TOUCH:
            with writing(self._engine) as connection:
                connection.execute(
                    sessions.update().where(sessions.c.token == row.token).values(seen_at=to_seconds(at))
                )
        return Visit(User(row.name, UserRole(row.role), from_seconds(row.added_at)), row.form_token, key)

    def close(self, visit: Visit, at: datetime) -> None:
        """Log out."""
        with writing(self._engine) as connection:
            connection.execute(sessions.delete().where(sessions.c.token == _hash(visit.key)))
            self._audit.enter(connection, Action.LOGOUT, visit.user.name, visit.user.name, at)


def same(one: str, other: str) -> bool:
    """Whether two tokens are the same and not empty; how much of them is tells nothing in time."""
    return bool(one) and hmac.compare_digest(one.encode(), other.encode())


def _hash(key: str) -> str:
    """The key has 256 random bits: a plain hash hides it."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _over(at: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(
        sessions.c.seen_at <= to_seconds(at - IDLE),
        sessions.c.opened_at <= to_seconds(at - LONGEST),
    )
