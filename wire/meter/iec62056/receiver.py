"""Octets to messages, as they arrive: yields a message, raises, or wants more.

Decides where each message begins and ends. A check character may be any seven-bit value, line feed and ETX included, so
nothing is ever stripped behind ETX. Leading NUL and DEL (wake-up) and stray line ends are passed over; any other octet
that begins no message is noise, counted and, for a reader, bounded: a meter on a busy line hears the others all day.
"""

import re
from enum import Enum
from typing import Final

from wire.errors import Iec62056Error
from wire.meter.iec62056.messages import (
    ACK,
    EOT,
    ETX,
    MAXIMUM_ADDRESS,
    MAXIMUM_IDENTIFICATION,
    NAK,
    SOH,
    STX,
    Acknowledgement,
    BlockCheck,
    Command,
    DataMessage,
    Identification,
    Message,
    NegativeAcknowledgement,
    OptionSelect,
    Request,
)

MAXIMUM_MESSAGE: Final = 256 * 1024
"""Octets of one message: months of load profile in one block have some 100 kB (an hour and more at 300 baud)."""
MAXIMUM_NOISE: Final = 512
"""Octets that begin no message before the line is called noisy: half a second of garbage at 9600 baud."""
MAXIMUM_LINE: Final = 8 + MAXIMUM_ADDRESS + MAXIMUM_IDENTIFICATION
"""Octets of a line that begins with ``/``."""

_IGNORED = b"\x00\x7f\r\n"
_SLASH = ord("/")
_END_MARK = ord("!")
_PRINTABLE = range(0x20, 0x7F)
_BLOCK_BEGINS = re.compile(rb"[\x01\x02]")
_OPTION_SELECT_SIZE = 6
_IDENTIFICATION_HEAD = 5
"""Octets of ``/XXXZ``: three letters and a letter or digit follow no ``/`` that stands in a unit (``Imp/kWh)``)."""


class Side(Enum):
    """Who listens; an ACK alone is a whole message to a reader, and may begin an option select to a meter."""

    READER = "reader"
    METER = "meter"


