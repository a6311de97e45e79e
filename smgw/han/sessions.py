"""Sessions of people at the page: whose a secret is, and how long (PP-0073 FIA_UAU.6).

Decides when a session ends: after 48 hours, after ten minutes in which nobody did anything, when he logs out, and with
the account as it was when he came in. A secret is 256 random bits and is kept only as its hash, so that a look into
this memory opens no session. Time is counted by the monotonic clock, and by the wall clock too where that says that
more of it passed: a machine that slept ends its sessions, and a clock that is set back lengthens none. Does no IO.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from smgw.han.port import LoginRefusedError, RefusedReason

SESSION_SECONDS: Final = 48 * 3600
"""At most, however busy he is."""
IDLE_SECONDS: Final = 10 * 60
"""Without his doing anything."""
MOST: Final = 256
"""Sessions at once, of all accounts."""
MOST_OF_ONE: Final = 8
"""Sessions at once of one account: her devices, and a few that were not logged out."""
SECRET_SIZE: Final = 32
"""Octets: 256 bit."""
_SECRET_LENGTH: Final = 2 * SECRET_SIZE


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment by both clocks."""

    at: datetime
    now: float
    """Monotonic seconds."""

    def since(self, earlier: "Moment") -> float:
        """Seconds since ``earlier``, by the clock that says more."""
        return max(self.now - earlier.now, (self.at - earlier.at) / timedelta(seconds=1))


@dataclass(frozen=True, slots=True)
class Session:
    """One session (Sitzung)."""

    account: str
    version: int
    """Of the account, when he came in."""
    opened: Moment
    active: Moment

    def is_over(self, moment: Moment) -> bool:
        """Whether its time is over, or nobody did anything for too long."""
        return moment.since(self.opened) >= SESSION_SECONDS or moment.since(self.active) >= IDLE_SECONDS


class Sessions:
    """The sessions of one gateway. Belongs to one thread at a time."""

    def __init__(self, random: Callable[[int], bytes], *, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        """``random`` gives that many random octets."""
        self._random = random
        self._most = most
        self._most_of_one = most_of_one
        self._sessions: dict[bytes, Session] = {}
        """By the hash of the secret, oldest first."""

    def open(self, account: str, version: int, moment: Moment) -> str:
        """A new session's secret. Raises LoginRefusedError(FULL).

        1. What is over makes room. 2. Where an account, or everybody, has as many as may be, the oldest session of the
        same account gives way: nobody ends another's. 3. Who has none is refused.
        """
        # 1
        self._sessions = {key: one for key, one in self._sessions.items() if not one.is_over(moment)}
        # 2
        own = [key for key, one in self._sessions.items() if one.account == account]
        if own and (len(own) >= self._most_of_one or len(self._sessions) >= self._most):
            del self._sessions[own[0]]
        # 3
        if len(self._sessions) >= self._most:
            raise LoginRefusedError(RefusedReason.FULL)
        secret = self._random(SECRET_SIZE).hex()
        self._sessions[_key(secret)] = Session(account, version, moment, moment)
        return secret

    def find(self, secret: str, moment: Moment, *, active: bool = True) -> Session | None:
        """The session of ``secret`` if there is one; ``active`` where he did something, so that he is idle from now.

        A secret that does not exist takes the same time whatever it is: it is looked for by its hash.
        """
        key = _key(secret)
        found = self._sessions.get(key)
        if found is None:
            return None
        if found.is_over(moment):
            del self._sessions[key]
            return None
        if active:
            self._sessions[key] = replace(found, active=moment)
        return found

    def close(self, secret: str) -> None:
        """End it, if there is one."""
        self._sessions.pop(_key(secret), None)

    def close_account(self, account: str) -> None:
        """End every session of ``account``."""
        self._sessions = {key: one for key, one in self._sessions.items() if one.account != account}

    def __len__(self) -> int:
        """How many are kept; some of them may be over."""
        return len(self._sessions)


def _key(secret: str) -> bytes:
    # What is longer is none of ours, and need not be hashed as a whole.
    return hashlib.sha256(secret[: _SECRET_LENGTH + 1].encode("utf-8", "replace")).digest()
