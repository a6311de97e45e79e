"""Times as text: ``2026-01-01T00:00:00Z``, the one spelling of an instant in every document of ours.

Decides that a time has exactly twenty characters, whole seconds, UTC as ``Z`` and a year from 1970 on; the calendar
itself (leap years, days of a month) is the standard library's. Never reads a clock.
"""

import re
from datetime import UTC, datetime

from wire.errors import ReadingError
from wire.reading import require_utc_seconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""No meter is older, and inner signatures count seconds from here as an unsigned number."""

_SHAPE = re.compile(r"(?:19[7-9]|[2-9]\d\d)\d-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\dZ", re.ASCII)
"""One spelling for each second: no 24:00:00, no other zone, no fraction; the year is 1970 or later."""


def format_instant(instant: datetime) -> str:
    """Write aware UTC whole seconds as twenty characters. Raises ReadingError for any other time."""
    return require_utc_seconds(instant).isoformat()[:19] + "Z"


def parse_instant(text: str) -> datetime:
    """Read the form that :func:`format_instant` writes, and no other spelling. Raises ReadingError."""
    if _SHAPE.fullmatch(text) is None:
        raise ReadingError(f"not a UTC time as YYYY-MM-DDThh:mm:ssZ: {text[:40]!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ReadingError(f"no such time: {text!r}") from error
