"""The gateway's clock: the machine's clock and an offset of our own, and whether anybody may rely on it.

Decides the state of the clock, as a table. The process may not set the machine's clock, so it adds what the
administrator's time service said (``smgw/wan/time_service.py``). Nothing here asks anybody or decides what is within
tolerance. The offset, the last trusted comparison and an unresolved deviation survive a restart (:class:`ClockMemory`).
TR-03109-1, time synchronisation; PP-0073 FPT_STM.1: compared at least every 24 hours, corrected within tolerance only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Lock
from types import MappingProxyType
from typing import Final

EARLIEST_VALID_TIME: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""A device without a battery-backed clock wakes up in 1970: before this software existed no time is valid, and readings
carry the status bit that says so (TR-03109-1, invalid time: recorded, but flagged)."""
LONGEST_TRUST: Final = timedelta(hours=24)
"""How long one comparison is relied upon (PP-0073, Meter SFP); one is tried every hour."""
BACKWARD_SLACK: Final = timedelta(minutes=1)
"""A reading may be stamped so long before the last comparison; earlier, the clock went back behind a proven time."""


class ClockState(StrEnum):
    """What is known of the clock."""

    UNKNOWN = "unknown"
    """Never compared since the start, or too long ago."""
    VALID = "valid"
    DEVIATING = "deviating"
    """It deviates by more than may be corrected; only an order of the administrator ends that."""


class ClockEvent(StrEnum):
    """What changes it."""

    AGREED = "agreed"
    """A comparison found a deviation within tolerance."""
    DEVIATED = "deviated"
    """A comparison found one beyond."""
    SET = "set"
    """The administrator ordered the clock to be right, and it was set."""
    AGED = "aged"
    """The last comparison is too old to be relied upon."""


_U, _V, _D = ClockState.UNKNOWN, ClockState.VALID, ClockState.DEVIATING
TRANSITIONS: Final[Mapping[tuple[ClockState, ClockEvent], ClockState]] = MappingProxyType(
    {
        (_U, ClockEvent.AGREED): _V,
        (_U, ClockEvent.DEVIATED): _D,
        (_U, ClockEvent.SET): _V,
        (_U, ClockEvent.AGED): _U,
        (_V, ClockEvent.AGREED): _V,
        (_V, ClockEvent.DEVIATED): _D,
        (_V, ClockEvent.SET): _V,
        (_V, ClockEvent.AGED): _U,
        # A deviation that is gone by itself is no less strange than one that stays: somebody has to look.
        (_D, ClockEvent.AGREED): _D,
        (_D, ClockEvent.DEVIATED): _D,
        (_D, ClockEvent.SET): _V,
        (_D, ClockEvent.AGED): _D,
    }
)
"""From each state by each event to the next."""


@dataclass(frozen=True, slots=True)
class ClockMemory:
    """What survives a restart. ``deviation`` (the administrator's time less ours) counts while ``deviating``."""

    offset: timedelta = timedelta()
    trusted_at: datetime | None = None
    deviating: bool = False
    deviation: timedelta = timedelta()


class GatewayClock:
    """The clock of everything in one gateway; calling it gives aware UTC. Safe to use from several threads."""

    def __init__(self, system: Callable[[], datetime], memory: ClockMemory | None = None) -> None:
        """``system`` is the machine's clock; ``memory`` what an earlier run of the gateway left."""
        self._system = system
        self._memory = ClockMemory() if memory is None else memory
        self._state = ClockState.DEVIATING if self._memory.deviating else ClockState.UNKNOWN
        self._lock = Lock()

    def __call__(self) -> datetime:
        """The gateway's time."""
        return self._system() + self._memory.offset

    def administration(self) -> datetime:
        """The time by which calls and orders of the administrator are judged.

        While the clock deviates this is his: otherwise the very order that mends the clock would be refused as too old
        or too new. The deviation was measured over a tunnel that only he can answer.
        """
        memory = self._memory
        return self._system() + memory.offset + (memory.deviation if memory.deviating else timedelta())

    @property
    def memory(self) -> ClockMemory:
        """What must be kept."""
        return self._memory

    @property
    def state(self) -> ClockState:
        """The state at this moment."""
        with self._lock:
            trusted_at = self._memory.trusted_at
            if trusted_at is not None and not _near(self(), trusted_at):
                self._state = TRANSITIONS[self._state, ClockEvent.AGED]
            return self._state

    def valid(self, at: datetime) -> bool:
        """Whether a value captured at ``at`` may go without the status bit "system time invalid".

        1. The time is one in which this software existed. 2. The clock does not deviate. 3. It was compared not too
        long before, or never yet: who has no administrator has only the machine's clock, and no reason to doubt it.
        """
        memory = self._memory
        if at < EARLIEST_VALID_TIME or memory.deviating:
            return False
        return memory.trusted_at is None or _near(at, memory.trusted_at)

    def after(self, event: ClockEvent, deviation: timedelta, *, corrected: bool) -> ClockMemory:
        """What there would be to keep if ``event`` happened now; changes nothing.

        Together with :meth:`take` this lets the store keep it first, so that no restart ever finds less.
        """
        memory = self._memory
        if TRANSITIONS[self._state, event] is ClockState.DEVIATING:
            # Also where a deviation is gone: by how much the administrator's time differs is known anew.
            return replace(memory, deviating=True, deviation=deviation)
        offset = memory.offset + deviation if corrected else memory.offset
        return ClockMemory(offset=offset, trusted_at=self._system() + offset)

    def take(self, event: ClockEvent, memory: ClockMemory) -> None:
        """``event`` happened, and ``memory`` is what it left."""
        with self._lock:
            self._memory = memory
            self._state = TRANSITIONS[self._state, event]


def _near(at: datetime, trusted_at: datetime) -> bool:
    return -BACKWARD_SLACK <= at - trusted_at <= LONGEST_TRUST
