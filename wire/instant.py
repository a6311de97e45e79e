"""Times as text: ``2026-01-01T00:00:00Z``, the one spelling of an instant in every document of ours.

Decides that a time has exactly twenty characters, whole seconds, UTC as ``Z`` and a year from 1970 on; the calendar
itself (leap years, days of a month) is the standard library's. Never reads a clock.
"""

from datetime import UTC, datetime

from wire.errors import ReadingError
from wire.reading import require_utc_seconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""No meter is older, and inner signatures count seconds from here as an unsigned number."""


def format_instant(instant: datetime) -> str:
    """Write aware UTC whole seconds as twenty characters. Raises ReadingError for any other time."""
    return require_utc_seconds(instant).isoformat()[:19] + "Z"


def parse_instant(text: str) -> datetime:
    """Read the form that :func:`format_instant` writes, and no other spelling. Raises ReadingError."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ReadingError(f"not a UTC time: {text[:40]!r}") from error
    # fromisoformat knows many spellings; writing the instant again proves that this was ours. Without a zone, or with
    # one that is not Z, the texts differ, so the zone below is never an assumption.
    if instant.tzinfo is not UTC or text != instant.isoformat()[:19] + "Z":
        raise ReadingError(f"not a UTC time as YYYY-MM-DDThh:mm:ssZ: {text[:40]!r}")
    if instant < EPOCH:
        raise ReadingError(f"a time lies before 1970: {text!r}")
    return instant
