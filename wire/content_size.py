"""How long a content document is: never by what its readings say (FPR_CON.1).

Decides two things. The *widest* spelling of a document of some shape (so many readings in so many columns): what it
would take with every number at its most digits, so that values, signs, scalers, sequence numbers and status words do
not show in a length. And the sizes that there are: four to a doubling, so that a document is padded by a quarter at
most; the sender chooses one that holds all that one dispatch of its profile may carry (``smgw/wan/concealment.py``),
the rest is line feeds behind the document. All of that lies inside the seal: who looks at the wire sees the size of
the sealed bytes, and the receiver alone how much of it was said.
"""

from typing import Final

MAXIMUM_READINGS: Final = 1000
"""Ten days of quarter hours of one register: a backlog goes out in parts, and no receiver has to hold more."""
MAXIMUM_BYTES: Final = 1024 * 1024
"""1,000 readings in 1,000 columns stay below 600 kB."""

_STEPS: Final = (4, 5, 6, 7)
_SMALLEST: Final = 1024
"""A document without any reading has some 600 bytes."""
SIZES: Final = tuple(
    step * doubled
    for doubled in (_SMALLEST << shift >> 2 for shift in range((MAXIMUM_BYTES // _SMALLEST).bit_length()))
    for step in _STEPS
    if step * doubled <= MAXIMUM_BYTES
)
"""1 KiB, 1.25 KiB, 1.5 KiB, 1.75 KiB, 2 KiB, 2.5 KiB ... 1 MiB."""

# The parts of a document in bytes, with every number at its widest. ``tests/wire/test_content_size.py`` compares them
# with what is really written.
_FRAME: Final = 582
"""All that stands once: declaration, object, names, the delivery's own numbers and times; without the profile's id."""
_COLUMN: Final = 187
"""The capture object and the column's own lines."""
_SIGNED_READING: Final = 376
_UNSIGNED_READING: Final = 225


def widest(readings: int, columns: int, *, profile: str, pseudonymous: bool) -> int:
    """Bytes of a document of this shape with every number at its most digits."""
    entry = _UNSIGNED_READING if pseudonymous else _SIGNED_READING
    return _FRAME + len(profile) + columns * _COLUMN + readings * entry


def size_for(readings: int, columns: int, *, profile: str, pseudonymous: bool) -> int:
    """The smallest size that holds every document of this shape or of a smaller one.

    Raises ValueError for more readings than a document may have, or more columns than readings.
    """
    if not 0 <= columns <= readings <= MAXIMUM_READINGS:
        raise ValueError(f"no document has {readings} readings in {columns} columns")
    needed = widest(readings, columns, profile=profile, pseudonymous=pseudonymous)
    return next(size for size in SIZES if size >= needed)
