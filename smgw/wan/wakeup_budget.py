"""Which wake-up has its signature checked next, when more arrive than can be checked.

Decides order and pace, never belief: a check costs a thousand times what the cheap checks cost, so only a few are made
each second, and a flood must neither buy more of them nor keep a genuine wake-up from its turn. Two lanes:

- the administrator's own address has a lane and a pace reserved. An address in a datagram is easily forged, so it earns
  a turn and nothing else; who forges this very address crowds the administrator's lane, and only that one;
- all others share the second lane, one waiting datagram for each source. Of the waiting ones that source has the turn
  that had its last one longest ago, so a source that floods always stands behind one that does not.

No clock and no socket; whole memory bounded.
"""

from collections import OrderedDict, deque
from typing import Final

RESERVED_PER_SECOND: Final = 8
"""Checks for the administrator's address: he repeats his call once a second."""
SHARED_PER_SECOND: Final = 16
"""Checks for all other addresses together. Both lanes full cost some 2 % of a processor that checks 1000 a second."""
RESERVED_WAITING: Final = 8
SHARED_WAITING: Final = 64
"""Sources that wait; at that pace the last of them has its turn after four seconds, well within the time window."""
SERVED_REMEMBERED: Final = 256
"""Sources whose last turn is remembered; the longest ago is forgotten first, and then counts as never."""


class _Pace:
    """So many a second, and as many at once after a second of quiet."""

    def __init__(self, per_second: int, now: float) -> None:
        self._per_second = per_second
        self._left = float(per_second)
        self._at = now

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        self._refill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def seconds_until(self, now: float) -> float:
        """Until there is one."""
        self._refill(now)
        return max(0.0, (1 - self._left) / self._per_second)

    def _refill(self, now: float) -> None:
        self._left = min(float(self._per_second), self._left + max(0.0, now - self._at) * self._per_second)
        self._at = max(self._at, now)


class Budget:
    """The two lanes. ``now`` is monotonic seconds."""

    def __init__(self, now: float) -> None:
        """Both lanes empty, both paces full."""
        self._reserved: deque[bytes] = deque()
        self._shared: dict[bytes, bytes] = {}
        self._served: OrderedDict[bytes, int] = OrderedDict()
        self._turns = 0
        self._reserved_pace = _Pace(RESERVED_PER_SECOND, now)
        self._shared_pace = _Pace(SHARED_PER_SECOND, now)

    def offer(self, source: bytes, datagram: bytes, *, reserved: bool) -> bool:
        """Let ``datagram`` wait for its turn; False where it, or another one for its sake, is left out."""
        if reserved:
            if len(self._reserved) >= RESERVED_WAITING or datagram in self._reserved:
                return False
            self._reserved.append(datagram)
            return True
        if source in self._shared:
            return False
        free = len(self._shared) < SHARED_WAITING
        if free or self._make_room(source):
            self._shared[source] = datagram
        return free

    def next(self, now: float) -> bytes | None:
        """The datagram whose turn it is, if the pace allows one now."""
        if self._reserved and self._reserved_pace.take(now):
            return self._reserved.popleft()
        if self._shared and self._shared_pace.take(now):
            source = min(self._shared, key=self._last_turn)
            self._turns += 1
            self._served[source] = self._turns
            self._served.move_to_end(source)
            if len(self._served) > SERVED_REMEMBERED:
                self._served.popitem(last=False)
            return self._shared.pop(source)
        return None

    def seconds_until_next(self, now: float) -> float | None:
        """Until :meth:`next` gives something; None while nothing waits."""
        waits = []
        if self._reserved:
            waits.append(self._reserved_pace.seconds_until(now))
        if self._shared:
            waits.append(self._shared_pace.seconds_until(now))
        return min(waits, default=None)

    def _make_room(self, source: bytes) -> bool:
        """Whoever had a turn most recently stands back for a source whose last turn is longer ago."""
        if not self._served:
            return False
        latest = max(self._shared, key=self._last_turn)
        if self._last_turn(latest) <= self._last_turn(source):
            return False
        del self._shared[latest]
        return True

    def _last_turn(self, source: bytes) -> int:
        return self._served.get(source, 0)
