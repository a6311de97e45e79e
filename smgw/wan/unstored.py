"""Numbered deliveries whose content is never stored (TR-03109-1, TAF-9, TAF-10 and TAF-14).

Decides what such a delivery carries, and until when: its number is kept by the outbox, its values lie here, in memory
only, until the receiver acknowledged them, and go nowhere else, no log and no error among it. A repetition carries the
same. After a restart the values are gone and the number is not: it goes out as a cover, so that no gap arises. If the
receiver had the values of that number already, it refuses the cover and keeps what it has.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from smgw.access.grants import Grant
from smgw.access.volatile import GRANTS_PER_PROFILE, still_wanted
from smgw.store.outbox import Delivery, Outbox


class Volatile(Protocol):
    """Where the values wait that are never stored (``smgw/access/volatile.py``)."""

    def take(self, profile: str, now: datetime) -> tuple[Grant, ...]:
        """All that ``profile`` is owed, oldest first; afterwards it is the caller's."""


@dataclass(slots=True)
class Unstored:
    """The contents of the unstored deliveries of one sender; only its thread calls it."""

    outbox: Outbox
    volatile: Volatile
    _open: dict[str, Delivery] = field(default_factory=dict, repr=False)
    _waiting: dict[str, tuple[Grant, ...]] = field(default_factory=dict, repr=False)

    def delivery(self, profile: str, now: datetime, readings_limit: int) -> Delivery:
        """The open delivery of ``profile``, else a new one of what is there, a cover where nothing is.

        Raises StoreError; then nothing was numbered and nothing taken.
        """
        number = self.outbox.open_number(profile)
        if number is None:
            # First the number, then the values: a store that is full must not swallow any.
            number = self.outbox.number_unstored(profile, now)
            grants = self._taken(profile, now, readings_limit)
            self._open[profile] = Delivery(profile, number.sequence, number.created_at, grants)
        held = self._open.get(profile)
        if held is None or held.sequence != number.sequence:
            held = self._open[profile] = Delivery(profile, number.sequence, number.created_at, ())
        return held

    def forget(self, profile: str) -> None:
        """It has arrived, or will never: its values are wanted no more."""
        self._open.pop(profile, None)

    def retain(self, profiles: Collection[str]) -> None:
        """Forget everything of profiles that are not among ``profiles``: what was withdrawn is sent no more."""
        for kept in (self._open, self._waiting):
            for profile in kept.keys() - set(profiles):
                del kept[profile]

    def _taken(self, profile: str, now: datetime, readings_limit: int) -> tuple[Grant, ...]:
        """The oldest grants that fit, one at least; the rest waits for the next dispatch, and the oldest make room."""
        found = (*still_wanted(self._waiting.pop(profile, ()), now), *self.volatile.take(profile, now))
        count, room = 0, readings_limit
        for grant in found:
            room -= len(grant.readings)
            if room < 0 and count:
                break
            count += 1
        if count < len(found):
            self._waiting[profile] = found[count:][-GRANTS_PER_PROFILE:]
        return found[:count]
