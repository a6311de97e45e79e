"""How many lines of the program's log others may cause: so many in a minute that none fills it.

Decides when one more may be written. What is left out is counted, so that the next line can tell it.
"""

from threading import Lock
from typing import Final

LINES_A_MINUTE: Final = 10
"""Of one source; whoever causes more does not fill the gateway's own log."""
_MINUTE: Final = 60.0


class Allowance:
    """How many lines may still be written in this minute. Safe to use from any thread."""

    def __init__(self) -> None:
        """A minute begins with the first line."""
        self._begin: float | None = None
        self._lines = 0
        self._lock = Lock()

    def take(self, at: float) -> int | None:
        """None where nothing more may be written ``at`` that second, else how many lines were left out before."""
        with self._lock:
            # Also a clock that was set back begins a new minute: it could be silent for days otherwise.
            if self._begin is None or abs(at - self._begin) >= _MINUTE:
                left_out = max(0, self._lines - LINES_A_MINUTE)
                self._begin, self._lines = at, 1
                return left_out
            self._lines += 1
            return 0 if self._lines <= LINES_A_MINUTE else None
