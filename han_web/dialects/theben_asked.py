"""A question in the dialect of a CONEXA 3.0: a JSON object with a method and its parameters (IF_GW_CON 1.4).

Decides how each parameter is read. Clients write numbers and truth values as such or in strings, so both are taken; a
time without a zone is UTC, as the gateway answers it. Parameters that nobody knows are passed over, as there.
"""

import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from han_web.api.asked import EARLIEST, LATEST, LONGEST, AskedError

MAXIMUM_ENTRIES: Final = 1500
"""Entries of a log in one answer (IF_GW_CON A-2.5)."""
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII
)
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)
_TRUTH: Final = {"true": True, "false": False}


class Method(StrEnum):
    """What is asked."""

    SMGW_INFO = "smgw-info"
    USER_INFO = "user-info"
    USAGE_POINT_INFO = "usage-point-info"
    LOG = "log"
    READINGS = "readings"
    SELF_TEST = "self-test"


class Base(StrEnum):
    """Which list of values is read (database)."""

    ORIGIN = "origin"
    """Original readings."""
    DERIVED = "derived"
    """Values of billing periods that are over."""
    CALCULATED = "calculated"
    """Values of tariff stages in the billing period that runs."""
    DAILY = "daily"
    """Readings of the begin of each day."""


class Asked:
    """One question. Every method raises AskedError."""

    def __init__(self, body: bytes) -> None:
        """Raises AskedError for what is no JSON object with one of the methods."""
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise AskedError("body", "not JSON") from error
        if not isinstance(parsed, dict):
            raise AskedError("body", "not a JSON object")
        self._members: dict[str, object] = parsed
        self.method = Method(self._word("method", [one.value for one in Method]))

    def has(self, name: str) -> bool:
        """Whether anything is said of it."""
        return self._members.get(name) is not None

    def base(self) -> Base | None:
        """The database; none where it is left out."""
        if self._members.get("database") is None:
            return None
        return Base(self._word("database", [one.value for one in Base]))

    def usage_point(self) -> str:
        """The contract."""
        value = self._members.get("usage-point-id")
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST:
            raise AskedError("usage-point-id", "not the identifier of a usage point, as user-info lists it")
        return value

    def last_reading(self) -> bool:
        """Whether only the newest value is wanted."""
        value = self._members.get("last-reading", False)
        if isinstance(value, str):
            value = _TRUTH.get(value)
        if not isinstance(value, bool):
            raise AskedError("last-reading", "neither true nor false")
        return value

    def channels(self) -> frozenset[str] | None:
        """OBIS codes as twelve hexadecimal digits; none for all of them."""
        value = self._members.get("channels")
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > LONGEST:
            raise AskedError("channels", "not a list of channels")
        codes = [one.get("channel") if isinstance(one, dict) else one for one in value]
        if not all(isinstance(one, str) for one in codes):
            raise AskedError("channels", 'not a list of objects {"channel": "0100010800ff"}')
        return frozenset(str(one).partition(".")[0].lower() for one in codes)

    def moment(self, name: str) -> datetime | None:
        """A time in UTC."""
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or _TIME.fullmatch(value) is None:
            raise AskedError(name, "not a time as 2026-01-31T00:00:00Z")
        try:
            moment = datetime.fromisoformat(value)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise AskedError(name, "no such time") from error
        if not EARLIEST <= moment <= LATEST:
            raise AskedError(name, "no such time")
        return moment

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number."""
        value = self._members.get(name, default)
        if isinstance(value, str) and _NUMBER.fullmatch(value) is not None:
            value = int(value)
        if type(value) is not int or not least <= value <= most:
            raise AskedError(name, f"not a whole number from {least} to {most}")
        return value

    def _word(self, name: str, words: list[str]) -> str:
        value = self._members.get(name)
        if not isinstance(value, str) or value not in words:
            raise AskedError(name, "not one of " + ", ".join(words))
        return value
