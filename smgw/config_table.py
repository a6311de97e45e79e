"""One TOML table of the configuration that knows its own path, and which of its keys were asked for.

Decides that an unknown key, a missing one or one of the wrong type is refused with its path (``lines[0].speed``).
"""

from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from wire.errors import WireError
from wire.reading import DeviceId

_Choice = TypeVar("_Choice", bound=StrEnum)

MAX_LINES = 16
"""More serial lines than any gateway has; a bound on threads."""
MAX_TEXTS = 8
"""Texts in one list: more addresses or names than a gateway has in one home."""


class ConfigurationError(Exception):
    """The configuration is refused; the message is a sentence with the path of the key."""


class Table:
    """One TOML table that knows its own path and which of its keys were asked for."""

    def __init__(self, path: str, values: dict[str, Any], base: Path) -> None:
        """``path`` is its name in the file; relative paths start at ``base``."""
        self._path = path
        self._values = dict(values)
        self._base = base

    def name(self, key: str) -> str:
        """The path of a key."""
        return f"{self._path}.{key}" if self._path else key

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        for key in sorted(self._values):
            raise ConfigurationError(f"{self.name(key)} is unknown: nothing reads it")

    def table(self, key: str) -> "Table":
        """A table in it. Raises ConfigurationError, as every reader here."""
        return Table(self.name(key), self._take(key, dict, "a table"), self._base)

    def optional_table(self, key: str) -> "Table | None":
        """A table, or None where there is none."""
        return self.table(key) if key in self._values else None

    def tables(self, key: str) -> list["Table"]:
        """Tables ``[[key]]``; none is allowed: a gateway without a line delivers what it has."""
        found = self._take(key, list, "a list of tables", default=[])
        if len(found) > MAX_LINES:
            raise ConfigurationError(f"{self.name(key)} has more than {MAX_LINES} entries")
        for index, value in enumerate(found):
            if not isinstance(value, dict):
                raise ConfigurationError(f"{self.name(key)}[{index}] is not a table")
        return [Table(f"{self.name(key)}[{index}]", value, self._base) for index, value in enumerate(found)]

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value: str = self._take(key, str, "a text")
        if not value or not value.isprintable():
            raise ConfigurationError(f"{self.name(key)} is empty or not printable")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; an absent one is empty."""
        found = self._take(key, list, "a list of texts", default=[])
        if len(found) > MAX_TEXTS:
            raise ConfigurationError(f"{self.name(key)} has more than {MAX_TEXTS} entries")
        for index, value in enumerate(found):
            if not isinstance(value, str) or not value or not value.isprintable():
                raise ConfigurationError(f"{self.name(key)}[{index}] is not a text, is empty or not printable")
        return tuple(found)

    def integer(self, key: str) -> int:
        """A whole number."""
        value: int = self._take(key, int, "a whole number")
        return value

    def optional_text(self, key: str) -> str | None:
        """A text, or None."""
        return self.text(key) if key in self._values else None

    def optional_integer(self, key: str) -> int | None:
        """A whole number, or None."""
        return self.integer(key) if key in self._values else None

    def boolean(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value: bool = self._take(key, bool, "true or false", default=default)
        return value

    def path(self, key: str) -> Path:
        """A path."""
        return self._base / self.text(key)

    def optional_path(self, key: str) -> Path | None:
        """A path, or None."""
        return self.path(key) if key in self._values else None

    def device(self, key: str) -> DeviceId:
        """An identification by DIN 43863-5."""
        try:
            return DeviceId(self.text(key))
        except WireError as error:
            raise ConfigurationError(f"{self.name(key)}: {error}") from error

    def choice(self, key: str, kind: type[_Choice]) -> _Choice:
        """One word of ``kind``."""
        value = self.text(key)
        try:
            return kind(value)
        except ValueError as error:
            allowed = ", ".join(f'"{choice}"' for choice in kind)
            raise ConfigurationError(f"{self.name(key)} is {value[:40]!r}, not one of {allowed}") from error

    def _take(self, key: str, kind: type, description: str, default: object = None) -> Any:
        if key not in self._values:
            if default is None:
                raise ConfigurationError(f"{self.name(key)} is missing")
            return default
        value = self._values.pop(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigurationError(f"{self.name(key)} is not {description}")
        return value
