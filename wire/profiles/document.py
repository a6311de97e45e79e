"""A profile as a document: the strict walk between canonical JSON and typed fields.

Decides that every key is there, that none is left over and that each value has its exact JSON type; what the value may
be is checked where the profile is built. Lets only ProfileError escape; other documents in canonical JSON (orders,
replies, notifications) walk the same way and say so by an error of their own.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from wire.canonical_json import MAXIMUM_BYTES, JsonObject, JsonValue, decode, encode
from wire.errors import CanonicalJsonError, ObisError, ProfileError, ReadingError, WireError
from wire.instant import format_instant, parse_instant
from wire.obis import Obis
from wire.reading import DeviceId

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


class Fields:
    """The members of one JSON object, each taken exactly once; :meth:`finish` refuses what was not asked for."""

    def __init__(self, document: Mapping[str, JsonValue], where: str = "") -> None:
        """``where`` prefixes the names of the fields in refusals."""
        self._left = dict(document)
        self._where = where

    def finish(self) -> None:
        """Refuse members that nobody took."""
        if self._left:
            raise ProfileError(f"unknown keys: {', '.join(sorted(self._where + key for key in self._left))[:120]}")

    def text(self, key: str) -> str:
        """A string."""
        value = self._take(key)
        if not isinstance(value, str):
            raise ProfileError(f"{self._where}{key} is not a text")
        return value

    def text_or_none(self, key: str) -> str | None:
        """A string or null."""
        return None if self._is_null(key) else self.text(key)

    def integer(self, key: str) -> int:
        """An integer; true and false are none."""
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ProfileError(f"{self._where}{key} is not an integer")
        return value

    def integer_or_none(self, key: str) -> int | None:
        """An integer or null."""
        return None if self._is_null(key) else self.integer(key)

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise ProfileError(f"{self._where}{key} is neither true nor false")
        return value

    def choice(self, key: str, choices: type[E]) -> E:
        """One of the values of an enumeration."""
        return self._convert(key, self.text(key), choices)

    def instant(self, key: str) -> datetime:
        """A time as ``2026-01-01T00:00:00Z``."""
        return self._convert(key, self.text(key), parse_instant)

    def device(self, key: str) -> DeviceId:
        """A DIN 43863-5 identification."""
        return self._convert(key, self.text(key), DeviceId)

    def device_or_none(self, key: str) -> DeviceId | None:
        """A DIN 43863-5 identification or null."""
        return None if self._is_null(key) else self.device(key)

    def octets(self, key: str) -> bytes:
        """Bytes in base64."""
        return self._convert(key, self.text(key), _base64)

    def octets_or_none(self, key: str) -> bytes | None:
        """Bytes in base64 or null."""
        return None if self._is_null(key) else self.octets(key)

    def many(self, key: str, convert: Callable[[str], T]) -> tuple[T, ...]:
        """A list of strings, each converted."""
        value = self._take(key)
        if not isinstance(value, list):
            raise ProfileError(f"{self._where}{key} is not a list")
        return tuple(self._convert(key, item, convert) for item in value)

    def many_octets(self, key: str) -> tuple[bytes, ...]:
        """A list of bytes, each in base64."""
        return self.many(key, _base64)

    def nested(self, key: str) -> "Fields":
        """An object within; its own :meth:`finish` is the caller's to call."""
        return Fields(self.members(key), f"{self._where}{key}.")

    def members(self, key: str) -> JsonObject:
        """An object as it is, whatever it holds."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise ProfileError(f"{self._where}{key} is not an object")
        return value

    def objects(self, key: str) -> tuple[JsonObject, ...]:
        """A list of objects as they are."""
        value = self._take(key)
        if not isinstance(value, list):
            raise ProfileError(f"{self._where}{key} is not a list")
        found = tuple(item for item in value if isinstance(item, dict))
        if len(found) != len(value):
            raise ProfileError(f"{self._where}{key} holds something that is not an object")
        return found

    def many_nested(self, key: str, convert: Callable[["Fields"], T]) -> tuple[T, ...]:
        """A list of objects, each read whole by ``convert``."""
        read = []
        for item in self.objects(key):
            inner = Fields(item, f"{self._where}{key}.")
            read.append(convert(inner))
            inner.finish()
        return tuple(read)

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of integers; true and false are none."""
        value = self._take(key)
        if not isinstance(value, list):
            raise ProfileError(f"{self._where}{key} is not a list")
        found = tuple(item for item in value if isinstance(item, int) and not isinstance(item, bool))
        if len(found) != len(value):
            raise ProfileError(f"{self._where}{key} holds something that is not an integer")
        return found

    def code(self, key: str) -> Obis:
        """A full OBIS code in its canonical spelling."""
        return self._convert(key, self.text(key), obis)

    def day(self, key: str) -> date:
        """A calendar day as ``2026-12-25``."""
        return self._convert(key, self.text(key), _day)

    def nested_or_none(self, key: str) -> "Fields | None":
        """An object within or null; its own :meth:`finish` is the caller's to call."""
        return None if self._is_null(key) else self.nested(key)

    def _take(self, key: str) -> JsonValue:
        if key not in self._left:
            raise ProfileError(f"missing key: {self._where}{key}")
        return self._left.pop(key)

    def _is_null(self, key: str) -> bool:
        if key in self._left and self._left[key] is None:
            del self._left[key]
            return True
        return False

    def _convert(self, key: str, value: JsonValue, convert: Callable[[str], T]) -> T:
        if not isinstance(value, str):
            raise ProfileError(f"{self._where}{key} is not a text")
        try:
            return convert(value)
        except ValueError as error:  # WireError is a ValueError, and so is an unknown value of an enumeration
            raise ProfileError(f"{self._where}{key} is not well formed: {value[:40]!r}") from error


