"""Load profiles and log books: ``P.01`` headers with their rows, as timed rows (VDEW 2.1, docs/deviations.md).

Decides what time each row has: a header states the end of its first interval and the raster, and each new header
restarts the clock, which happens with every event and at the change of day. Season digits: 0 standard time, 1 summer
time, 2 UTC. Times without a season digit need the caller's word for their zone; none is guessed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Self

from wire.errors import Iec62056Error
from wire.meter.iec62056.datasets import DataLines, before_end_mark, parse_lines

MAXIMUM_CHANNELS: Final = 32
MAXIMUM_ROWS: Final = 100_000
"""Almost three years of quarter-hours in one answer."""
_BRACKETS = re.compile(r"((?:\d{1,3}-\d{1,3}:)?P\.\d{1,2}(?:\*\d{1,3})?)((?:\([^()\x00-\x1f]*\))+)")
_VALUES = re.compile(r"(?:\([^()\x00-\x1f]*\))+")
_END_OF_LINE = re.compile(r"[\r\n]+")
_STAMP = re.compile(r"([012]?)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,6}")
_HEADER_FIELDS = 4
_STANDARD, _SUMMER, _UTC = "0", "1", "2"


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """The values of one interval, which ended at ``end`` (aware UTC), as they were written, in the columns' order."""

    end: datetime
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoadProfile:
    """One header with its rows (Lastgang). ``start`` is the written end of the first interval, ``status`` hexadecimal.

    ``columns`` are (OBIS code, unit) pairs as written; the unit may be empty.
    """

    obis: str
    start: str
    status: str
    period_minutes: int
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def from_header(cls, obis: str, fields: tuple[str, ...]) -> Self | None:
        """A profile without rows, or None where ``fields`` are no header with a raster (a log book's entry)."""
        if len(fields) < _HEADER_FIELDS or not (_NUMBER.fullmatch(fields[2]) and _NUMBER.fullmatch(fields[3])):
            return None
        start, status, period, channels = fields[:_HEADER_FIELDS]
        count = int(channels)
        if _STAMP.fullmatch(start) is None or len(fields) != _HEADER_FIELDS + 2 * count:
            return None
        if not 0 < count <= MAXIMUM_CHANNELS:
            return None
        names = fields[_HEADER_FIELDS:]
        return cls(obis, start, status, int(period), tuple(zip(names[::2], names[1::2], strict=True)), ())

    @property
    def status_word(self) -> int:
        """The status as a number. Raises Iec62056Error where it is not hexadecimal."""
        try:
            return int(self.status, 16)
        except ValueError as error:
            raise Iec62056Error(f"a profile status is not hexadecimal: {self.status[:20]!r}") from error

    def timed(self, *, standard_time: tzinfo, summer_time: tzinfo, unmarked: tzinfo | None = None) -> list[ProfileRow]:
        """Rows with their times. ``unmarked`` is the zone of stamps without a season digit. Raises Iec62056Error."""
        zones = {_STANDARD: standard_time, _SUMMER: summer_time, _UTC: UTC, "": unmarked}
        first = parse_stamp(self.start, zones)
        if self.period_minutes == 0 and len(self.rows) > 1:
            raise Iec62056Error("a profile without a raster has several rows: their times are not known")
        step = timedelta(minutes=self.period_minutes)
        try:
            return [ProfileRow(first + step * index, row) for index, row in enumerate(self.rows)]
        except OverflowError as error:
            raise Iec62056Error("a profile runs beyond the calendar") from error


def parse_stamp(text: str, zones: dict[str, tzinfo | None]) -> datetime:
    """``[season]YYMMDDhhmm[ss]`` as aware UTC; ``zones`` maps a season digit to its zone. Raises Iec62056Error."""
    match = _STAMP.fullmatch(text)
    # An odd number of digits has the season in front; ten and twelve have none.
    if match is None or bool(match[1]) != bool(len(text) % 2):
        raise Iec62056Error(f"not a time stamp: {text[:20]!r}")
    zone = zones.get(match[1])
    if zone is None:
        raise Iec62056Error(f"the zone of the time stamp {text!r} is not known")
    year, month, day, hour, minute = (int(match[group]) for group in range(2, 7))
    try:
        local = datetime(2000 + year, month, day, hour, minute, int(match[7] or 0), tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Iec62056Error(f"not a time: {text!r}") from error


def parse_profiles(text: str) -> tuple[list[LoadProfile], DataLines]:
    """The profile blocks of ``text``, and everything else in it as data sets. Total over every text."""
    profiles: list[LoadProfile] = []
    others: list[str] = []
    rows: list[tuple[str, ...]] = []
    header: LoadProfile | None = None
    for line in _END_OF_LINE.split(before_end_mark(text)):
        match = _BRACKETS.fullmatch(line)
        new = None if match is None else LoadProfile.from_header(match[1], _fields(match[2]))
        if new is None and header is not None and _VALUES.fullmatch(line) and len(rows) < MAXIMUM_ROWS:
            rows.extend(_rows(_fields(line), len(header.columns)))
            continue
        if header is not None and (new is not None or line):
            profiles.append(_with(header, rows))
            header, rows = None, []
        if new is not None:
            header = new
        elif line:
            others.append(line)
    if header is not None:
        profiles.append(_with(header, rows))
    return profiles, parse_lines(others)


def _rows(fields: tuple[str, ...], width: int) -> Iterator[tuple[str, ...]]:
    """One row a line is usual; some meters write several, whose number follows from the header."""
    if len(fields) % width:
        yield fields  # kept as it was written: whoever takes rows for values sees that its length is wrong
        return
    for begin in range(0, len(fields), width):
        yield fields[begin : begin + width]


def _fields(brackets: str) -> tuple[str, ...]:
    return tuple(brackets[1:-1].split(")("))


def _with(header: LoadProfile, rows: list[tuple[str, ...]]) -> LoadProfile:
    return LoadProfile(header.obis, header.start, header.status, header.period_minutes, header.columns, tuple(rows))
