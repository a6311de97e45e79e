"""The load profile memory of a simulated meter: what ``P.01`` and ``P.98`` answer for a window of time.

Decides the rows (one a quarter hour, stamped with the end of the interval in local time with its season digit) and
where a new header stands: at the beginning, at each change of day, after a gap and whenever the status changes. Nothing
is stored but events; the values are functions of time. The layout is VDEW 2.1's, the status bits are those of the
vendor's MT83x driver: one byte, two hexadecimal digits.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntFlag

from testbed.meter.load import LOCAL, QUARTER, Load

_STAMP = re.compile(r"([012]?)(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?", re.ASCII)
SEASON_UTC = "2"


class Status(IntFlag):
    """Status byte of an MT83x load profile entry."""

    ERROR = 0x01
    CLOCK_BATTERY = 0x02
    BAD_CHECKSUM = 0x04
    SUMMER_TIME = 0x08
    MASTER_RESET = 0x10
    CLOCK_SET = 0x20
    POWER_UP = 0x40
    POWER_DOWN = 0x80


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the meter; ``until`` is the end of a power failure."""

    at: datetime
    status: Status
    until: datetime | None = None


def stamp(instant: datetime) -> str:
    """ZSTs13: season digit (0 standard, 1 summer time) and YYMMDDhhmmss in local time."""
    local = instant.astimezone(LOCAL)
    return f"{1 if local.dst() else 0}{local:%y%m%d%H%M%S}"


def parse_stamp(text: str) -> datetime:
    """Read a time of a window: YYMMDDhhmm, with or without season digit and seconds. Raises ValueError."""
    match = _STAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time: {text[:40]!r}")
    season, *parts = match.groups(default="0")
    year, month, day, hour, minute, second = map(int, parts)
    if season == SEASON_UTC:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    # In the hour that comes twice in October, the digit tells which one is meant; without one it is the first.
    fold = int(match[1] == "0")
    return datetime(2000 + year, month, day, hour, minute, second, tzinfo=LOCAL, fold=fold).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Memory:
    """``days`` of quarter hours of ``load``, less what happened in ``events``."""

    load: Load
    days: int
    events: Sequence[Event] = ()

    def profile(self, begin: datetime | None, end: datetime | None, now: datetime) -> list[str]:
        """Lines of ``P.01`` for intervals that end within begin..end, both included; None is as far as there is."""
        lines: list[str] = []
        expected: tuple[datetime, Status] | None = None
        for interval_end in self._interval_ends(begin, end, now):
            status = self._status(interval_end)
            midnight = (interval_end - QUARTER).astimezone(LOCAL).strftime("%H%M") == "0000"
            if midnight or expected != (interval_end, status):
                lines.append(f"P.01({stamp(interval_end)})({status:02X})(15)(2)(1.5.0)(kW)(1.8.0)(kWh)")
            total = self.load.at(interval_end).total
            watts = (total - self.load.at(interval_end - QUARTER).total) * 4
            lines.append(f"({watts // 1000:02d}.{watts % 1000:03d})({total // 1000:07d}.{total % 1000:03d})")
            expected = (interval_end + QUARTER, status)
        return lines

    def log_book(self, begin: datetime | None, end: datetime | None, now: datetime) -> list[str]:
        """Lines of ``P.98``: one an event within begin..end."""
        happened = [(event.at, event.status) for event in self.events]
        happened += [(event.until, Status.POWER_UP) for event in self.events if event.until is not None]
        return [
            f"P.98({stamp(at)})({status:04X})()(0)"
            for at, status in sorted(happened)
            if (begin or at) <= at <= min(end or now, now)
        ]

    def _interval_ends(self, begin: datetime | None, end: datetime | None, now: datetime) -> Iterator[datetime]:
        oldest = now - timedelta(days=self.days)
        first, last = max(begin or oldest, oldest), min(end or now, now)
        seconds = int(QUARTER.total_seconds())
        second = -(-int(first.timestamp()) // seconds) * seconds
        while second <= last.timestamp():
            interval_end = datetime.fromtimestamp(second, UTC)
            if not self._without_power(interval_end):
                yield interval_end
            second += seconds

    def _without_power(self, interval_end: datetime) -> bool:
        return any(
            event.until is not None and event.at <= interval_end - QUARTER and interval_end <= event.until
            for event in self.events
        )

    def _status(self, interval_end: datetime) -> Status:
        """What happened in the interval, and whether it ends in summer time."""
        status = Status.SUMMER_TIME if interval_end.astimezone(LOCAL).dst() else Status(0)
        for event in self.events:
            if interval_end - QUARTER < event.at <= interval_end:
                status |= event.status
            if event.until is not None and interval_end - QUARTER < event.until <= interval_end:
                status |= Status.POWER_UP
        return status
