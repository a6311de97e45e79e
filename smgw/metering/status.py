"""The 64-bit status word of a reading: what the gateway and the meter know against it.

Decides what each bit means, how a meter's own error register becomes bits, how grave a word is, and how it is written
(TR-03109-1, status word; PTB-A 50.8, statusPTB). Layout: gateway word in the upper half, meter word in the lower; bit
numbers, the two constant nibbles, both text forms and the grades are those of published test data of the display
software (docs/deviations.md).

The bit "no value in the reception window" is known and never set: it marks a substitute, and this gateway records none.
A slot without a reading stays empty.
"""

import re
from enum import Enum, IntEnum, IntFlag
from functools import lru_cache
from typing import Final

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{1,16}", re.ASCII)
_HALF: Final = 32

GATEWAY_BASE: Final = 0x5
METER_BASE: Final = 0x4
"""Set in every word that means "no error" in the published cases."""


class GatewayStatus(IntFlag):
    """Bits of the gateway word, the upper half (Statuswort des SMGW)."""

    TRANSPARENCY = 0x2
    """The value is relevant for billing and meant for the display software."""
    FATAL_ERROR = 0x100
    SYSTEM_TIME_INVALID = 0x200
    PTB_WARNING = 0x1000
    NO_VALUE_IN_WINDOW = 0x2000
    """A temporary error: the value stands in for one that did not come in time."""
    MANIPULATION = 0x4000
    """A temporary error: the value cannot be relied on."""
    OMS_ERROR = 0x8000
    THRESHOLD = 0x1_0000
    """A threshold of an evaluation was passed."""
    METER_WORD_IS_OMS = 0x2_0000
    """The lower half is what an OMS meter sent, and has none of the meanings of MeterStatus."""


class MeterStatus(IntFlag):
    """Bits of the meter word, the lower half (Statuswort des Basiszählers)."""

    START_UP = 0x100
    MAGNETIC_INFLUENCE = 0x200
    TERMINAL_COVER = 0x400
    NEGATIVE_TOTAL = 0x800
    """Direction of energy, of the sum and of each phase."""
    NEGATIVE_L1 = 0x1000
    NEGATIVE_L2 = 0x2000
    NEGATIVE_L3 = 0x4000
    PHASE_SEQUENCE = 0x8000
    BACKSTOP = 0x1_0000
    FATAL_ERROR = 0x2_0000
    VOLTAGE_L1 = 0x4_0000
    VOLTAGE_L2 = 0x8_0000
    VOLTAGE_L3 = 0x10_0000


_NOTHING: Final = MeterStatus(0)


class PtbStatus(IntEnum):
    """How grave a word is (statusPTB); WARNING and TEMPORARY are usable, what is above is not."""

    OK = 0
    WARNING = 1
    TEMPORARY = 2
    CRITICAL = 3
    FATAL = 4

    @property
    def usable(self) -> bool:
        """Whether a bill may rest on the value."""
        return self < PtbStatus.CRITICAL


class TextForm(Enum):
    """How the word is written as 16 hexadecimal digits; the same digits mean different words in the two."""

    EARLY = "early"
    """The number itself (display software 1.0)."""
    LATER = "later"
    """Each half with its least significant bit first (display software 1.4)."""


HARMLESS_ERROR_BITS: Final = 0x02 | 0x08 | 0x20 | 0x40 | 0x80
"""Clock battery, summer time, clock set, power up and down in the status byte of an MT83x, taken for ``F.F`` too
(docs/deviations.md): the energy registers are good. All others are fatal: error, bad checksum, master reset (0x01,
0x04, 0x10), and whatever nobody knows."""


class FatalMeterError(Exception):
    """The meter says that its values mean nothing."""


class StatusTextError(ValueError):
    """A text that is no status word."""


def combined(gateway: GatewayStatus, meter: MeterStatus = _NOTHING) -> int:
    """The word of both halves, with what every word has."""
    return (GATEWAY_BASE | gateway) << _HALF | METER_BASE | meter


