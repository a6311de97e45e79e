"""How much of one caller is kept in an hour: an entry of the audit log is signed by the token, and stays for good.

Decides nothing about what is said, only how often; a gateway that says more is put off and not silenced. What it counts
is in memory: a restart of the server forgives.
"""

import threading
from collections.abc import Callable
from typing import Final

HOUR: Final = 3600.0
MAXIMUM_NAMES: Final = 10_000
"""Names that are counted at once. Beyond, all begin anew."""


class Pace:
    """So many of one kind in a period, for each name by itself. Thread-safe."""

    def __init__(self, limit: int, monotonic: Callable[[], float], *, seconds: float = HOUR) -> None:
        """``limit`` in each period of ``seconds``, which begins with the first of it."""
        self._limit = limit
        self._seconds = seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._periods: dict[str, tuple[float, int]] = {}

    def take(self, name: str) -> bool:
        """Whether ``name`` may have one more now."""
        with self._lock:
            now = self._monotonic()
            began, taken = self._periods.get(name, (now, 0))
            if now - began >= self._seconds:
                began, taken = now, 0
            if taken >= self._limit:
                return False
            if name not in self._periods and len(self._periods) >= MAXIMUM_NAMES:
                self._periods.clear()
            self._periods[name] = (began, taken + 1)
            return True
