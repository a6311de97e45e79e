r"""A whole capture of a meter: identification, block check, data sets and load profiles, whatever surrounds them.

Decides what belongs to the meter in octets that somebody recorded: echoed requests, wake-up octets, an acknowledgement
in front of the data, several blocks, a missing ETX, a P1 checksum. Everything is reported as found; a wrong check is
reported as wrong and never mended. Lets only Iec62056Error escape.
"""

import re
from typing import Final, NamedTuple

from wire.errors import Iec62056Error
from wire.meter.iec62056.characters import block_check
from wire.meter.iec62056.checksum import crc16
from wire.meter.iec62056.datasets import DataSet, parse_data_sets, parse_usual
from wire.meter.iec62056.messages import ETX, NAK, SOH, STX, BlockCheck, Identification, error_text
from wire.meter.iec62056.profile import LoadProfile, parse_profiles

MAXIMUM_CAPTURE: Final = 16 * 1024 * 1024
"""Octets of a capture: a year of quarter-hours with eight channels has some 3 MB."""

_IDENTIFICATION = re.compile(
    rb"(?:\A|[\x00-\x1f\x7f])[^(\x00-\x1f\x7f]{0,80}?(/[A-Za-z]{3}[!-~ ][^\r\n]{0,64})(?=[\r\n]|\Z)"
)
"""Noise or an echo may stand in front of it, but no bracket: in ``(6.00*Imp/kWh)`` nobody says who he is."""
_HEAD = re.compile(rb"/([A-Za-z]{3})([!-~ ])([^\r\n\x02]{0,64})\r\n\x02")
_BLOCK = re.compile(rb"([\x01\x02])([^\x03\x04]*)([\x03\x04]?)", re.DOTALL)
_COMMAND_HEAD = re.compile(rb"[A-Z][0-9]\x02?")
_BARE_VALUES = re.compile(r"[\r\n]*((?:\([^()\x00-\x1f]*\))+)[\r\n]*")
_P1_CHECKSUM = re.compile(rb"(?<=[\r\n])!([0-9A-Fa-f]{4})(?![0-9A-Za-z])")
_OPTION_SELECT = re.compile(rb"\x06[0-9][0-9A-Z][0-9](?=[\r\n])")
_PROFILE_MARK = re.compile(r"(?:^|[\r\n])[0-9:-]*P\.")
_OF_METERS = bytes(range(0x20, 0x80)) + b"\r\n\x00\x01\x02\x03\x04\x06\x15"
_STRANGE_SHARE: Final = 4
"""One octet in so many may be noise."""
_LINE_BEGINS: Final = b"\r\n\x00\x06\x7f\x15"


class Readout(NamedTuple):
    """What a meter said. ``check`` is that of the first wrong block, else of the last; the ints are the characters.

    ``error`` is the text of an error answer, ``values`` those of an answer without an address. ``checksum`` and
    ``checksum_right`` are the CRC16 of a P1 telegram, as written.
    """

    identification: Identification | None
    check: BlockCheck
    sent_check: int | None
    computed_check: int | None
    data_sets: list[DataSet]
    profiles: list[LoadProfile]
    unparsed_lines: list[str]
    error: str | None = None
    values: tuple[str, ...] = ()
    checksum: str | None = None
    checksum_right: bool | None = None


class _Blocks(NamedTuple):
    text: bytes
    check: BlockCheck
    sent: int | None
    computed: int | None


def parse_capture(capture: bytes) -> Readout:
    """Read ``capture`` (seven-bit characters). Raises Iec62056Error where nothing of a meter is in it."""
    if (usual := _usual(capture)) is not None:
        return usual
    if len(capture) > MAXIMUM_CAPTURE:
        raise Iec62056Error(f"a capture of more than {MAXIMUM_CAPTURE} octets")
    identification: Identification | None = None
    begin = 0
    checksum, right = None, None
    if (match := _identified(capture)) is not None:
        identification = Identification.from_bytes(match[1])
        begin = match.end()
    blocks = _blocks(capture, begin)
    if match is not None and blocks.sent is None:
        checksum, right = _p1_checksum(capture, match.start(1))
    readout = _read(blocks, identification)._replace(checksum=checksum, checksum_right=right)
    anything = readout.data_sets or readout.profiles or readout.values or readout.error
    # A right block check over a few octets of noise happens; so do brackets, and STX somewhere in front of ETX.
    if not (identification or anything or blocks.check is BlockCheck.RIGHT) or _is_binary(capture):
        raise Iec62056Error("nothing of an IEC 62056-21 meter is in this")
    return readout


def _is_binary(capture: bytes) -> bool:
    """True where a good part of the octets is none that a meter sends."""
    strange = len(capture.translate(None, _OF_METERS))
    return strange * _STRANGE_SHARE > len(capture) - capture.count(0) - capture.count(0x7F)


