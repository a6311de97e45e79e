"""Who may log in to the console, in which role, and how often somebody may guess.

Decides what a role may (each everything that the one before it may), what a password is worth, and the lock-out: an
attempt counts as failed before its password is looked at, so that many at once get no more tries than one after the
other. After a few failures each further one doubles the time in which no password is looked at at all. An unknown name
takes as long as a wrong password and is locked out in the same way. There is always a supervisor who can let others in.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from admin.audit import Action, Audit
from admin.database import from_seconds, reading, to_seconds, writing
from admin.errors import UserError, UserReason
from admin.schema import attempts, sessions
from admin.schema import users as table

MAXIMUM_NAME: Final = 40
MINIMUM_PASSWORD: Final = 12
"""Characters. With the lock-out nobody guesses a dozen; the hash slows down whoever has a copy of the file."""
MAXIMUM_PASSWORD: Final = 256
"""Nobody types more, and hashing has a price."""
FREE_FAILURES: Final = 3
"""People mistype."""
FIRST_DELAY: Final = timedelta(seconds=5)
LONGEST_DELAY: Final = timedelta(minutes=15)
"""96 guesses a day; longer would only let a stranger keep the rightful one out."""
UNKNOWN_BUCKETS: Final = 64
"""Unknown names share so many rows, so that a flood of them fills no table."""
METHOD: Final = "scrypt:32768:8:1"
"""RFC 7914: 32 MiB for each guess."""
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,39}", re.ASCII)


class UserRole(StrEnum):
    """What somebody may do at the console."""

    VIEWER = "viewer"
    """Looks, and changes nothing but the own password."""
    OPERATOR = "operator"
    """Also wakes, orders, writes drafts."""
    SUPERVISOR = "supervisor"
    """Also users, life cycle, renewals, firmware."""


RANK: Mapping[UserRole, int] = {UserRole.VIEWER: 1, UserRole.OPERATOR: 2, UserRole.SUPERVISOR: 3}
"""Who has a higher rank may do everything that a lower one may."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in."""

    name: str
    role: UserRole
    added_at: datetime

    def may(self, least: UserRole) -> bool:
        """Whether the role is enough where ``least`` is needed."""
        return RANK[self.role] >= RANK[least]


class Users:
    """The users in the database."""

    def __init__(self, engine: sa.Engine, audit: Audit) -> None:
        """A view on the database; changes are told to ``audit``."""
        self._engine = engine
        self._audit = audit

    def add(self, name: str, role: UserRole, password: str, by: str, at: datetime) -> None:
        """Let somebody in. Raises UserError: NAME, PASSWORD, EXISTS."""
        if _NAME.fullmatch(name) is None:
            raise UserError(
                UserReason.NAME,
                f"{name[:60]!r} is no name: 1 to 40 small letters, digits, dots, dashes, underscores; a letter first",
            )
        hashed = _hashed(password, name)
        with writing(self._engine) as connection:
            if _find(connection, name) is not None:
                raise UserError(UserReason.EXISTS, f"{name} is a user already; change the password or the role")
            row = {"name": name, "role": role.value, "password": hashed, "added_at": to_seconds(at)}
            connection.execute(table.insert(), row)
            # Whoever guessed at this name before it existed does not lock the new user out.
            connection.execute(attempts.delete().where(attempts.c.bucket == name))
            self._audit.enter(connection, Action.OPERATOR_ADDED, name, by, at, role=role.value)

    def get(self, name: str) -> User:
        """One user. Raises UserError(UNKNOWN)."""
        with reading(self._engine) as connection:
            return _user(_require(connection, name))

    def all(self) -> list[User]:
        """Every user, by name."""
        with reading(self._engine) as connection:
            return [_user(row) for row in connection.execute(sa.select(table).order_by(table.c.name))]

    def change_role(self, name: str, role: UserRole, by: str, at: datetime) -> None:
        """Give another role, from the next page on. Raises UserError: UNKNOWN, LAST_SUPERVISOR."""
        with writing(self._engine) as connection:
            before = _user(_require(connection, name))
            if role is not UserRole.SUPERVISOR:
                _require_another_supervisor(connection, before)
            connection.execute(table.update().where(table.c.name == name).values(role=role.value))
            self._audit.enter(
                connection, Action.OPERATOR_CHANGED, name, by, at, before=before.role.value, after=role.value
            )

    def set_password(self, name: str, password: str, by: str, at: datetime) -> None:
        """Set a new password, end every session and lock-out of this user. Raises UserError: UNKNOWN, PASSWORD."""
        hashed = _hashed(password, name)
        with writing(self._engine) as connection:
            _require(connection, name)
            connection.execute(table.update().where(table.c.name == name).values(password=hashed))
            connection.execute(sessions.delete().where(sessions.c.user == name))
            connection.execute(attempts.delete().where(attempts.c.bucket == name))
            self._audit.enter(connection, Action.OPERATOR_CHANGED, name, by, at, password="changed")  # noqa: S106

    def remove(self, name: str, by: str, at: datetime) -> None:
        """Let somebody in no more, from this moment on. Raises UserError: UNKNOWN, LAST_SUPERVISOR."""
        with writing(self._engine) as connection:
            _require_another_supervisor(connection, _user(_require(connection, name)))
            connection.execute(sessions.delete().where(sessions.c.user == name))
            connection.execute(attempts.delete().where(attempts.c.bucket == name))
            connection.execute(table.delete().where(table.c.name == name))
            self._audit.enter(connection, Action.OPERATOR_REMOVED, name, by, at)

    def log_in(self, name: str, password: str, at: datetime) -> User:
        """As :meth:`prove`, for somebody who comes in."""
        user = self.prove(name, password, at)
        self._audit.record(Action.LOGIN, user.name, user.name, at, role=user.role.value)
        return user

    def prove(self, name: str, password: str, at: datetime) -> User:
        """The user who knows this password.

        1. Nobody may guess at this name now: refused without a look at the password.
        2. The attempt counts as failed.
        3. The password is this user's.
        4. Failures are forgotten.

        Raises UserError: LOCKED, LOG_IN (whether name or password is wrong is not said).
        """
        shown = name[:MAXIMUM_NAME]
        # 1, 2
        with writing(self._engine) as connection:
            row = _find(connection, shown)
            bucket = shown if row is not None else _bucket(shown)
            failures = self._count(connection, bucket, at)
        # 3. Outside the transaction: hashing takes long, and an unknown name takes as long.
        from werkzeug.security import check_password_hash  # noqa: PLC0415 - users of the console alone need it

        right = check_password_hash(_nobody() if row is None else row.password, password[:MAXIMUM_PASSWORD])
        if row is None or not right:
            self._audit.record(Action.LOGIN_REFUSED, shown, "console", at, failures=failures)
            raise UserError(UserReason.LOG_IN, "this name and this password do not belong together")
        # 4
        with writing(self._engine) as connection:
            connection.execute(attempts.delete().where(attempts.c.bucket == bucket))
            return _user(_require(connection, shown))

    @staticmethod
    def _count(connection: sa.Connection, bucket: str, at: datetime) -> int:
        row = connection.execute(sa.select(attempts).where(attempts.c.bucket == bucket)).first()
        now = to_seconds(at)
        if row is not None and now < row.locked_until:
            raise UserError(
                UserReason.LOCKED, f"too many log-ins failed; the next one is possible in {row.locked_until - now} s"
            )
        failures = 1 if row is None else row.failures + 1
        values = {"failures": failures, "locked_until": now + int(delay(failures).total_seconds())}
        connection.execute(
            insert(attempts)
            .values(bucket=bucket, **values)
            .on_conflict_do_update(index_elements=[attempts.c.bucket], set_=values)
        )
        return failures


