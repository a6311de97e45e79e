"""How much of one gateway is kept in an hour: each entry is signed by the token, and stays for good.

Decides nothing about what is said, only how often; a gateway that says more is put off and not silenced. What it counts
is in memory: a restart of the server forgives.
"""

import threading
from collections.abc import Callable
from typing import Final

HOUR: Final = 3600.0
MAXIMUM_GATEWAYS: Final = 10_000
"""Names that are counted at once; only gateways of the inventory have one. Beyond, all begin anew."""


class Pace:
    """So many of one kind in an hour, for each gateway by itself. Thread-safe."""

    def __init__(self, limit: int, monotonic: Callable[[], float]) -> None:
        """``limit`` in each hour; an hour begins with the first of it."""
        self._limit = limit
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._hours: dict[str, tuple[float, int]] = {}

    def take(self, gateway: str) -> bool:
        """Whether ``gateway`` may have one more now."""
        with self._lock:
            now = self._monotonic()
            began, taken = self._hours.get(gateway, (now, 0))
            if now - began >= HOUR:
                began, taken = now, 0
            if taken >= self._limit:
                return False
            if gateway not in self._hours and len(self._hours) >= MAXIMUM_GATEWAYS:
                self._hours.clear()
            self._hours[gateway] = (began, taken + 1)
            return True
