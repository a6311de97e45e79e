"""Values that are never stored: granted, kept in memory until their delivery, and gone.

Decides how much of them is kept, and nothing about who may have them (``decision.py``). Nothing here knows a file or a
database. A restart loses them, and so does an outage that lasts longer than the bound; nobody is owed them beyond that.
TR-03109-1, TAF-9, TAF-10 and TAF-14.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from smgw.access.grants import Grant

GRANTS_PER_PROFILE: Final = 250
"""As many as one delivery carries of stored grants (``smgw/store/outbox.py``); the oldest make room."""
LIFETIME: Final = timedelta(hours=1)
"""A current value is worth nothing later: what could not be delivered so long is forgotten. Unverified, ours."""


def still_wanted(grants: Iterable[Grant], now: datetime) -> tuple[Grant, ...]:
    """Those of ``grants`` that are not too old at ``now``."""
    return tuple(grant for grant in grants if now - grant.period_end <= LIFETIME)


class VolatileStore:
    """The volatile grants of all profiles; safe to use from several threads."""

    def __init__(self, limit: int = GRANTS_PER_PROFILE) -> None:
        """Keep at most ``limit`` grants a profile."""
        self._limit = limit
        self._lock = Lock()
        self._grants: dict[str, OrderedDict[str, Grant]] = {}

    def put(self, grant: Grant) -> None:
        """Keep ``grant``; one that is kept already, by (profile, key), stands as it is.

        Raises ValueError where a derived value was not signed before.
        """
        if grant.derived:
            raise ValueError("a derived value must be signed before its grant is kept")
        with self._lock:
            kept = self._grants.setdefault(grant.profile, OrderedDict())
            kept.setdefault(grant.key, grant)
            while len(kept) > self._limit:
                kept.popitem(last=False)

    def take(self, profile: str, now: datetime) -> tuple[Grant, ...]:
        """All grants of ``profile``, oldest first, that are not too old at ``now``; they are not kept any longer."""
        with self._lock:
            kept = self._grants.pop(profile, OrderedDict())
        return still_wanted(kept.values(), now)

    def holds(self, profile: str) -> bool:
        """Whether anything of ``profile`` is kept."""
        with self._lock:
            return bool(self._grants.get(profile))

    def retain(self, profiles: Collection[str]) -> None:
        """Forget everything of profiles that are not among ``profiles``: what was withdrawn owes nothing more."""
        with self._lock:
            for profile in self._grants.keys() - set(profiles):
                del self._grants[profile]
