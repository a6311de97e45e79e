"""How often one account may ask: a bucket of questions that fills up slowly.

Decides that a program that polls without end slows down itself and nobody else, and is told how long to wait instead of
being locked out: a customer whose Home Assistant is set to one second shall find out why, and still see her page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from types import MappingProxyType
from typing import Final

CAPACITY: Final = 240
"""Questions or pages at once: some pages of figures, or a client that fetches a month of lists day by day."""
PER_SECOND: Final = 4
"""Questions that come back each second; the page's live figures need one in ten seconds."""
MAXIMUM_ACCOUNTS: Final = 1024
"""Accounts that are remembered: more than a gateway has consumers. The one that asked longest ago is forgotten."""
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """Questions that are left, in millionths of one."""

    left: int
    at: datetime


class Pace:
    """The buckets of all accounts. Safe to use from any thread."""

    def __init__(self) -> None:
        """Everybody begins with a full one."""
        self._buckets: dict[str, Bucket] = {}
        self._lock = Lock()

    @property
    def buckets(self) -> Mapping[str, Bucket]:
        """What is remembered."""
        return MappingProxyType(self._buckets)

    def wait(self, account: str, at: datetime) -> int:
        """Take one question of ``account``: 0, or the seconds until there is another one."""
        with self._lock:
            before = self._buckets.pop(account, Bucket(CAPACITY * _MICROSECONDS, at))
            # A clock that was set back gives nothing and takes nothing.
            passed = max(0, round((at - before.at).total_seconds() * _MICROSECONDS))
            left = min(CAPACITY * _MICROSECONDS, before.left + passed * PER_SECOND)
            enough = left >= _MICROSECONDS
            self._buckets[account] = Bucket(left - _MICROSECONDS if enough else left, at)
            if len(self._buckets) > MAXIMUM_ACCOUNTS:
                del self._buckets[next(iter(self._buckets))]
        return 0 if enough else 1 + (_MICROSECONDS - left) // (PER_SECOND * _MICROSECONDS)
