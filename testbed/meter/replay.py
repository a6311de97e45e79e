"""A captured read-out as a simulated meter says it again, byte for byte.

Decides what of a recording was the meter's identification and what its data; what the reader had sent, and wake-up
characters in front, are left out.
"""

from dataclasses import dataclass
from typing import Self

from wire.errors import Iec62056Error
from wire.meter.iec62056 import Identification
from wire.meter.iec62056.characters import has_parity_bits, strip_parity

_REQUEST = b"/?"


@dataclass(frozen=True, slots=True)
class Recording:
    """``identification`` with its line end as recorded (empty if there was none), and everything after it."""

    identification: bytes
    data: bytes

    @classmethod
    def from_bytes(cls, capture: bytes) -> Self:
        """Split a capture; parity bits that were recorded are checked and taken off. Raises Iec62056Error."""
        if has_parity_bits(capture):
            capture = strip_parity(capture)
        begin = capture.find(b"/")
        while begin >= 0 and capture[begin : begin + 2] == _REQUEST:
            begin = capture.find(b"/", begin + 1)
        end = capture.find(b"\n", begin)
        if begin >= 0 and end >= 0 and (first_data := capture.find(b"\x02")) not in range(begin):
            identification = capture[begin : end + 1]
            Identification.from_bytes(identification)
            # An acknowledgement that was recorded was the reader's, unless data follows on the same line.
            return cls(identification, capture[max(end + 1, first_data) if first_data > end else end + 1 :])
        if not capture.strip():
            raise Iec62056Error("an empty recording")
        return cls(b"", capture)