def delay(failures: int) -> timedelta:
    """How long nobody may try again after so many failures in a row."""
    beyond = failures - FREE_FAILURES
    if beyond < 0:
        return timedelta(0)
    # The exponent is bounded before the power is taken.
    doubled: int = 2 ** min(beyond, 20)
    return min(FIRST_DELAY * doubled, LONGEST_DELAY)


@cache
def _nobody() -> str:
    """A hash that no password fits: random, and made when somebody logs in, because making one takes its time."""
    return _hash(secrets.token_urlsafe())


def _hash(password: str) -> str:
    from werkzeug.security import generate_password_hash  # noqa: PLC0415 - users of the console alone need it

    return generate_password_hash(password, METHOD)


def _bucket(name: str) -> str:
    """Where failures with an unknown name are counted; no user's name begins with a question mark."""
    return f"?{int.from_bytes(hashlib.sha256(name.encode('utf-8', 'replace')).digest()) % UNKNOWN_BUCKETS}"


def _hashed(password: str, name: str) -> str:
    if not MINIMUM_PASSWORD <= len(password) <= MAXIMUM_PASSWORD or password.strip() != password:
        raise UserError(
            UserReason.PASSWORD,
            f"a password has {MINIMUM_PASSWORD} to {MAXIMUM_PASSWORD} characters and no space at either end",
        )
    if len(set(password)) < MINIMUM_PASSWORD // 2 or name in password.lower():
        raise UserError(
            UserReason.PASSWORD, "this password is easy to guess: too few different characters, or the name is in it"
        )
    return _hash(password)


def _find(connection: sa.Connection, name: str) -> sa.Row[tuple[str, str, str, int]] | None:
    return connection.execute(sa.select(table).where(table.c.name == name)).first()


def _require(connection: sa.Connection, name: str) -> sa.Row[tuple[str, str, str, int]]:
    row = _find(connection, name)
    if row is None:
        raise UserError(UserReason.UNKNOWN, f"there is no user {name[:40]!r}: smgw-admin users list")
    return row


def _require_another_supervisor(connection: sa.Connection, user: User) -> None:
    others = sa.select(sa.func.count()).where(table.c.role == UserRole.SUPERVISOR.value, table.c.name != user.name)
    if user.role is UserRole.SUPERVISOR and not connection.scalar(others):
        raise UserError(
            UserReason.LAST_SUPERVISOR, f"{user.name} is the last supervisor: nobody could let anybody in afterwards"
        )


def _user(row: sa.Row[tuple[str, str, str, int]]) -> User:
    return User(row.name, UserRole(row.role), from_seconds(row.added_at))
