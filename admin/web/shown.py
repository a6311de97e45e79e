"""How values are written on pages: times, days, fingerprints, small structures. Words stand in the templates."""

import json
from datetime import UTC, datetime, timedelta
from typing import Final

from jinja2 import Environment as Templates

SHORT: Final = 16
"""Characters of a fingerprint that people compare at a glance; the whole one is beside it."""


def moment(value: datetime | None) -> str:
    """Date and time, UTC."""
    return "–" if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"  # noqa: RUF001 - a dash for people


def day(value: datetime) -> str:
    """The day, UTC; as a field of a form has it."""
    return f"{value.astimezone(UTC):%Y-%m-%d}"


def last_day(value: datetime) -> str:
    """The last day of a validity, whose end is no part of it."""
    return day(value - timedelta(seconds=1))


def short(value: str) -> str:
    """The beginning of a fingerprint."""
    return f"{value[:SHORT]}…"


def plain(value: object) -> str:
    """A value of a gateway's answer."""
    match value:
        case None:
            return "–"  # noqa: RUF001 - a dash for people
        case bool():
            return "yes" if value else "no"
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
        case _:
            return str(value)


def equip(templates: Templates) -> None:
    """Give the templates these filters."""
    for each in (moment, day, last_day, short, plain):
        templates.filters[each.__name__] = each