def _usual(capture: bytes) -> Readout | None:
    """A read-out with nothing around it and no load profile in it, for speed; None for everything else."""
    head = _HEAD.match(capture)
    begin = 1 if head is None else head.end()
    if capture[begin - 1 : begin] != b"\x02" or len(capture) < begin + 2 or capture[-2] != ETX or b"P." in capture:
        return None
    data_sets = parse_usual(capture[begin:-2])
    if data_sets is None or data_sets[0].address == "ER":
        return None
    sent, computed = capture[-1], block_check(capture[begin:-1])
    identification: Identification | None = None
    if head is not None:
        maker, character, text = head.groups()
        identification = Identification(maker.decode(), character.decode(), text.decode("latin-1"))
    check = BlockCheck.RIGHT if sent == computed else BlockCheck.WRONG
    return Readout(identification, check, sent, computed, data_sets, [], [])


def _read(blocks: _Blocks, identification: Identification | None) -> Readout:
    text = blocks.text.decode("latin-1")
    data_sets: list[DataSet] = []
    profiles: list[LoadProfile] = []
    unparsed: list[str] = []
    values: tuple[str, ...] = ()
    error = error_text(blocks.text.strip(b"\r\n"))
    if error is None and (bare := _BARE_VALUES.fullmatch(text)) is not None:
        values = tuple(bare[1][1:-1].split(")("))
    elif error is None and "P." in text and _PROFILE_MARK.search(text):
        profiles, (data_sets, unparsed) = parse_profiles(text)
    elif error is None:
        data_sets, unparsed = parse_data_sets(text)
    return Readout(
        identification,
        blocks.check,
        blocks.sent,
        blocks.computed,
        data_sets,
        profiles,
        unparsed,
        error,
        values,
    )


def _identified(capture: bytes) -> re.Match[bytes] | None:
    """The identification that the data follow; None where a whole block stands in front of the first."""
    match = _IDENTIFICATION.search(capture)
    if match is None:
        return None
    for block in _BLOCK.finditer(capture, 0, match.start(1)):
        if block[1][0] == STX and block[3] and b"(" in block[2]:
            return None
    following = _IDENTIFICATION.search(capture, match.end())
    while following is not None and b"(" not in capture[match.end() : following.start(1)]:
        match, following = following, _IDENTIFICATION.search(capture, following.end())  # asked more than once
    return match


def _blocks(capture: bytes, begin: int) -> _Blocks:
    """The text of the blocks behind ``begin`` joined, with the first wrong check or the last one.

    One message with its partial blocks is taken; of a recorded programming session every answer. Commands count only
    where there is nothing else, and a block that the reader refused (NAK) only where it was not repeated.
    """
    found: list[tuple[bool, _Blocks, bool]] = []
    position = begin
    while (block := _BLOCK.search(capture, position)) is not None:
        is_command = block[1][0] == SOH
        position = block.end()
        computed, sent, check = None, None, BlockCheck.MISSING
        if block[3]:
            computed = block_check(capture[block.start() + 1 : position])
            if position < len(capture):
                sent = capture[position]
                check = BlockCheck.RIGHT if sent == computed else BlockCheck.WRONG
                position += 1
        text = block[2] if not is_command else _COMMAND_HEAD.sub(b"", block[2], 1)
        if capture[position : position + 1] != bytes((NAK,)) or _BLOCK.search(capture, position) is None:
            found.append((is_command, _Blocks(text, check, sent, computed), block[3] != b"\x04"))
    if not found:
        return _Blocks(_without_controls(capture[begin:]), BlockCheck.MISSING, None, None)
    session = any(is_command for is_command, _, _ in found)
    answers = [entry for entry in found if not entry[0]] or found
    if not session:
        # What follows the last block of a message is the next message: a meter that pushes, or a second read-out.
        ends = [index for index, (_, _, last) in enumerate(answers) if last]
        answers = answers[: ends[0] + 1] if ends else answers
    blocks = [entry[1] for entry in answers]
    decisive = next((block for block in blocks if block.check is BlockCheck.WRONG), blocks[-1])
    separator = b"\r\n" if session else b""
    return decisive._replace(text=separator.join(block.text for block in blocks))


def _without_controls(text: bytes) -> bytes:
    """An unframed read-out without the wake-up octets, acknowledgements and echoed lines around it."""
    lines = [line.lstrip(_LINE_BEGINS) for line in re.split(rb"[\r\n]+", _OPTION_SELECT.sub(b"", text))]
    return b"\r\n".join(line for line in lines if not line.startswith(b"/?"))


def _p1_checksum(capture: bytes, begin: int) -> tuple[str | None, bool | None]:
    """Four hexadecimal digits behind the end mark, and whether they are the CRC16 from ``/`` to ``!``."""
    match = _P1_CHECKSUM.search(capture, begin)
    if match is None:
        return None, None
    sent = match[1].decode("ascii").upper()
    return sent, int(sent, 16) == crc16(capture[begin : match.start() + 1])
