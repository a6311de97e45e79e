"""The messages of IEC 62056-21 and their exact bytes (seven-bit characters, parity not included).

Decides how each message is written, and which parts of one that was read belong to it. A message that cannot be written
back to the bytes that it was read from does not exist here.
"""

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Self

from wire.errors import Iec62056Error
from wire.meter.iec62056.characters import block_check

SOH: Final = 0x01
STX: Final = 0x02
ETX: Final = 0x03
EOT: Final = 0x04
ACK: Final = 0x06
NAK: Final = 0x15
END_OF_LINE: Final = b"\r\n"

SPEEDS: Final = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
"""Baud character of modes C and E."""
SPEEDS_MODE_B: Final = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}
SIGN_ON_SPEED: Final = 300
MODE_D_SPEED: Final = 2400

MAXIMUM_ADDRESS: Final = 32
"""Characters of a device address; LEM and EMH stop at 8 digits, the standard at 32."""
MAXIMUM_IDENTIFICATION: Final = 64
"""Characters of an identification after the baud character: 16 in the standard; heat meters and P1 ports send more."""

_IDENTIFICATION = re.compile(rb"/([A-Za-z]{3})([!-~ ])([^\r\n]{0,64})\r?\n?")
_REQUEST = re.compile(rb"/\?([0-9A-Za-z ]{0,32})!\r?\n?")
_OPTION_SELECT = re.compile(rb"\x06([0-9])([0-9A-Z])([0-9])\r\n")
_COMMAND = re.compile(rb"\x01([A-Z][0-9])(?:\x02([^\x00-\x04]*))?([\x03\x04])", re.DOTALL)
_ERROR = re.compile(rb"\((ER[^()*/!]{0,30})\)|(ER\([0-9]{1,4}\))|\((ER\([0-9]{1,4}\))\)")


def error_text(body: bytes) -> str | None:
    """The text of an error answer, such as ``ERROR01`` or ``ER(08)``; None for any other body."""
    match = _ERROR.fullmatch(body)
    return None if match is None else match[match.lastindex or 1].decode("latin-1")


class ProtocolMode(StrEnum):
    """How a conversation goes after the identification (Betriebsart)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


class BlockCheck(Enum):
    """What was found of a block check character."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"


_RIGHT, _WRONG = BlockCheck.RIGHT, BlockCheck.WRONG  # looked up once: an Enum's members cost a descriptor each time
_BLOCK_ENDS: Final = (ETX, EOT)


@dataclass(frozen=True, slots=True)
class Identification:
    r"""``/XXXZtext``: maker (FLAG), baud character and the maker's own text, escapes such as ``\2`` and ``\@`` kept."""

    manufacturer: str
    baud_character: str
    text: str

    @classmethod
    def from_bytes(cls, line: bytes) -> Self:
        """Read one line. Raises Iec62056Error."""
        match = _IDENTIFICATION.fullmatch(line)
        if match is None:
            raise Iec62056Error(f"not an identification: {line[:40]!r}")
        manufacturer, character, text = (part.decode("latin-1") for part in match.groups())
        return cls(manufacturer, character, text)

    def to_bytes(self) -> bytes:
        """The line with CR LF."""
        return f"/{self.manufacturer}{self.baud_character}{self.text}".encode("latin-1") + END_OF_LINE

    @property
    def mode(self) -> ProtocolMode:
        r"""Mode that the baud character and the escape ``\2`` announce."""
        if self.baud_character in SPEEDS:
            return ProtocolMode.E if self.text.startswith("\\2") else ProtocolMode.C
        if self.baud_character in SPEEDS_MODE_B:
            return ProtocolMode.B
        return ProtocolMode.A

    @property
    def speed(self) -> int | None:
        """Baud rate that is announced; None where the speed does not change (mode A)."""
        return SPEEDS.get(self.baud_character) or SPEEDS_MODE_B.get(self.baud_character)

    @property
    def reaction_seconds(self) -> float:
        """Least time between a message and its answer: 20 ms where the third letter of the maker is small, else 200."""
        return 0.02 if self.manufacturer[2:].islower() else 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """``/?address!``: sign-on. Without an address every meter on the line answers."""

    address: str = ""

    @classmethod
    def from_bytes(cls, line: bytes) -> Self:
        """Read one line. Raises Iec62056Error."""
        match = _REQUEST.fullmatch(line)
        if match is None:
            raise Iec62056Error(f"not a request: {line[:40]!r}")
        return cls(match[1].decode("ascii"))

    def to_bytes(self) -> bytes:
        """The line with CR LF. Raises Iec62056Error for an address that cannot be written."""
        line = b"/?" + self.address.encode("ascii", "replace") + b"!" + END_OF_LINE
        Request.from_bytes(line)
        return line

    def selects(self, address: str) -> bool:
        """True for the meter at ``address``: an empty request selects all, leading zeros do not count."""
        return not self.address.strip() or self.address.strip().lstrip("0") == address.lstrip("0")


