"""What is left of each attempt to come in: what it counts for, and in whose log it stands (PP-0073 FIA_AFL.1).

Decides that an attempt leaves the same behind for a name that exists and for one that does not: a count, a row in the
store and an entry in a log, in one transaction, so that neither the answer nor the time it takes tells them apart. Of a
consumer's account everything stands in her own log and nowhere else (FAU_GEN.1/CON), of a technician's in the system
log (FAU_GEN.1/SYS); of names that nobody has the system log counts that there were some, and never names one.

Programs prove who they are at each request. That they came in is told when they begin, and anew after ten minutes in
which they asked nothing, as with a person.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from smgw.han.lock_out import CAPACITY, FORGOTTEN_SECONDS, LockOuts, Wrong
from smgw.han.sessions import IDLE_SECONDS, Moment
from smgw.store import lock_outs, log_chain, logs
from smgw.store.database import Database
from smgw.store.events import Event, Outcome
from smgw.store.rows import from_seconds, to_seconds
from wire.instant import format_instant
from wire.profiles import AccountProfile

SUBJECT: Final = "home-area-network"
STRANGER: Final = "unknown"
"""Who is behind an attempt that failed: nobody proved anything (FAU_GEN.2)."""
WRITES: Final = 600
"""Attempts under names that nobody has which are written in an hour; more are counted and told with the next one, so
that trying names wears out no disk. Beyond them the time of an answer may tell that a name does not exist."""
WRITES_SECONDS: Final = 3600


class Way(StrEnum):
    """How somebody proves who he is (FIA_UAU.5)."""

    PASSWORD = "password"  # noqa: S105 - a name
    DIGEST = "digest"
    OLDER_DIGEST = "outdated-digest-md5"
    """By MD5, for an account that is open to older clients."""
    CERTIFICATE = "certificate"


class LoginReason(StrEnum):
    """Why he was not let in, as the log of the account tells it."""

    WRONG = "wrong"
    NOT_OPEN = "not-open-to-older-clients"
    """He answered by MD5, and the administrator never said that this account takes that."""
    NOT_VALID = "not-valid"
    """The certificate's time is over, or has not begun."""