def gateway_bits(word: int) -> GatewayStatus:
    """What the gateway says in ``word``; bits without a name are kept."""
    return GatewayStatus((word >> _HALF) & ~GATEWAY_BASE)


def meter_bits(word: int) -> MeterStatus:
    """What the meter says in ``word``; nothing where its half is an OMS meter's own."""
    if gateway_bits(word) & GatewayStatus.METER_WORD_IS_OMS:
        return _NOTHING
    return MeterStatus(word & 0xFFFF_FFFF & ~METER_BASE)


@lru_cache(maxsize=256)  # a year of readings has a handful of words
def ptb_status(word: int) -> PtbStatus:
    """How grave ``word`` is, the gravest reason first (PTB-A 50.8, statusPTB).

    Magnetic influence and an opened terminal cover are critical, as in the later display software; the earlier did not
    know them. An OMS meter's own word says nothing here: whoever reads such a meter sets the gateway's bits.
    """
    gateway, meter = gateway_bits(word), meter_bits(word)
    if gateway & GatewayStatus.FATAL_ERROR or meter & MeterStatus.FATAL_ERROR:
        return PtbStatus.FATAL
    if gateway & (GatewayStatus.SYSTEM_TIME_INVALID | GatewayStatus.MANIPULATION):
        return PtbStatus.CRITICAL
    if meter & (MeterStatus.MAGNETIC_INFLUENCE | MeterStatus.TERMINAL_COVER):
        return PtbStatus.CRITICAL
    if gateway & GatewayStatus.NO_VALUE_IN_WINDOW:
        return PtbStatus.TEMPORARY
    return PtbStatus.WARNING if gateway & GatewayStatus.PTB_WARNING else PtbStatus.OK


def to_text(word: int, form: TextForm = TextForm.LATER) -> str:
    """``word`` as 16 digits."""
    return f"{word if form is TextForm.EARLY else _reversed(word):016X}"


def from_text(text: str, form: TextForm = TextForm.LATER) -> int:
    """The word that ``text`` means; leading zeros may be left out in the early form only. Raises StatusTextError."""
    if _HEXADECIMAL.fullmatch(text) is None:
        raise StatusTextError("a status word has up to 16 hexadecimal digits")
    if form is TextForm.EARLY:
        return int(text, 16)
    if len(text) != _HALF // 2:
        raise StatusTextError("a status word that begins with its lowest bit has 16 hexadecimal digits")
    return _reversed(int(text, 16))


def status_word(*, clock_valid: bool, meter_error: str | None, on_raster: bool = True) -> int:
    """Combined word of a reading; ``meter_error`` is the text of ``F.F``, None where the meter shows none.

    ``on_raster`` is false for a reading that lies further from the instants at which its meter is read than two
    registrations may vary (PTB-A 50.8, raster): it is a warning, and the reading stands for no instant.

    A bit that nobody knows counts as fatal. Raises FatalMeterError, also for a text that is not hexadecimal.
    """
    gateway = GatewayStatus(0)
    if not clock_valid:
        gateway |= GatewayStatus.SYSTEM_TIME_INVALID
    if not on_raster:
        gateway |= GatewayStatus.PTB_WARNING
    if meter_error is not None:
        if _HEXADECIMAL.fullmatch(meter_error) is None:
            raise FatalMeterError("an error register that is not hexadecimal")
        bits = int(meter_error, 16)
        if bits & ~HARMLESS_ERROR_BITS:
            raise FatalMeterError("an error bit that is fatal or unknown")
        if bits:
            gateway |= GatewayStatus.PTB_WARNING
    return combined(gateway)


def _reversed(word: int) -> int:
    """Each half with its bits the other way round."""
    text = f"{word:064b}"
    return int(text[_HALF - 1 :: -1] + text[: _HALF - 1 : -1], 2)
