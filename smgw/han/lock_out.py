"""After how many wrong attempts nobody is let in any more, and for how long (PP-0073 FIA_AFL.1).

Decides by one table for names that exist and for names that do not. The fifth wrong attempt locks for a minute, each
further one for twice as long, up to an hour; a day without a wrong attempt, or a right one, and all is forgotten. What
is tried while it is locked is not looked at and does not count. Times are seconds of the monotonic clock: no clock that
is set frees or locks anybody. Does no IO.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Self

FREE_ATTEMPTS: Final = 5
"""Wrong attempts after which it is locked."""
FIRST_SECONDS: Final = 60
LONGEST_SECONDS: Final = 3600
FORGOTTEN_SECONDS: Final = 24 * 3600
"""After the last wrong attempt."""
CAPACITY: Final = 4096
"""Names that do not exist which are remembered, of those that are locked and of those that are not yet; some 1 MB.
Whoever wants one of them forgotten has to lock as many others."""
_MOST_DOUBLINGS: Final = 6


@dataclass(frozen=True, slots=True)
class Wrong:
    """Wrong attempts under one name, none of them forgotten yet."""

    attempts: int
    last: float

    @property
    def is_locking(self) -> bool:
        """Whether there were so many that it was locked."""
        return self.attempts >= FREE_ATTEMPTS

    @property
    def locked_seconds(self) -> int:
        """For how long the last one locked."""
        if not self.is_locking:
            return 0
        return min(FIRST_SECONDS << min(self.attempts - FREE_ATTEMPTS, _MOST_DOUBLINGS), LONGEST_SECONDS)

    def remaining(self, now: float) -> float:
        """Seconds for which it is locked still."""
        return max(self.locked_seconds - (now - self.last), 0)

    def is_forgotten(self, now: float) -> bool:
        """Whether it is so long ago that it counts no more."""
        return now - self.last >= FORGOTTEN_SECONDS

    @classmethod
    def of_record(cls, attempts: int, age: float, now: float) -> Self:
        """As an earlier run kept it, ``age`` seconds ago by the wall clock.

        A clock that was set back in between makes it at most as if the last attempt had been just now.
        """
        return cls(attempts, now - max(age, 0))


class LockOuts:
    """Wrong attempts by name. Belongs to one thread at a time."""

    def __init__(self, *, capacity: int | None = None) -> None:
        """At most ``capacity`` names that are locked, and as many that are not; the oldest are forgotten."""
        self._capacity = capacity
        self._counting: OrderedDict[str, Wrong] = OrderedDict()
        self._locking: OrderedDict[str, Wrong] = OrderedDict()

    def remaining(self, name: str, now: float) -> float:
        """Seconds for which ``name`` is locked still; 0 where it is not."""
        found = self._locking.get(name)
        return 0 if found is None else found.remaining(now)

    def wrong(self, name: str, now: float) -> Wrong:
        """Count a wrong attempt, made while ``name`` was not locked."""
        before = self._counting.get(name) or self._locking.get(name)
        attempts = 0 if before is None or before.is_forgotten(now) else before.attempts
        return self.put(name, Wrong(attempts + 1, now))

    def put(self, name: str, wrong: Wrong) -> Wrong:
        """From now on it stands so with ``name``."""
        self.forget(name)
        # Two queues: names that were tried once push none out that is locked.
        queue = self._locking if wrong.is_locking else self._counting
        queue[name] = wrong
        if self._capacity is not None and len(queue) > self._capacity:
            queue.popitem(last=False)
        return wrong

    def forget(self, name: str) -> None:
        """He who is called ``name`` came in, or his account is another one now."""
        self._counting.pop(name, None)
        self._locking.pop(name, None)

    def __contains__(self, name: object) -> bool:
        """Whether there was a wrong attempt that is not forgotten."""
        return name in self._counting or name in self._locking

    def __len__(self) -> int:
        """How many names are remembered."""
        return len(self._counting) + len(self._locking)