class Attempts:
    """The attempts at one gateway's door. Belongs to one thread at a time."""

    def __init__(self, database: Database, *, writes: int = WRITES) -> None:
        """Those of the gateway whose store ``database`` is; ``writes`` in an hour under names that nobody has."""
        self._database = database
        self._writes = writes
        self._accounts = LockOuts()
        self._strangers = LockOuts(capacity=CAPACITY)
        self._versions: dict[str, int] = {}
        """Of each account that has wrong attempts: at which version they were made."""
        self._seen: dict[tuple[str, Way, bool], float] = {}
        self._written: list[float] = []
        self._untold = 0
        self._is_loaded = False

    def locked_until(self, name: str, account: AccountProfile | None, moment: Moment) -> datetime | None:
        """Until when nobody is let in under ``name``, which is ``account``'s if there is one. Raises StoreError."""
        self._load(moment)
        if account is None:
            remaining = self._strangers.remaining(name, moment.now)
        else:
            self._heed_version(account)
            remaining = self._accounts.remaining(account.id, moment.now)
        return _until(remaining, moment) if remaining else None

    def wrong(self, name: str, account: AccountProfile | None, way: Way, moment: Moment) -> None:
        """Count a wrong attempt under ``name``, and tell it. Raises StoreError; then it counts all the same."""
        self._load(moment)
        if account is None:
            self._stranger(self._strangers.wrong(name, moment.now), moment)
            return
        self._heed_version(account)
        counted = self._accounts.wrong(account.id, moment.now)
        self._versions[account.id] = account.version
        closed = way is Way.OLDER_DIGEST and not account.md5
        parameters = {"how": way.value, "reason": (LoginReason.NOT_OPEN if closed else LoginReason.WRONG).value}
        if counted.is_locking:
            parameters["until"] = format_instant(_until(counted.locked_seconds, moment))
        with self._database.write() as connection:
            _keep(connection, account.id, account.version, counted.attempts, moment.at)
            _tell(connection, account, Outcome.FAILURE, moment.at, parameters)

    def came_in(self, account: AccountProfile, way: Way, moment: Moment, *, anew: bool) -> None:
        """Tell that somebody came in by ``account``; ``anew`` where he has just shown that he knows the password.

        Then what was tried before is forgotten. A program that goes on asking forgets nothing, though each of its
        questions answers a challenge of its own: somebody else would have all the attempts that he likes in between. No
        more does a certificate, which says nothing about the password. Raises StoreError.
        """
        self._load(moment)
        told = self._begins(account.id, way, good=True, moment=moment) or way is Way.PASSWORD
        forget = told and anew and account.id in self._accounts
        if not told:
            return
        with self._database.write() as connection:
            if forget:
                lock_outs.forget(connection, account.id)
            _tell(connection, account, Outcome.SUCCESS, moment.at, {"how": way.value})
        if forget:
            self._accounts.forget(account.id)

    def bad_certificate(self, account: AccountProfile | None, moment: Moment) -> None:
        """Tell of a certificate that lets nobody in: ``account`` pins it, or nobody does. Raises StoreError."""
        if not self._begins("" if account is None else account.id, Way.CERTIFICATE, good=False, moment=moment):
            return
        if account is None:
            self._untold += 1
            with self._database.write() as connection:
                self._tell_strangers(connection, moment)
            return
        parameters = {"how": Way.CERTIFICATE.value, "reason": LoginReason.NOT_VALID.value}
        with self._database.write() as connection:
            _tell(connection, account, Outcome.FAILURE, moment.at, parameters)

    def password_changed(self, account: AccountProfile, moment: Moment) -> None:
        """Tell a consumer that her password is another one; she knew the one before. Raises StoreError."""
        with self._database.write() as connection:
            lock_outs.forget(connection, account.id)
            _tell(connection, account, Outcome.SUCCESS, moment.at, {}, event=Event.PASSWORD_CHANGED)
        self._accounts.forget(account.id)

    def _stranger(self, counted: Wrong, moment: Moment) -> None:
        self._untold += 1
        self._written = [one for one in self._written if moment.now - one < WRITES_SECONDS]
        if len(self._written) >= self._writes:
            return
        self._written.append(moment.now)
        with self._database.write() as connection:
            _keep(connection, lock_outs.NOBODY, 0, counted.attempts, moment.at)
            self._tell_strangers(connection, moment)

    def _tell_strangers(self, connection: sa.Connection, moment: Moment) -> None:
        times, self._untold = self._untold, 0
        # The same entry again within a day is counted there: however many names are tried, it is one entry.
        logs.note(
            connection,
            Event.LOGIN_REFUSED,
            SUBJECT,
            Outcome.FAILURE,
            at=moment.at,
            times=times,
            user=STRANGER,
            parameters={},
        )

    def _begins(self, account: str, way: Way, *, good: bool, moment: Moment) -> bool:
        """Whether this is the first of its kind after ten idle minutes."""
        key = (account, way, good)
        before = self._seen.get(key)
        self._seen = {one: seen for one, seen in self._seen.items() if moment.now - seen < IDLE_SECONDS}
        self._seen[key] = moment.now
        return before is None or moment.now - before >= IDLE_SECONDS

    def _heed_version(self, account: AccountProfile) -> None:
        # A newer version comes with a password of its own: what was tried at the one before says nothing about it.
        if self._versions.get(account.id, account.version) != account.version:
            self._accounts.forget(account.id)
            del self._versions[account.id]

    def _load(self, moment: Moment) -> None:
        if self._is_loaded:
            return
        with self._database.read() as connection:
            records = lock_outs.load(connection)
        for account, record in records.items():
            kept = Wrong.of_record(record.attempts, to_seconds(moment.at) - record.last_at, moment.now)
            if not kept.is_forgotten(moment.now):
                self._accounts.put(account, kept)
                self._versions[account] = record.version
        self._is_loaded = True


def _keep(connection: sa.Connection, account: str, version: int, attempts: int, at: datetime) -> None:
    lock_outs.keep(connection, account, version, attempts, at, forgotten_seconds=FORGOTTEN_SECONDS)


def _until(seconds: float, moment: Moment) -> datetime:
    return from_seconds(to_seconds(moment.at + timedelta(seconds=math.ceil(seconds))))


def _tell(
    connection: sa.Connection,
    account: AccountProfile,
    outcome: Outcome,
    at: datetime,
    parameters: Mapping[str, str],
    *,
    event: Event = Event.CONSUMER_LOGIN,
) -> None:
    """Write an entry where it belongs: into her own log, or for a technician into the system log."""
    if account.consumer is None:
        who, told = account.name, None
        event = Event.TECHNICIAN_LOGIN
    else:
        # An account alone begins nobody's log: one that was erased would be back (FDP_RIP.2).
        if not log_chain.is_told(connection, account.consumer):
            return
        who, told = account.consumer, (account.consumer,)
    user = who if outcome is Outcome.SUCCESS else STRANGER
    logs.note(connection, event, account.name, outcome, at=at, user=user, consumers=told, parameters=parameters)
