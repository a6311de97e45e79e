"""A recorded conversation as text, one message a line: ``TX`` (reader) or ``RX`` (meter), then hexadecimal digits.

Decides which octets are one message, and which answer belongs to which command: a value that a meter sends without its
address (an ME162 after ``R1 1.8.0()``) gets the one that was asked for; a block that the reader refused with NAK counts
no more; partial blocks are joined over the reader's ACK. Lets only Iec62056Error escape.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wire.errors import Iec62056Error
from wire.meter.iec62056.characters import SEVEN_BITS, block_check, has_parity_bits
from wire.meter.iec62056.messages import ACK, ETX, NAK, STX, BlockCheck, error_text
from wire.meter.iec62056.readout import MAXIMUM_CAPTURE, Readout, parse_capture

TX: Final = "TX"
RX: Final = "RX"

_LINE = re.compile(r"(TX|RX)\b[ \t:]*(.*)", re.IGNORECASE)
_CHECKED = re.compile(rb"[\x01\x02]([^\x03\x04]*[\x03\x04])(.)", re.DOTALL)
_COMMAND = re.compile(rb"\x01[RWE][0-9]\x02([^()\x00-\x1f]*)\([^()\x00-\x1f]*\)[\x03\x04]")
_BLOCK = re.compile(
    rb"\x01[^\x03\x04]*[\x03\x04].|\x02(?P<body>[^\x03\x04]*)(?P<end>[\x03\x04])(?P<check>.)", re.DOTALL
)
_STX: Final = bytes((STX,))
_ETX: Final = bytes((ETX,))


@dataclass(frozen=True, slots=True)
class _Block:
    body: bytes
    last: bool
    sent: int
    computed: int


@dataclass(frozen=True, slots=True)
class Line:
    """One message as it was recorded (seven-bit characters), and the characters of its block check if it has one."""

    direction: str
    characters: bytes

    @property
    def checks(self) -> tuple[int, int] | None:
        """Block check as sent and as computed; None for a message without one."""
        match = _CHECKED.search(self.characters)
        return None if match is None else (match[2][0], block_check(match[1]))


@dataclass(frozen=True, slots=True)
class Transcript:
    """All lines, what the meter said in them, and whether parity bits were taken off."""

    lines: tuple[Line, ...]
    readout: Readout
    parity_bits: bool


def is_transcript(text: str) -> bool:
    """True where the first line that is neither empty nor a comment begins with TX or RX."""
    first = next(_contents(text), None)
    return first is not None and _LINE.fullmatch(first[1]) is not None


def parse_transcript(text: str) -> Transcript:
    """Read a transcript; lines that begin with ``#`` are comments. Raises Iec62056Error with the line's number."""
    if len(text) > 4 * MAXIMUM_CAPTURE:
        raise Iec62056Error(f"a transcript of more than {4 * MAXIMUM_CAPTURE} characters")
    recorded: list[Line] = []
    for number, content in _contents(text):
        match = _LINE.fullmatch(content)
        if match is None:
            raise Iec62056Error(f"line {number} does not begin with TX or RX: {content[:40]!r}")
        recorded.append(Line(match[1].upper(), _octets(number, match[2])))
    parity = {side: has_parity_bits(_side(recorded, side)) for side in (TX, RX)}
    lines = tuple(
        Line(line.direction, line.characters.translate(SEVEN_BITS)) if parity[line.direction] else line
        for line in recorded
    )
    return Transcript(lines, _readout(lines), any(parity.values()))


def _contents(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        if content and not content.startswith("#"):
            yield number, content


def _octets(number: int, digits: str) -> bytes:
    bare = "".join(digits.split())
    if len(bare) % 2:
        raise Iec62056Error(f"line {number} has an odd number of hexadecimal digits")
    try:
        octets = bytes.fromhex(bare)
    except ValueError as error:
        raise Iec62056Error(f"line {number} is not hexadecimal: {digits[:40]!r}") from error
    if not octets:
        raise Iec62056Error(f"line {number} has no octets")
    return octets


def _side(lines: list[Line], direction: str) -> bytes:
    return b"".join(line.characters for line in lines if line.direction == direction)


def _runs(lines: tuple[Line, ...]) -> Iterator[tuple[bytes, bytes]]:
    """What the reader said, and what the meter answered to it; either may have taken several lines."""
    asked, answered = b"", b""
    for line in lines:
        if line.direction == RX:
            answered += line.characters
            continue
        if answered:
            yield asked, answered
            asked, answered = b"", b""
        asked += line.characters
    yield asked, answered


def _readout(lines: tuple[Line, ...]) -> Readout:
    answers: list[Readout] = []
    blocks: list[_Block] = []  # of an answer in partial blocks, as far as they have come
    for asked, answered in _runs(lines):
        if asked[:1] == bytes((NAK,)):
            del blocks[-1:]  # refused, so what follows is the same once more
        elif asked != bytes((ACK,)):
            answers += _answer(blocks)
            blocks = []
        command = _COMMAND.search(asked)
        end = 0
        for match in _BLOCK.finditer(answered):
            answers += _captured(answered[end : match.start()])
            end = match.end()
            if match["body"] is None:
                continue  # a command such as P0, which says nothing
            if blocks and blocks[-1].last:
                answers += _answer(blocks)
                blocks = []
            body, last = match["body"], match["end"] == _ETX
            nameless = body.startswith(b"(") and error_text(body) is None
            address = command[1] if command is not None and nameless and not blocks else b""
            blocks.append(_Block(address + body, last, match["check"][0], block_check(body + match["end"])))
        answers += _captured(answered[end:])
    return _merged(answers + _answer(blocks))


def _captured(octets: bytes) -> list[Readout]:
    """What stands outside whole blocks: an identification, a read-out without STX, a block that was cut off."""
    try:
        return [parse_capture(octets)]
    except Iec62056Error:
        return []  # acknowledgements, echoes, noise


def _answer(blocks: list[_Block]) -> list[Readout]:
    """The blocks of one answer, read as one."""
    if not blocks:
        return []
    decisive = next((block for block in blocks if block.sent != block.computed), blocks[-1])
    check = BlockCheck.RIGHT if decisive.sent == decisive.computed else BlockCheck.WRONG
    body = b"".join(block.body for block in blocks) + _ETX
    try:
        readout = parse_capture(_STX + body + bytes((block_check(body),)))
    except Iec62056Error:
        return []
    return [readout._replace(check=check, sent_check=decisive.sent, computed_check=decisive.computed)]


def _merged(answers: list[Readout]) -> Readout:
    """All answers in their order; the check is that of the first wrong one, else the last."""
    checked = [answer for answer in answers if answer.check is not BlockCheck.MISSING]
    wrong = [answer for answer in checked if answer.check is BlockCheck.WRONG]
    nothing = Readout(None, BlockCheck.MISSING, None, None, [], [], [])
    return (wrong or checked[-1:] or answers[-1:] or [nothing])[0]._replace(
        identification=next((answer.identification for answer in answers if answer.identification is not None), None),
        data_sets=[data_set for answer in answers for data_set in answer.data_sets],
        profiles=[profile for answer in answers for profile in answer.profiles],
        unparsed_lines=[line for answer in answers for line in answer.unparsed_lines],
        error=next((answer.error for answer in answers if answer.error is not None), None),
    )