@dataclass(frozen=True, slots=True)
class OptionSelect:
    """``ACK V Z Y``: protocol, baud character and option (0 read-out, 1 programming, 2 and 6 to 9 maker's)."""

    protocol: str
    baud_character: str
    option: str

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the six bytes. Raises Iec62056Error."""
        match = _OPTION_SELECT.fullmatch(data)
        if match is None:
            raise Iec62056Error(f"not an option select message: {data[:12]!r}")
        return cls(*(part.decode("ascii") for part in match.groups()))

    def to_bytes(self) -> bytes:
        """Six bytes."""
        return b"\x06" + f"{self.protocol}{self.baud_character}{self.option}".encode("ascii") + END_OF_LINE


@dataclass(frozen=True, slots=True)
class DataMessage:
    """``STX body ETX BCC``, or EOT where another block follows; ``framed`` is False for text that ended with ``!``."""

    body: bytes
    last: bool = True
    check: BlockCheck = BlockCheck.RIGHT
    sent_check: int | None = None
    framed: bool = True

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a whole block with its check character, which may be wrong. Raises Iec62056Error."""
        if len(data) < 3 or data[0] != STX or data[-2] not in _BLOCK_ENDS:
            raise Iec62056Error("not a data message")
        sent = data[-1]
        return cls(data[1:-2], data[-2] == ETX, _RIGHT if block_check(data[1:-1]) == sent else _WRONG, sent)

    def to_bytes(self) -> bytes:
        """The block as it is or was on the line."""
        if not self.framed:
            return self.body
        checked = self.body + bytes((ETX if self.last else EOT,))
        if self.check is BlockCheck.MISSING:
            return bytes((STX,)) + self.body
        return bytes((STX,)) + checked + bytes((block_check(checked) if self.sent_check is None else self.sent_check,))

    @property
    def computed_check(self) -> int:
        """What the check character should be."""
        return block_check(self.body + bytes((ETX if self.last else EOT,)))

    @property
    def error(self) -> str | None:
        """The text of a meter's error answer, such as ``ERROR01`` or ``ER(08)``; None for data."""
        return error_text(self.body)


@dataclass(frozen=True, slots=True)
class Command:
    """``SOH name STX data ETX BCC`` in programming mode: P0, P1, R1, R2, R5, R6, B0, ...; ``data`` None for B0."""

    name: str
    data: bytes | None = None
    last: bool = True
    check: BlockCheck = BlockCheck.RIGHT
    sent_check: int | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a whole block with its check character, which may be wrong. Raises Iec62056Error."""
        match = _COMMAND.fullmatch(data[:-1])
        if match is None:
            raise Iec62056Error(f"not a command message: {data[:24]!r}")
        check = BlockCheck.RIGHT if block_check(data[1:-1]) == data[-1] else BlockCheck.WRONG
        return cls(match[1].decode("ascii"), match[2], match[3] == b"\x03", check, data[-1])

    def to_bytes(self) -> bytes:
        """The block as it is or was on the line."""
        data = b"" if self.data is None else bytes((STX,)) + self.data
        checked = self.name.encode("ascii") + data + bytes((ETX if self.last else EOT,))
        return bytes((SOH,)) + checked + bytes((block_check(checked) if self.sent_check is None else self.sent_check,))


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """``ACK``: understood, or the next block, please."""

    def to_bytes(self) -> bytes:
        """One byte."""
        return bytes((ACK,))


@dataclass(frozen=True, slots=True)
class NegativeAcknowledgement:
    """``NAK``: not understood, once more."""

    def to_bytes(self) -> bytes:
        """One byte."""
        return bytes((NAK,))


Message = Identification | Request | OptionSelect | DataMessage | Command | Acknowledgement | NegativeAcknowledgement
SIGN_OFF: Final = Command("B0")
