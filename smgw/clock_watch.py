"""Whether the gateway's clock goes as time does.

Decides when the clock counts as having jumped: when, between two looks, it advanced by more or less than the monotonic
clock did. It corrects nothing. A clock that was set back makes readings be refused (``metering/verify.py``, step 7)
until it has caught up, one that was ahead leaves readings in the future behind; the system log must say when and which
way, because no later look can tell (PP-0073 FPT_STM.1).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

TOLERANCE = timedelta(seconds=3)
"""A clock that is being slewed drifts 0.03 s a minute; whole seconds are what readings are stamped with."""
LOOK_SECONDS = 60.0
"""How often to look: bounds both what a jump is mistaken by and how often one can be written down."""


class ClockWatch:
    """Compares two clocks; only its own thread calls it."""

    def __init__(self, clock: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        """``clock`` gives aware UTC, ``monotonic`` seconds that nobody can set."""
        self._clock = clock
        self._monotonic = monotonic
        self._start = self._now()

    def jump(self) -> timedelta | None:
        """How far the clock jumped since the last look (negative: back), or None if it did not."""
        now = self._now()
        jump, self._start = now - self._start, now
        return jump if abs(jump) > TOLERANCE else None

    def _now(self) -> datetime:
        """When the monotonic clock began, by the clock: the same at every look of a clock that nobody touches."""
        return self._clock() - timedelta(seconds=self._monotonic())


def describe(jump: timedelta) -> dict[str, str | int]:
    """Parameters for the system log: direction and order of magnitude.

    Not the seconds themselves: entries that differ are not counted together, and whoever can set the clock all day
    could fill the log with them.
    """
    seconds = int(abs(jump).total_seconds())
    return {"direction": "forward" if jump > timedelta() else "back", "at_least_seconds": 10 ** (len(str(seconds)) - 1)}
