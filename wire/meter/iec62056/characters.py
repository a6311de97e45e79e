"""Characters on the line: even parity on seven bits, the block check character, and one's own echo.

Decides what a receiver may believe of single octets. A parity or echo error is raised where it is found; nothing is
repaired.
"""

from wire.errors import Iec62056Error

_EVEN = bytes(code | (0x80 if code.bit_count() % 2 else 0) for code in range(128)) * 2
_SEVEN = bytes(octet & 0x7F for octet in range(256))
_EVEN_OCTETS = bytes(octet for octet in range(256) if octet.bit_count() % 2 == 0)


def block_check(data: bytes) -> int:
    """Exclusive or of all octets (BCC); the caller passes what follows SOH or STX up to and including ETX or EOT.

    Folds the octets in halves as one large integer, which costs a tenth of a loop over them.
    """
    folded = int.from_bytes(data, "big")
    width = len(data)
    while width > 1:
        half = (width + 1) // 2
        folded = (folded >> (8 * half)) ^ (folded & ((1 << (8 * half)) - 1))
        width = half
    return folded


def add_parity(characters: bytes) -> bytes:
    """Seven-bit characters as octets with even parity, for a line that is opened with eight bits (7E1 in software)."""
    return characters.translate(_EVEN)


def strip_parity(octets: bytes) -> bytes:
    """Octets with even parity as seven-bit characters. Raises Iec62056Error on a parity error."""
    if wrong := octets.translate(None, _EVEN_OCTETS):
        raise Iec62056Error(f"parity error in {len(wrong)} of {len(octets)} characters")
    return octets.translate(_SEVEN)


def has_parity_bits(octets: bytes) -> bool:
    """True if every octet has even parity and some use the eighth bit: a seven-bit line recorded with eight bits."""
    return any(octet & 0x80 for octet in octets) and not octets.translate(None, _EVEN_OCTETS)


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
