"""Faults on demand: "the next three answers have a wrong block check character".

Decides which answer a fault falls on. Faults live here in the testbed and never in the roles under test. What a fault
does to the octets is the simulator's business; this file only counts, from any thread.
"""

import re
import threading
from collections import Counter
from enum import StrEnum

_WRITTEN = re.compile(r"([a-z-]+)(?::(\d{1,6}|always))?", re.ASCII)


class Fault(StrEnum):
    """What a meter or its line can be made to do wrong."""

    WRONG_BLOCK_CHECK = "wrong-block-check"
    """A data message carries a wrong BCC."""
    SILENCE = "silence"
    """A message to the meter is not answered."""
    NOISE = "noise"
    """Random characters come before an answer."""
    SLOW = "slow"
    """An answer begins late: after the settings' ``slow_seconds``."""
    PAUSE = "pause"
    """An answer stops in the middle for ``slow_seconds`` and goes on."""
    WRONG_IDENTITY = "wrong-identity"
    """The meter answers as another maker's meter with another serial number."""
    TRUNCATED = "truncated"
    """An answer ends in the middle."""
    DUPLICATED = "duplicated"
    """An answer is sent twice."""
    PARITY = "parity"
    """A character in the middle of an answer has a wrong parity bit."""
    RUNS_BACKWARDS = "runs-backwards"
    """All energy registers show less than before."""
    CLOCK_JUMP = "clock-jump"
    """The meter's clock is a day ahead in this answer."""
    ERROR_STATUS = "error-status"
    """``F.F`` shows a fatal error."""


class Faults:
    """How often each fault is still to happen; thread-safe."""

    def __init__(self) -> None:
        """No fault at all."""
        self._lock = threading.Lock()
        self._left: Counter[Fault] = Counter()
        self._always: set[Fault] = set()

    def inject(self, fault: Fault, count: int | None = 1) -> None:
        """Let ``fault`` happen the next ``count`` times; always where None."""
        with self._lock:
            if count is None:
                self._always.add(fault)
            else:
                self._left[fault] += count

    def clear(self) -> None:
        """Forget all faults that have not happened yet."""
        with self._lock:
            self._left.clear()
            self._always.clear()

    def take(self, fault: Fault) -> bool:
        """Whether ``fault`` happens now; uses one of its times up."""
        with self._lock:
            if fault in self._always:
                return True
            if self._left[fault] > 0:
                self._left[fault] -= 1
                return True
            return False

    def pending(self) -> dict[Fault, int]:
        """Faults that wait for their turn, without those that always happen."""
        with self._lock:
            return {fault: count for fault, count in self._left.items() if count}


def parse_fault(text: str) -> tuple[Fault, int | None]:
    """Read ``silence``, ``silence:3`` or ``silence:always``. Raises ValueError."""
    match = _WRITTEN.fullmatch(text)
    if match is None or match[1] not in set(Fault):
        raise ValueError(f"not a fault: {text!r} (choose from {', '.join(sorted(Fault))})")
    return Fault(match[1]), None if match[2] == "always" else int(match[2] or 1)
