"""The texts inside the elements of a file: integers, times, codes, names.

Decides which spelling of a value is accepted; white space around it never counts (XML Schema, whiteSpace collapse).
Every function lets only Ar2418Error escape.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from wire.errors import Ar2418Error
from wire.obis import Obis

ZONE: Final = ZoneInfo("Europe/Berlin")
"""A time without an offset is local time."""
WHITE_SPACE: Final = " \t\r\n"
EARLIEST_YEAR: Final = 1970
LATEST_YEAR: Final = 2999
"""Far enough from the last year that a calendar can count, so that nobody behind this has to think of it."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_TIME = re.compile(r"(\d{4})-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(?:\.0+)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?", re.ASCII)
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)


def text(longest: int) -> Callable[[str], str]:
    """A converter for 0..``longest`` characters."""

    def convert(found: str) -> str:
        if len(found) > longest:
            raise Ar2418Error(f"has more than {longest} characters")
        return found

    return convert


def integer(lowest: int, highest: int) -> Callable[[str], int]:
    """A converter for integers within both bounds."""

    def convert(found: str) -> int:
        if _INTEGER.fullmatch(found) is None or not lowest <= (value := int(found)) <= highest:
            raise Ar2418Error(f"is not an integer from {lowest} to {highest}: {found[:40]!r}")
        return value

    return convert


def instant(found: str) -> int:
    """UTC seconds of ``2017-10-29T02:30:00+02:00``; without an offset it is local time, the earlier of two."""
    shape = _TIME.fullmatch(found)
    if shape is None or not EARLIEST_YEAR <= int(shape[1]) <= LATEST_YEAR:
        raise Ar2418Error(f"is not a time to the second: {found[:40]!r}")
    try:
        read = datetime.fromisoformat(found)
    except ValueError as error:
        raise Ar2418Error(f"is no such time: {found[:40]!r}") from error
    return int((read if shape[3] else read.replace(tzinfo=ZONE)).timestamp())


def obis(found: str) -> Obis:
    """Twelve hexadecimal digits."""
    if len(found) != 12 or _HEXADECIMAL.fullmatch(found) is None:
        raise Ar2418Error(f"is not an OBIS code of twelve hexadecimal digits: {found[:40]!r}")
    return Obis.from_bytes(bytes.fromhex(found))


def octets(longest: int) -> Callable[[str], bytes]:
    """A converter for 1..``longest`` octets in hexadecimal."""

    def convert(found: str) -> bytes:
        if _HEXADECIMAL.fullmatch(found) is None or len(found) > 2 * longest:
            raise Ar2418Error(f"is not 1 to {longest} octets in hexadecimal")
        return bytes.fromhex(found)

    return convert


def word(found: str) -> str:
    """1..16 hexadecimal digits of a status word, as they stand."""
    if not 1 <= len(found) <= 16 or not all(digit in "0123456789abcdefABCDEF" for digit in found):
        raise Ar2418Error(f"is not a status word of up to 16 hexadecimal digits: {found[:40]!r}")
    return found
