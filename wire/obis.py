"""OBIS codes: which quantity a number is (IEC 62056-61).

Decides how a code is written: six bytes on the wire, ``1-0:1.8.0*255`` for people.
A code that cannot be read exactly is refused; no group is guessed except the ones that the reduced form leaves out.
"""

import re
from dataclasses import dataclass
from typing import Self

from wire.errors import ObisError

ELECTRICITY = 1
ANY_CHANNEL = 0
CURRENT_VALUE = 255
"""Group F of a value that is not a historical one."""

_FULL = re.compile(r"(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:[*&](\d{1,3}))?", re.ASCII)
_REDUCED = re.compile(r"(\d{1,3}|[CFLP])\.(\d{1,3}|F)(?:\.(\d{1,3}))?(?:[*&](\d{1,3}))?", re.ASCII)
_LETTERS = {"C": 96, "F": 97, "L": 98, "P": 99}
"""Group C letters of the reduced form; ``F.F`` is group C 97, group D 97."""


@dataclass(frozen=True, slots=True, order=True)
class Obis:
    """Six value groups A-B:C.D.E*F, each 0..255 (Kennzahl)."""

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int = CURRENT_VALUE

    def __post_init__(self) -> None:
        """Refuse a group outside one byte."""
        if not all(0 <= group <= 255 for group in (self.a, self.b, self.c, self.d, self.e, self.f)):
            raise ObisError("an OBIS group is outside 0..255")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``A-B:C.D.E*F``; ``*F`` may be missing (255). Raises ObisError."""
        match = _FULL.fullmatch(text)
        if match is None:
            raise ObisError(f"not a full OBIS code: {text[:40]!r}")
        a, b, c, d, e, f = match.groups()
        return cls(int(a), int(b), int(c), int(d), int(e), CURRENT_VALUE if f is None else int(f))

    @classmethod
    def parse_reduced(cls, text: str, *, medium: int = ELECTRICITY, channel: int = ANY_CHANNEL) -> Self:
        """Read the full form, or the reduced ``C.D.E*F`` of a display, whose medium and channel the caller knows.

        A missing group E is 0 (``C.1``, ``6.8``); letters C, F, L, P stand for 96 to 99. Raises ObisError.
        """
        if ":" in text:
            return cls.parse(text)
        match = _REDUCED.fullmatch(text)
        if match is None:
            raise ObisError(f"not a reduced OBIS code: {text[:40]!r}")
        c, d, e, f = match.groups()
        return cls(
            medium,
            channel,
            _LETTERS[c] if c in _LETTERS else int(c),
            _LETTERS["F"] if d == "F" else int(d),
            0 if e is None else int(e),
            CURRENT_VALUE if f is None else int(f),
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the six bytes of a logical name. Raises ObisError."""
        if len(data) != 6:
            raise ObisError(f"an OBIS code has six bytes, not {len(data)}")
        return cls(*data)

    def to_bytes(self) -> bytes:
        """Six bytes, A first."""
        return bytes((self.a, self.b, self.c, self.d, self.e, self.f))

    def __str__(self) -> str:
        """``A-B:C.D.E*F``."""
        return f"{self.a}-{self.b}:{self.c}.{self.d}.{self.e}*{self.f}"
