"""DER, the little of it that content protection needs: read strictly, written canonically (ITU-T X.690 §10).

Decides which bytes are one and only one encoding. A reader walks over definite, minimal lengths with single-byte tags
and must be told when it is done; whatever is left over, cut off or longer than necessary is refused with one error.
Nothing is ever skipped, so what was accepted encodes again to the same bytes. Hand-written because a generic
ASN.1 model costs twice what the cryptography of a message costs, on the datacenter's hottest path; CMS shapes stand in
``pki.cms``.
"""

from typing import Final, Self

from pki.errors import TrustError

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

MAX_LENGTH: Final = 0xFFFFFF
"""Three length octets: 16 MiB, far above any message or document of ours and small enough to hold in memory."""


class DerError(TrustError):
    """Bytes that are not the one DER encoding of what was expected here."""


class Reader:
    """A position inside ``data``, bounded by ``end``. Every method moves on or raises DerError."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        """Read ``data`` from ``position`` up to, not including, ``end`` (all of it by default)."""
        self._data = data
        self._position = position
        self._end = len(data) if end is None else end

    def _bounds(self, tag: int) -> tuple[int, int]:
        """Check the tag and length here; return where the content begins and ends."""
        data, position, limit = self._data, self._position, self._end
        start = position + 2
        if start > limit:
            raise DerError("cut off before a tag and length")
        if data[position] != tag:
            raise DerError(f"tag 0x{data[position]:02X} where 0x{tag:02X} is expected")
        length = data[position + 1]
        if length >= 0x80:
            octets = length & 0x7F
            if not 1 <= octets <= 3 or start + octets > limit:
                raise DerError("an indefinite, oversized or cut off length")
            length = int.from_bytes(data[start : start + octets], "big")
            # X.690 §10.1: the short form below 128, and no leading zero octet above.
            if length < 0x80 or length >> (8 * (octets - 1)) == 0:
                raise DerError("a length is not minimal")
            start += octets
        if start + length > limit:
            raise DerError("a length reaches beyond its container")
        return start, start + length

    def enter(self, tag: int) -> Self:
        """Step over an element with ``tag`` and return a reader of its content."""
        start, end = self._bounds(tag)
        self._position = end
        return type(self)(self._data, start, end)

    def take(self, tag: int) -> bytes:
        """Step over an element with ``tag`` and return its content."""
        start, end = self._bounds(tag)
        self._position = end
        return self._data[start:end]

    def element(self, tag: int) -> bytes:
        """Step over an element with ``tag`` and return all of it, tag and length included."""
        begin = self._position
        _, end = self._bounds(tag)
        self._position = end
        return self._data[begin:end]

    def expect(self, encoding: bytes) -> None:
        """Step over exactly ``encoding``."""
        if not self.skip(encoding):
            raise DerError("a fixed field differs")

    def skip(self, encoding: bytes) -> bool:
        """Step over ``encoding`` if it stands here; tells whether it did."""
        after = self._position + len(encoding)
        if after > self._end or not self._data.startswith(encoding, self._position):
            return False
        self._position = after
        return True

    def next_tag(self) -> int | None:
        """The tag that stands here, or None at the end."""
        return self._data[self._position] if self._position < self._end else None

    def object_identifier(self) -> bytes:
        """An OBJECT IDENTIFIER, returned as its content octets, each arc minimal (X.690 §8.19.2)."""
        content = self.take(OBJECT_IDENTIFIER)
        if not content or content[-1] & 0x80:
            raise DerError("an object identifier is cut off")
        before = 0
        for octet in content:
            if octet == 0x80 and not before & 0x80:
                raise DerError("an object identifier is not minimal")
            before = octet
        return content

    def integer_octets(self) -> bytes:
        """An INTEGER, returned as its content octets, which are minimal (X.690 §8.3.2)."""
        content = self.take(INTEGER)
        if not content:
            raise DerError("an integer is empty")
        if len(content) > 1 and (
            (content[0] == 0 and content[1] < 0x80) or (content[0] == 0xFF and content[1] >= 0x80)
        ):
            raise DerError("an integer is not minimal")
        return content

    def bit_string_octets(self) -> bytes:
        """A BIT STRING of whole octets, returned without the count of unused bits, which must be zero."""
        content = self.take(BIT_STRING)
        if not content or content[0] != 0:
            raise DerError("a bit string is empty or not of whole octets")
        return content[1:]

    def finish(self) -> None:
        """Refuse anything that is left."""
        if self._position != self._end:
            raise DerError("there is more than the structure has")


def encode(tag: int, *contents: bytes) -> bytes:
    """One element: ``tag``, the minimal length, and the contents joined. Raises DerError above MAX_LENGTH."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    if length > MAX_LENGTH:
        raise DerError(f"more than {MAX_LENGTH} bytes in one element")
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def encode_set_of(*elements: bytes) -> bytes:
    """SET OF in DER: the encodings in ascending order (X.690 §11.6)."""
    return encode(SET, *sorted(elements))


def encode_integer(value: int) -> bytes:
    """INTEGER, minimal two's complement."""
    magnitude = value if value >= 0 else ~value
    return encode(INTEGER, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def encode_object_identifier(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from ``1.2.840...``."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return encode(OBJECT_IDENTIFIER, *(_base_128(arc) for arc in (first * 40 + second, *rest)))


def _base_128(arc: int) -> bytes:
    octets = [arc & 0x7F]
    while arc := arc >> 7:
        octets.append(0x80 | (arc & 0x7F))
    return bytes(reversed(octets))
