"""Every message that differs from a good one by one more element somewhere, with all lengths put right."""

from collections.abc import Iterator

from pki.der import encode

CONSTRUCTED = 0x20
NULL = b"\x05\x00"


def split(content: bytes) -> list[bytes]:
    """The elements of which ``content`` consists."""
    parts = []
    while content:
        octets = content[1] & 0x7F if content[1] >= 0x80 else 0
        length = int.from_bytes(content[2 : 2 + octets], "big") if octets else content[1]
        size = 2 + octets + length
        parts.append(content[:size])
        content = content[size:]
    return parts


def extended(element: bytes) -> Iterator[bytes]:
    """``element`` with a NULL after the last element of each of its constructed elements, one at a time."""
    if not element[0] & CONSTRUCTED:
        return
    header = 2 + (element[1] & 0x7F if element[1] >= 0x80 else 0)
    parts = split(element[header:])
    yield encode(element[0], *parts, NULL)
    for position, part in enumerate(parts):
        for changed in extended(part):
            yield encode(element[0], *parts[:position], changed, *parts[position + 1 :])
