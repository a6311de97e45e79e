"""Characters on the line: even parity on seven bits, the block check character, and one's own echo.

Decides what a receiver may believe of single octets. A parity or echo error is raised where it is found; nothing is
repaired.
"""

from typing import Final

from wire.errors import Iec62056Error

_EVEN = bytes(code | (0x80 if code.bit_count() % 2 else 0) for code in range(128)) * 2
SEVEN_BITS: Final = bytes(octet & 0x7F for octet in range(256))
"""Table that takes the eighth bit off, for recordings whose parity errors are reported elsewhere."""
_EVEN_OCTETS = bytes(octet for octet in range(256) if octet.bit_count() % 2 == 0)
_SEVEN_BIT_OCTETS = bytes(range(128))
_NARROW: Final = 256
"""Octets that the last eight foldings of a block check cover."""
_PARITY_SHARE: Final = 20
"""One octet in so many may be damaged before a recording is no longer taken for one with parity bits."""


def block_check(data: bytes) -> int:
    """Exclusive or of all octets (BCC); the caller passes what follows SOH or STX up to and including ETX or EOT.

    Folds the octets in halves as one large integer, which costs a tenth of a loop over them.
    """
    folded = int.from_bytes(data, "big")
    width = len(data)
    while width > _NARROW:
        half = (width + 1) // 2
        folded = (folded >> (8 * half)) ^ (folded & ((1 << (8 * half)) - 1))
        width = half
    # From here on cutting off the upper half costs more than carrying it along: it never comes down again.
    folded ^= folded >> 1024
    folded ^= folded >> 512
    folded ^= folded >> 256
    folded ^= folded >> 128
    folded ^= folded >> 64
    folded ^= folded >> 32
    folded ^= folded >> 16
    return (folded ^ folded >> 8) & 0xFF


def add_parity(characters: bytes) -> bytes:
    """Seven-bit characters as octets with even parity, for a line that is opened with eight bits (7E1 in software)."""
    return characters.translate(_EVEN)


def strip_parity(octets: bytes) -> bytes:
    """Octets with even parity as seven-bit characters. Raises Iec62056Error on a parity error."""
    if wrong := parity_errors(octets):
        raise Iec62056Error(f"parity error in {wrong} of {len(octets)} characters")
    return octets.translate(SEVEN_BITS)


def parity_errors(octets: bytes) -> int:
    """How many of ``octets`` have odd parity."""
    return len(octets.translate(None, _EVEN_OCTETS))


def has_parity_bits(octets: bytes) -> bool:
    """True if a seven-bit line was recorded with eight bits: parity is even but for a few damaged characters."""
    eight_bit = len(octets.translate(None, _SEVEN_BIT_OCTETS))
    wrong = parity_errors(octets)
    # Of seven-bit text without parity about half the octets are odd, and none has the eighth bit.
    return eight_bit > 0 and wrong * _PARITY_SHARE <= len(octets)


class EchoCanceller:
    """Removes what a two-wire adapter hears of itself, and compares it: another echo means that somebody else spoke."""

    def __init__(self) -> None:
        """Nothing has been sent."""
        self._expected = bytearray()

    def sent(self, octets: bytes) -> None:
        """These octets have been written to the line and will come back."""
        self._expected += octets

    def received(self, octets: bytes) -> bytes:
        """What of ``octets`` came from others. Raises Iec62056Error when the echo differs (a collision)."""
        echoed = min(len(octets), len(self._expected))
        if octets[:echoed] != self._expected[:echoed]:
            self._expected.clear()
            raise Iec62056Error("the echo differs from what was sent: two devices spoke at once")
        del self._expected[:echoed]
        return octets[echoed:]

    @property
    def outstanding(self) -> int:
        """Octets whose echo has not come yet; more than none after a time-out means that the adapter does not echo."""
        return len(self._expected)

    def forget(self) -> None:
        """Expect no echo any more: the line was silent."""
        self._expected.clear()
