"""What the gateway counts for people to see: per meter, and per party that was refused. No consumption value is here.

Counts since the start of the process; what must survive a restart is in the store. Safe to use from several threads.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from wire.instant import format_instant


@dataclass(slots=True)
class MeterCount:
    """How far the walk went for one meter: frames read, telegrams understood, readings verified, readings stored.

    ``unstored`` counts readings that stand for no point of the meter's registration period and are kept nowhere.
    """

    frames: int = 0
    telegrams: int = 0
    readings: int = 0
    stored: int = 0
    duplicates: int = 0
    unstored: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    last_reading_at: datetime | None = None


class Counters:
    """All counts of one gateway."""

    def __init__(self) -> None:
        """Everything is zero."""
        self._lock = Lock()
        self._meters: dict[str, MeterCount] = {}
        self._parties: dict[str, Counter[str]] = {}
        self._grants: Counter[str] = Counter()
        self._lines: dict[str, str] = {}

    def add(self, meter: str, **counts: int) -> None:
        """Add to the fields of MeterCount that are named."""
        with self._lock:
            count = self._meters.setdefault(meter, MeterCount())
            for name, amount in counts.items():
                setattr(count, name, getattr(count, name) + amount)

    def stored(self, meter: str, at: datetime) -> None:
        """A reading of ``at`` was stored."""
        with self._lock:
            count = self._meters.setdefault(meter, MeterCount())
            count.stored += 1
            count.last_reading_at = at

    def unstored(self, meter: str, at: datetime) -> None:
        """A reading of ``at`` was decided on and is kept nowhere."""
        with self._lock:
            count = self._meters.setdefault(meter, MeterCount())
            count.unstored += 1
            count.last_reading_at = at

    def refused(self, meter: str, reason: str) -> None:
        """Something of this meter was refused at any of the steps 1 to 4."""
        with self._lock:
            self._meters.setdefault(meter, MeterCount()).refused[reason] += 1

    def line(self, name: str, state: str) -> None:
        """The state that a line is in now."""
        with self._lock:
            self._lines[name] = state

    def access_refused(self, party: str, reason: str) -> None:
        """A party did not get a value (step 5)."""
        with self._lock:
            self._parties.setdefault(party, Counter())[reason] += 1

    def granted(self, profile: str) -> None:
        """A value was granted under an evaluation profile (step 5)."""
        with self._lock:
            self._grants[profile] += 1

    def snapshot(self) -> dict[str, Any]:
        """The counts as JSON values."""
        with self._lock:
            return {
                "meters": {
                    meter: {
                        "frames": count.frames,
                        "telegrams": count.telegrams,
                        "readings": count.readings,
                        "stored": count.stored,
                        "duplicates": count.duplicates,
                        "unstored": count.unstored,
                        "refused": dict(count.refused),
                        "last_reading_at": None
                        if count.last_reading_at is None
                        else format_instant(count.last_reading_at),
                    }
                    for meter, count in sorted(self._meters.items())
                },
                "lines": dict(sorted(self._lines.items())),
                "refusals": {party: dict(reasons) for party, reasons in sorted(self._parties.items())},
                "granted": dict(sorted(self._grants.items())),
            }
