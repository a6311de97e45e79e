"""What a person entered in a form, field by field.

Decides whether a field can be what it is meant to be; every fault is noted under its field's name, so that a page can
say all of them at once. A fault is a code: its sentence stands in the templates. Nothing of the domain is decided here.
"""

import re
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest

from wire.errors import ObisError, WireError
from wire.obis import Obis
from wire.reading import DeviceId

MAXIMUM_TEXT: Final = 200
MAXIMUM_NUMBER: Final = 12
"""Digits."""
MAXIMUM_CHOICES: Final = 64
MAXIMUM_FILE: Final = 64 * 1024
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2199
"""Years outside are a slip of the finger."""
IDENTIFIER: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_DEVICE: Final = DeviceId("1ISK0000000000")

E = TypeVar("E", bound=StrEnum)


class Fault(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    LONG = "long"
    UNPRINTABLE = "unprintable"
    PATTERN = "pattern"
    CHOICE = "choice"
    NUMBER = "number"
    RANGE = "range"
    DATE = "date"
    ORDER = "order"
    DEVICE = "device"
    REGISTER = "register"
    CERTIFICATE = "certificate"


class Form:
    """One form as it was sent."""

    def __init__(self, values: MultiDict[str, str], files: MultiDict[str, FileStorage] | None = None) -> None:
        """What the browser sent; nothing of it is believed."""
        self._values = values
        self._files: MultiDict[str, FileStorage] = files if files is not None else MultiDict()
        self.faults: dict[str, Fault] = {}

    def fault(self, name: str, fault: Fault) -> None:
        """Note a fault; the first one of a field stays."""
        self.faults.setdefault(name, fault)

    def text(self, name: str, pattern: str = "", *, default: str | None = None, longest: int = MAXIMUM_TEXT) -> str:
        """One line. Without ``default`` it must not be empty."""
        value = self._values.get(name, "").strip()
        if not value:
            if default is None:
                self.fault(name, Fault.MISSING)
            return default or ""
        if len(value) > longest:
            self.fault(name, Fault.LONG)
        elif not value.isprintable():
            self.fault(name, Fault.UNPRINTABLE)
        elif pattern and re.fullmatch(pattern, value, re.ASCII) is None:
            self.fault(name, Fault.PATTERN)
        return value

    def integer(self, name: str, lowest: int, highest: int) -> int:
        """A whole number of ``lowest``..``highest``."""
        value = self.text(name, longest=MAXIMUM_NUMBER)
        if name in self.faults:
            return lowest
        if re.fullmatch(r"\d+", value, re.ASCII) is None:
            self.fault(name, Fault.NUMBER)
            return lowest
        if not lowest <= int(value) <= highest:
            self.fault(name, Fault.RANGE)
        return int(value)

    def choice(self, name: str, allowed: Collection[str]) -> str:
        """One of ``allowed``; anything else was not offered."""
        value = self._values.get(name, "")
        if value not in allowed:
            self.fault(name, Fault.MISSING if not value else Fault.CHOICE)
            return next(iter(allowed), "")
        return value

    def member(self, name: str, kind: type[E]) -> E:
        """A member of ``kind``, by its value."""
        return kind(self.choice(name, [one.value for one in kind]))

    def many(self, name: str, allowed: Collection[str] | None = None) -> list[str]:
        """At least one, each once, each of ``allowed``."""
        values = list(dict.fromkeys(self._values.getlist(name)))[: MAXIMUM_CHOICES + 1]
        if not values:
            self.fault(name, Fault.MISSING)
        if len(values) > MAXIMUM_CHOICES or (allowed is not None and any(one not in allowed for one in values)):
            self.fault(name, Fault.CHOICE)
            return []
        return values

    def checked(self, name: str) -> bool:
        """A box with a tick."""
        return name in self._values

    def day(self, name: str) -> datetime:
        """Midnight (UTC) of a day such as 2026-01-31."""
        value = self.text(name, longest=10)
        try:
            found = date.fromisoformat(value)
        except ValueError:
            found = date.min
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            self.fault(name, Fault.DATE)
            found = date(FIRST_YEAR, 1, 1)
        return datetime(found.year, found.month, found.day, tzinfo=UTC)

    def validity(self, begin: str, end: str, at: datetime) -> tuple[datetime, datetime]:
        """From the day ``begin`` (when that is today, from now) until the end of the day ``end``."""
        first, last = self.day(begin), self.day(end)
        today = at.replace(hour=0, minute=0, second=0, microsecond=0)
        start = at.replace(microsecond=0) if first == today else first
        stop = last + timedelta(days=1)
        if stop <= start and not {begin, end} & set(self.faults):
            self.fault(end, Fault.ORDER)
        return start, stop

    def device(self, name: str) -> DeviceId:
        """Fourteen characters of DIN 43863-5; spaces, which people put between them, do not matter."""
        value = self.text(name)
        try:
            return DeviceId("".join(value.split()).upper())
        except WireError:
            self.fault(name, Fault.DEVICE)
            return _DEVICE

    def registers(self, name: str) -> list[str]:
        """OBIS codes, in boxes and, under the name with ``_other``, as words of a line."""
        values = [*self._values.getlist(name), *self._values.get(f"{name}_other", "").replace(",", " ").split()]
        found: list[str] = []
        for value in values[:MAXIMUM_CHOICES]:
            try:
                found.append(str(Obis.parse(value)))
            except ObisError:
                self.fault(name, Fault.REGISTER)
        if not values:
            self.fault(name, Fault.MISSING)
        return list(dict.fromkeys(found))

    def file(self, name: str) -> bytes:
        """A file, or the text in the field beside it; empty where there is neither."""
        uploaded = self._files.get(f"{name}_file")
        content = uploaded.stream.read(MAXIMUM_FILE + 1) if uploaded is not None else b""
        found = content or self._values.get(name, "").encode("utf-8", "replace").strip()
        if len(found) > MAXIMUM_FILE:
            self.fault(name, Fault.LONG)
            return b""
        return found

    def require_whole(self) -> None:
        """Where no page shows faults again: what browsers let nobody enter did not come from one. Raises BadRequest."""
        if self.faults:
            raise BadRequest(f"not understood: {', '.join(sorted(self.faults))}")

    def entered(self) -> MultiDict[str, str]:
        """What to show again beside the faults."""
        return self._values


def first(values: Iterable[str], default: str = "") -> str:
    """The first of ``values``."""
    return next(iter(values), default)
