"""What a question of a dialect is about: readings over several meters and registers, and entries of a time.

Decides how much one answer may hold, and that a register without readings in that time is a channel without values:
what was not measured is not there, and never 0. Of a log that is longer than one question may look through it is the
newest entries that are looked through.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from han_web.figures import local, midnight
from smgw.han.consumer_log import ShownEntry
from smgw.han.port import ConsumerView, HanError, HanReason
from smgw.han.shown import Contract, ShownMeter, ShownReading
from smgw.logs.texts import Language

MAXIMUM_VALUES: Final = 10_000
"""In one answer: a hundred days of one register, and what one signed message holds."""
PAGE: Final = 2000
LOG_PAGE: Final = 500
LOG_PAGES: Final = 40
"""Pages of a log that one question looks through."""
LONGEST_BACK: Final = timedelta(days=1200)
"""How far back the last reading of a register is looked for: longer than anything is kept."""
DAILY_WINDOW: Final = timedelta(minutes=15)
"""How long after midnight a reading still is that of the day's begin."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One register of one meter with its readings, oldest first."""

    meter: str
    register: str
    readings: tuple[ShownReading, ...]


def registers_of(meters: Iterable[ShownMeter], contract: Contract | None = None) -> list[tuple[str, str]]:
    """Meter and register of each channel; with ``contract``, those that it is about, pseudonym or not."""
    found = [(one.meter, register) for one in meters for register in one.registers]
    if contract is not None:
        found = [pair for pair in found if pair[0] in contract.meters and pair[1] in contract.registers]
    return list(dict.fromkeys(found))


def between(
    view: ConsumerView, wanted: Sequence[tuple[str, str]], begin: datetime, end: datetime, most: int = MAXIMUM_VALUES
) -> list[Channel]:
    """Readings with ``begin <= captured_at < end``. Raises HanError TOO_MUCH for more than ``most`` in all."""
    channels: list[Channel] = []
    for meter, register in wanted:
        taken = _all(view, (meter, register), begin, end, most)
        most -= len(taken)
        channels.append(Channel(meter, register, tuple(reversed(taken))))
    return channels


def last(view: ConsumerView, wanted: Sequence[tuple[str, str]], at: datetime) -> list[Channel]:
    """The newest reading of each."""
    channels = []
    for meter, register in wanted:
        newest = view.readings(meter, register, at - LONGEST_BACK, at + timedelta(seconds=1), limit=1)
        channels.append(Channel(meter, register, tuple(newest)))
    return channels


def daily(view: ConsumerView, wanted: Sequence[tuple[str, str]], begin: datetime, end: datetime) -> list[Channel]:
    """Of each the first reading of each day of legal time with ``begin <= captured_at < end``, right after midnight.

    Nothing else is read: what was captured between two midnights is never too much for an answer that leaves it out.
    """
    days = list(_midnights(begin, end))
    return [
        Channel(meter, register, tuple(one for day in days for one in _first(view, (meter, register), day, begin, end)))
        for meter, register in wanted
    ]


def entries(
    view: ConsumerView,
    language: Language,
    at: datetime,
    begin: datetime | None,
    end: datetime | None,
    *,
    after: int | None = None,
    most: int | None = None,
) -> list[ShownEntry]:
    """Entries with ``begin <= time < end``, oldest first, ``most`` at most.

    Above record number ``after``; without it the newest are looked through.
    """
    found: list[ShownEntry] = []
    reached = max(0, view.last_record() - LOG_PAGE * LOG_PAGES) if after is None else max(0, after)
    for _ in range(LOG_PAGES):
        page = view.log(language, at, after=reached, limit=LOG_PAGE)
        found += [
            one
            for one in page
            if (begin is None or begin <= one.entry.first_at) and (end is None or one.entry.first_at < end)
        ]
        if len(page) < LOG_PAGE or (most is not None and len(found) >= most):
            break
        reached = page[-1].entry.record_number
    return found[:most]


def _midnights(begin: datetime, end: datetime) -> Iterable[datetime]:
    """Of the day of ``begin`` and of all after it."""
    day = local(int(begin.timestamp())).date()
    while (found := midnight(day)) < end:
        yield found.astimezone(UTC)
        day += timedelta(days=1)


def _first(
    view: ConsumerView, channel: tuple[str, str], day: datetime, begin: datetime, end: datetime
) -> Sequence[ShownReading]:
    """The first reading of ``day``, if there is one soon after its midnight."""
    since, until = max(day, begin), min(day + DAILY_WINDOW, end)
    return view.readings(*channel, since, until, limit=PAGE)[-1:] if since < until else ()


def _all(view: ConsumerView, channel: tuple[str, str], begin: datetime, end: datetime, most: int) -> list[ShownReading]:
    """Newest first, page by page."""
    found: list[ShownReading] = []
    while begin < end:
        page = view.readings(*channel, begin, end, limit=PAGE)
        found += page
        if len(found) > most:
            raise HanError(HanReason.TOO_MUCH, f"more than {MAXIMUM_VALUES} readings: ask for a shorter time")
        if len(page) < PAGE:
            break
        end = datetime.fromtimestamp(page[-1].captured_at, UTC)
    return found
