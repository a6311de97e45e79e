"""What one field of a profile may hold: the checks that all kinds of profile share.

Decides alphabets, lengths and ranges; every refusal is a ProfileError that names the field. Identifiers keep to
letters, digits and ``._-`` so that they can stand as they are in file names, XML attributes, log lines and keys.
"""

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime

from wire.errors import ProfileError, ReadingError
from wire.reading import require_utc_seconds

DAY_SECONDS = 86400
HOUR_SECONDS = 3600
MAXIMUM_VERSION = 2**31 - 1
HIGHEST_PORT = 65535
MAXIMUM_LIST = 64
"""Meters or registers in one profile: a gateway serves a house, not a district."""
MAXIMUM_CERTIFICATE_BYTES = 8192
"""SM-PKI end-user certificates are about 1 kB."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}){1,8}", re.ASCII)
_NAME_LENGTH = 128
_HOST_LENGTH = 253


def require_identifier(field: str, value: str) -> None:
    """1..64 of letters, digits and ``._-``, beginning with a letter or digit."""
    require_match(field, value, _IDENTIFIER)


def require_member(field: str, value: object, kind: type) -> None:
    """An object of exactly the named type; a text that merely equals a choice is none."""
    if not isinstance(value, kind):
        raise ProfileError(f"{field} is not a {kind.__name__}: {value!r:.60}")


def require_match(field: str, value: str, pattern: re.Pattern[str]) -> None:
    """The whole of ``value`` matches ``pattern``."""
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise ProfileError(f"{field} is not well formed: {value!r:.60}")


def require_name(field: str, value: str) -> None:
    """1..128 printable characters without a space at either end."""
    if not isinstance(value, str) or not 1 <= len(value) <= _NAME_LENGTH:
        raise ProfileError(f"{field} has 1 to {_NAME_LENGTH} characters")
    if not value.isprintable() or value != value.strip():
        raise ProfileError(f"{field} holds a character that cannot be shown")


def require_text(field: str, value: str, highest: int) -> None:
    """0..``highest`` printable characters."""
    if not isinstance(value, str) or len(value) > highest:
        raise ProfileError(f"{field} is not a text of at most {highest} characters")
    if not value.isprintable():
        raise ProfileError(f"{field} holds a character that cannot be shown")


def require_range(field: str, value: int, lowest: int, highest: int) -> None:
    """An integer (no truth value) of ``lowest``..``highest``."""
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise ProfileError(f"{field} is not an integer of {lowest}..{highest}: {value!r:.60}")


def require_part_of_day(field: str, seconds: int) -> None:
    """A number of seconds that divides a day, so that a raster since the epoch begins anew every UTC midnight."""
    require_range(field, seconds, 1, DAY_SECONDS)
    if DAY_SECONDS % seconds:
        raise ProfileError(f"{field} does not divide a day: {seconds}")


def require_distinct(field: str, values: Sequence[object], kind: type, *, lowest: int = 1) -> None:
    """A tuple of ``lowest``..64 different members of ``kind``."""
    if not isinstance(values, tuple) or not all(isinstance(value, kind) for value in values):
        raise ProfileError(f"{field} is not a tuple of {kind.__name__}")
    if not lowest <= len(values) <= MAXIMUM_LIST:
        raise ProfileError(f"{field} has {lowest} to {MAXIMUM_LIST} members, not {len(values)}")
    if len(set(values)) != len(values):
        raise ProfileError(f"{field} names something twice")


def require_validity(valid_from: datetime, valid_until: datetime) -> None:
    """Two aware UTC times of whole seconds, the end (which is not part of the validity) after the beginning."""
    try:
        require_utc_seconds(valid_from)
        require_utc_seconds(valid_until)
    except ReadingError as error:
        raise ProfileError("a validity is not in whole UTC seconds") from error
    if valid_from >= valid_until:
        raise ProfileError("a validity ends before it begins")


def require_fingerprint(field: str, value: str) -> None:
    """Lower-case hexadecimal SHA-256 of a file or of a certificate's DER bytes."""
    require_match(field, value, _FINGERPRINT)


def require_port(field: str, value: int) -> None:
    """A port of TCP or UDP that somebody can listen on."""
    require_range(field, value, 1, HIGHEST_PORT)


def require_host(field: str, value: str) -> None:
    """A host name (RFC 1123) or an IPv4 or IPv6 address in its shortest spelling."""
    if not isinstance(value, str) or not 1 <= len(value) <= _HOST_LENGTH:
        raise ProfileError(f"{field} has 1 to {_HOST_LENGTH} characters")
    labels = value.split(".")
    # A name whose last label is a number would be read as an IPv4 address by the resolver, in spellings like 127.1.
    if all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit():
        return
    try:
        if str(ipaddress.ip_address(value)) == value and "%" not in value:
            return
    except ValueError as error:
        raise ProfileError(f"{field} is neither a host name nor an address: {value!r:.60}") from error
    raise ProfileError(f"{field} is not the shortest spelling of its address: {value!r:.60}")


def require_path(field: str, value: str) -> None:
    """An absolute path of 1..8 segments without ``.``, ``..``, query or escapes."""
    require_match(field, value, _PATH)


def require_certificate(field: str, value: bytes) -> None:
    """One DER SEQUENCE of the size of a certificate; what it certifies is decided in ``pki``."""
    require_der(field, value, MAXIMUM_CERTIFICATE_BYTES)


def require_der(field: str, value: bytes, highest: int) -> None:
    """One DER SEQUENCE of definite length, 64..``highest`` bytes in all, and nothing after it."""
    if not isinstance(value, bytes) or not 64 <= len(value) <= highest:
        raise ProfileError(f"{field} is not of 64 to {highest} bytes")
    if value[0] != 0x30 or value[1] == 0x80:
        raise ProfileError(f"{field} is not a DER sequence of definite length")
    width = value[1] - 0x80 if value[1] >= 0x80 else 0
    header = 2 + width
    length = int.from_bytes(value[2:header], "big") if width else value[1]
    # Width 0 to 3, and no wider than the length needs: DER has one spelling of it.
    if width and (width > 3 or length < max(0x80, 256 ** (width - 1))):
        raise ProfileError(f"{field} is not a DER sequence of definite length")
    if header + length != len(value):
        raise ProfileError(f"{field} is cut off or has bytes after its end")