class Receiver:
    """Cuts a stream of seven-bit characters into messages; ``feed`` as they come, ``flush`` when the line is silent."""

    def __init__(self, side: Side, *, maximum: int = MAXIMUM_MESSAGE) -> None:
        """``maximum`` bounds one message and so the memory of this object."""
        self._side = side
        self._maximum = maximum
        self._buffer = bytearray()
        self._scanned = 0
        self._within_line = False
        self._deferred: Iec62056Error | None = None
        self.noise = 0
        self.option_select_due = False
        """Meter's side: an identification has just been sent, so an ACK begins an option select."""
        self.text_due = False
        """A read-out without STX may begin, behind an identification; before it text is the end of another's."""

    @property
    def pending(self) -> int:
        """Octets of a message that has begun and not ended."""
        return len(self._buffer)

    @property
    def failed(self) -> bool:
        """True if the next call of ``feed`` raises."""
        return self._deferred is not None

    def clear(self) -> None:
        """Forget what has begun, for instance after a parity error or a change of speed."""
        self._buffer.clear()
        self._deferred = None
        self._scanned = 0
        self._within_line = False
        self.noise = 0

    def feed(self, characters: bytes) -> list[Message]:
        """Take what arrived; returns the messages that it completed.

        Raises Iec62056Error and is then empty; behind complete messages the error is raised by the next call.
        """
        if self._deferred is not None:
            error, self._deferred = self._deferred, None
            raise error
        self._buffer += characters
        messages: list[Message] = []
        try:
            while (message := self._next()) is not None:
                messages.append(message)
            if len(self._buffer) > self._maximum:
                raise Iec62056Error(f"a message of more than {self._maximum} octets")  # noqa: TRY301 -- one way out
        except Iec62056Error as error:
            self.clear()
            if not messages:
                raise
            # What was complete before counts, however the octets were cut when they came.
            self._deferred = error
        return messages

    def flush(self) -> DataMessage | None:
        """The line has fallen silent: a read-out that ends with ETX or ``!`` but without BCC, if there is one."""
        body = bytes(self._buffer)
        framed = body[:1] == bytes((STX,))
        ended = framed and body[-1] == ETX and body.count(ETX) == 1
        marked = ETX not in body and body.rstrip(b"\r\n").endswith(b"!") and (framed or _is_text(body))
        if EOT in body or not (ended or marked):
            return None
        self.clear()
        return DataMessage(body[1 if framed else 0 : -1 if ended else None], True, BlockCheck.MISSING, None, framed)

    def _next(self) -> Message | None:
        buffer = self._buffer
        while buffer:
            first = buffer[0]
            if first in _IGNORED:
                stripped = buffer.lstrip(_IGNORED)
                self._drop(len(buffer) - len(stripped))
                self._within_line = False
            elif first in (STX, SOH):
                return self._block(first)
            elif first == _SLASH and (begins := self._begins_line()) is not False:
                return self._line() if begins else None
            elif first == ACK:
                return self._acknowledgement()
            elif first == NAK:
                self._drop(1)
                return NegativeAcknowledgement()
            elif self.text_due and first in _PRINTABLE:
                return self._text()
            else:
                self._pass_over(first)
        return None

    def _begins_line(self) -> bool | None:
        """Whether ``/`` begins a message; None if that cannot be told yet. Within a line it may be part of a unit."""
        if not self._within_line or self._buffer[1:2] == b"?":
            return True
        head = bytes(self._buffer[1:_IDENTIFICATION_HEAD])
        letters, character = head[:3], head[3:]
        if (letters and not letters.isalpha()) or (character and not character.isalnum()):
            return False
        return True if character else None

    def _pass_over(self, first: int) -> None:
        """An octet that begins nothing. Text before an identification is the rest of a telegram, and no noise."""
        self._drop(1)
        self._within_line = first in _PRINTABLE and first != _END_MARK
        if self._side is Side.METER or first in _PRINTABLE:
            return
        self.noise += 1
        if self.noise > MAXIMUM_NOISE:
            raise Iec62056Error(f"more than {MAXIMUM_NOISE} octets of noise")

    def _block(self, first: int) -> Message | None:
        buffer = self._buffer
        ends = [end for end in (buffer.find(ETX, self._scanned), buffer.find(EOT, self._scanned)) if end >= 0]
        if not ends or min(ends) + 1 >= len(buffer):
            self._scanned = min(ends) if ends else len(buffer)
            return None
        data = self._take(min(ends) + 2)
        return DataMessage.from_bytes(data) if first == STX else Command.from_bytes(data)

    def _line(self) -> Message | None:
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            if len(self._buffer) > MAXIMUM_LINE:
                raise Iec62056Error(f"a line of more than {MAXIMUM_LINE} octets")
            return None
        line = self._take(end + 1)
        if line[1:2] == b"?":
            return Request.from_bytes(line)
        self.text_due = self._side is Side.READER
        return Identification.from_bytes(line)

    def _acknowledgement(self) -> Message | None:
        buffer = self._buffer
        if self._side is Side.METER and self.option_select_due:
            if len(buffer) < _OPTION_SELECT_SIZE:
                return None
            return OptionSelect.from_bytes(self._take(_OPTION_SELECT_SIZE))
        self._drop(1)
        return Acknowledgement()

    def _text(self) -> Message | None:
        """A read-out without STX (modes A, D): its last line ends or begins with ``!`` (a P1 checksum may follow)."""
        buffer = self._buffer
        while True:
            end = buffer.find(b"\n", self._scanned)
            block = _BLOCK_BEGINS.search(buffer, self._scanned, len(buffer) if end < 0 else end)
            if block is not None:
                # No text holds SOH or STX: what came before the block was noise that happened to be printable.
                self._drop(block.start())
                return self._block(buffer[0])
            if end < 0:
                return None
            line = bytes(buffer[buffer.rfind(b"\n", 0, end) + 1 : end]).rstrip(b"\r")
            self._scanned = end + 1
            if line.endswith(b"!") or line.startswith(b"!"):
                return DataMessage(self._take(end + 1), True, BlockCheck.MISSING, None, framed=False)

    def _take(self, size: int) -> bytes:
        if size > self._maximum:
            raise Iec62056Error(f"a message of more than {self._maximum} octets")
        data = bytes(self._buffer[:size])
        self._drop(size)
        self._within_line = False
        self.noise = 0
        return data

    def _drop(self, size: int) -> None:
        del self._buffer[:size]
        self._scanned = 0


def _is_text(body: bytes) -> bool:
    return bool(body) and body[0] in _PRINTABLE and body[:1] != b"/"
