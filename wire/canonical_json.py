"""JSON with exactly one spelling per document, so that signed bytes and parsed values cannot drift apart.

Decides the canonical form: one object in ASCII bytes, keys in code-point order, no white space, integers of 64 bits
and no other numbers, no duplicate keys, bounded size and depth. Reading accepts only bytes that writing would produce;
what a key means is the business of the format above. (A narrower relative of RFC 8785, which allows floats.)
"""

import json
import re
from collections.abc import Mapping
from typing import NoReturn, TypeAlias

from wire.errors import CanonicalJsonError

JsonValue: TypeAlias = "bool | int | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"

MAXIMUM_BYTES = 65536
"""A communication profile with two certificates of 2 kB each stays under a tenth of this."""
MAXIMUM_DEPTH = 12
"""An order nests ten levels: the switches of a day of a tariff within a profile within a command.

The standard parser recurses, so depth is bounded before it runs.
"""
INTEGER_BOUND = 2**63 - 1
_INTEGER_CHARACTERS = 20
"""A sign and nineteen digits: anything longer is refused before the number is built."""

_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)|([\[{])|[\]}]', re.DOTALL)
"""Strings (an open one runs to the end, so scanning stays linear), opening brackets, closing brackets."""
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""What an encoding of 16 bits writes a character beyond them with: two of these."""


def encode(document: Mapping[str, JsonValue], *, maximum_bytes: int = MAXIMUM_BYTES) -> bytes:
    """Write the canonical bytes of ``document``. Raises CanonicalJsonError for what the form cannot hold."""
    _require_representable(document, depth=1)
    data = json.dumps(document, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)
    if len(data) > maximum_bytes:
        raise CanonicalJsonError(f"a document has {len(data)} bytes, more than {maximum_bytes}")
    return data.encode("ascii")


def decode(data: bytes, *, maximum_bytes: int = MAXIMUM_BYTES) -> JsonObject:
    """Read canonical bytes; any other spelling of the same document is refused. Raises CanonicalJsonError."""
    # 1. Bounds, before anything is built.
    if len(data) > maximum_bytes:
        raise CanonicalJsonError(f"a document has {len(data)} bytes, more than {maximum_bytes}")
    _require_shallow(data)
    # 2. Grammar, with numbers and keys held to the narrower form.
    try:
        document = json.loads(
            data.decode("ascii"),
            parse_int=_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            object_pairs_hook=_object,
        )
    except CanonicalJsonError:
        raise
    except ValueError as error:
        raise CanonicalJsonError("not JSON in ASCII") from error
    if not isinstance(document, dict):
        raise CanonicalJsonError("a document is one object")
    # 3. One spelling: writing again must give the same bytes.
    if encode(document, maximum_bytes=maximum_bytes) != data:
        raise CanonicalJsonError("not the canonical spelling")
    return document


def _require_shallow(data: bytes) -> None:
    depth = 0
    for token in _STRUCTURE.finditer(data):
        if token.group(1) is not None:
            depth += 1
            if depth > MAXIMUM_DEPTH:
                raise CanonicalJsonError(f"a document nests deeper than {MAXIMUM_DEPTH}")
        elif not token.group().startswith(b'"'):
            depth -= 1


def _integer(digits: str) -> int:
    if len(digits) > _INTEGER_CHARACTERS:
        raise CanonicalJsonError("an integer is outside 64 bits")
    return int(digits)


def _refuse_number(text: str) -> NoReturn:
    raise CanonicalJsonError(f"only integers are numbers here, not {text[:40]!r}")


def _object(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CanonicalJsonError("a key occurs twice")
    return found


def _require_representable(value: object, depth: int) -> None:
    if depth > MAXIMUM_DEPTH:
        raise CanonicalJsonError(f"a document nests deeper than {MAXIMUM_DEPTH}")
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if not -INTEGER_BOUND <= value <= INTEGER_BOUND:
            raise CanonicalJsonError("an integer is outside 64 bits")
    elif isinstance(value, str):
        # Half of a surrogate pair is no character: no other encoding could hold it.
        if not value.isascii() and _HALF_CHARACTER.search(value):
            raise CanonicalJsonError("a text holds half a character")
    elif isinstance(value, list):
        for item in value:
            _require_representable(item, depth + 1)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise CanonicalJsonError("a key is a text")
            _require_representable(key, depth)
            _require_representable(item, depth + 1)
    else:
        raise CanonicalJsonError(f"{type(value).__name__} has no canonical form")