@contextmanager
def refusing(kind: type[WireError]) -> Iterator[None]:
    """What is refused within as a profile is refused as ``kind``: each format lets one error escape."""
    try:
        yield
    except ProfileError as error:
        raise kind(str(error)) from error


def require_kind(taken: Fields, kind: str) -> None:
    """Take ``kind`` and refuse another one. Raises ProfileError."""
    found = taken.text("kind")
    if found != kind:
        raise ProfileError(f"a document of kind {found[:40]!r}, not {kind!r}")


def obis(text: str) -> Obis:
    """A full OBIS code in the spelling that ``str(Obis)`` writes. Raises ObisError."""
    code = Obis.parse(text)
    if str(code) != text:
        raise ObisError(f"not the canonical spelling of {code}")
    return code


def octets(data: bytes) -> str:
    """Bytes as base64 on one line."""
    return base64.b64encode(data).decode("ascii")


def instant(moment: datetime) -> str:
    """A time as text; the profile that holds it has checked it. Raises ProfileError."""
    try:
        return format_instant(moment)
    except ReadingError as error:
        raise ProfileError("a time is not in whole UTC seconds") from error


def write(document: JsonObject, *, maximum_bytes: int = MAXIMUM_BYTES) -> bytes:
    """Canonical bytes. Raises ProfileError."""
    try:
        return encode(document, maximum_bytes=maximum_bytes)
    except CanonicalJsonError as error:
        raise ProfileError(str(error)) from error


def read(data: bytes, *, maximum_bytes: int = MAXIMUM_BYTES) -> JsonObject:
    """The object in canonical bytes. Raises ProfileError."""
    try:
        return decode(data, maximum_bytes=maximum_bytes)
    except CanonicalJsonError as error:
        raise ProfileError(str(error)) from error


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    # fromisoformat takes week dates and days without hyphens too; only what is written here may be read.
    if day.isoformat() != text:
        raise ProfileError("not the canonical spelling of a day")
    return day


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProfileError("not base64") from error
    # base64 has several spellings of one ending; only the one that is written here may be read.
    if octets(data) != text:
        raise ProfileError("not the canonical base64")
    return data
