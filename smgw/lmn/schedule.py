"""When the meters of one line are read: each at the multiples of its own interval, counted from midnight UTC.

Decides the order of a line's work, and nothing else: no port, no thread, no clock. A meter that failed stands behind
those that answer, so that waiting for a silent one never costs another its instant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def next_multiple(after: datetime, interval_seconds: int) -> datetime:
    """First instant after ``after`` whose seconds since 1970 are a multiple of ``interval_seconds``."""
    return datetime.fromtimestamp((int(after.timestamp()) // interval_seconds + 1) * interval_seconds, UTC)


@dataclass(slots=True)
class Turn:
    """One meter's place in the schedule; ``failures`` in a row."""

    name: str
    interval_seconds: int
    due_at: datetime
    failures: int = 0


class Schedule:
    """The turns of one line."""

    def __init__(self, intervals: Iterable[tuple[str, int]], now: datetime) -> None:
        """(name, interval in seconds) of each meter."""
        self._turns = [Turn(name, seconds, next_multiple(now, seconds)) for name, seconds in intervals]

    def due(self, now: datetime) -> list[Turn]:
        """Turns that are due, those that answered last time first."""
        self._follow(now)
        return sorted(
            (turn for turn in self._turns if turn.due_at <= now), key=lambda turn: (turn.failures, turn.due_at)
        )

    def seconds_until_due(self, now: datetime) -> float | None:
        """Until the next turn; 0 if one is due, None if there is no meter at all."""
        self._follow(now)
        if not self._turns:
            return None
        return max(0.0, (min(turn.due_at for turn in self._turns) - now).total_seconds())

    def done(self, turn: Turn, now: datetime, *, answered: bool) -> None:
        """Take ``turn`` off until its next instant; those that passed meanwhile are left out, not made up for."""
        turn.failures = 0 if answered else turn.failures + 1
        turn.due_at = next_multiple(now, turn.interval_seconds)

    def skip(self, turn: Turn, now: datetime) -> None:
        """Take ``turn`` off until its next instant because it was not asked: that says nothing about its meter."""
        turn.due_at = next_multiple(now, turn.interval_seconds)

    def _follow(self, now: datetime) -> None:
        """A clock that was set back must not leave a meter unread until the old time comes again."""
        for turn in self._turns:
            if turn.due_at - now > timedelta(seconds=turn.interval_seconds):
                turn.due_at = next_multiple(now, turn.interval_seconds)
