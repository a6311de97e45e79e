r"""A whole capture of a meter: identification, block check, data sets and load profiles, whatever surrounds them.

Decides what belongs to the meter in octets that somebody recorded: echoed requests, wake-up octets, an acknowledgement
in front of the data, several blocks, a missing ETX, a P1 checksum. Everything is reported as found; a wrong check is
reported as wrong and never mended. Lets only Iec62056Error escape.
"""

import re
from dataclasses import dataclass
from typing import Final

from wire.errors import Iec62056Error
from wire.meter.iec62056.characters import block_check
from wire.meter.iec62056.datasets import DataLines, DataSet, parse_data_sets
from wire.meter.iec62056.messages import ETX, STX, BlockCheck, Identification
from wire.meter.iec62056.profile import LoadProfile, parse_profiles

MAXIMUM_CAPTURE: Final = 16 * 1024 * 1024
"""Octets of a capture: a year of quarter-hours with eight channels has some 3 MB."""

_IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}[!-~ ][^\r\n]{0,64}(?=[\r\n]|\Z)")
_BLOCK_END = re.compile(rb"[\x03\x04]")
_ERROR = re.compile(r"\((ER[^()*/!]{0,30})\)|(ER\([0-9]{1,4}\))|\((ER\([0-9]{1,4}\))\)")
_P1_CHECKSUM = re.compile(rb"![ ]?([0-9A-Fa-f]{4})[\r\n\x00 ]*\Z")
_PROFILE_MARK = re.compile(r"(?:^|[\r\n])P\.")
_CRC16_POLYNOMIAL: Final = 0xA001


def _crc16_table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        crc = octet
        for _ in range(8):
            crc = (crc >> 1) ^ _CRC16_POLYNOMIAL if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC16: Final = _crc16_table()


@dataclass(frozen=True, slots=True)
class Readout:
    """What a meter said. ``check`` is that of the first wrong block, else of the last; the ints are the characters.

    ``error`` is the text of an error answer. ``checksum`` and ``checksum_right`` are the CRC16 of a P1 telegram.
    """

    identification: Identification | None
    check: BlockCheck
    sent_check: int | None
    computed_check: int | None
    data_sets: list[DataSet]
    profiles: list[LoadProfile]
    unparsed_lines: list[str]
    error: str | None = None
    checksum: str | None = None
    checksum_right: bool | None = None


@dataclass(frozen=True, slots=True)
class _Blocks:
    text: bytes
    check: BlockCheck
    sent: int | None
    computed: int | None


def parse_capture(capture: bytes) -> Readout:
    """Read ``capture`` (seven-bit characters). Raises Iec62056Error where nothing of a meter is in it."""
    if len(capture) > MAXIMUM_CAPTURE:
        raise Iec62056Error(f"a capture of more than {MAXIMUM_CAPTURE} octets")
    identification: Identification | None = None
    begin = 0
    if (match := _IDENTIFICATION.search(capture, 0, _first_block(capture))) is not None:
        identification = Identification.from_bytes(match[0])
        begin = match.end()
    blocks = _blocks(capture, begin)
    text = blocks.text.decode("latin-1")
    profiles: list[LoadProfile] = []
    found = DataLines([], [])
    if (error := _error(text)) is None:
        if "P." in text and _PROFILE_MARK.search(text):
            profiles, found = parse_profiles(text)
        else:
            found = parse_data_sets(text)
    checksum, right = (None, None)
    if blocks.sent is None and identification is not None:
        checksum, right = _p1_checksum(capture)
    readout = Readout(
        identification,
        blocks.check,
        blocks.sent,
        blocks.computed,
        found.data_sets,
        profiles,
        found.unparsed,
        error,
        checksum,
        right,
    )
    if identification is None and blocks.sent is None and not (found.data_sets or profiles or error):
        raise Iec62056Error("nothing of an IEC 62056-21 meter is in this")
    return readout


def _first_block(capture: bytes) -> int:
    """Where identifications end: the first STX at the beginning of a line, or everything."""
    position = capture.find(STX)
    while position > 0 and capture[position - 1] not in b"\r\n\x00\x06\x7f":
        position = capture.find(STX, position + 1)
    return position if position >= 0 else len(capture)


def _blocks(capture: bytes, begin: int) -> _Blocks:
    """The text of all blocks behind ``begin`` joined, with the first wrong check or the last one."""
    position = capture.find(STX, begin)
    if position < 0:
        return _Blocks(_without_controls(capture[begin:]), BlockCheck.MISSING, None, None)
    parts: list[bytes] = []
    check, sent, computed = BlockCheck.MISSING, None, None
    while position >= 0:
        end = _BLOCK_END.search(capture, position)
        if end is None or end.end() >= len(capture):
            # Cut off: what is there is text, and its check is missing.
            parts.append(capture[position + 1 : len(capture) if end is None else end.start()])
            if check is not BlockCheck.WRONG:
                check, sent, computed = BlockCheck.MISSING, None, None
            break
        parts.append(capture[position + 1 : end.start()])
        if check is not BlockCheck.WRONG:
            computed, sent = block_check(capture[position + 1 : end.end()]), capture[end.end()]
            check = BlockCheck.RIGHT if sent == computed else BlockCheck.WRONG
        if capture[end.start()] == ETX:
            break
        position = capture.find(STX, end.end() + 1)
    return _Blocks(b"".join(parts), check, sent, computed)


def _without_controls(text: bytes) -> bytes:
    """An unframed read-out without the wake-up octets, acknowledgements and echoed lines around it."""
    lines = [line.lstrip(b"\x00\x06\x7f") for line in re.split(rb"[\r\n]+", text)]
    return b"\r\n".join(line for line in lines if not line.startswith(b"/?"))


def _error(text: str) -> str | None:
    match = _ERROR.fullmatch(text.strip("\r\n"))
    return None if match is None else match[match.lastindex or 1]


def _p1_checksum(capture: bytes) -> tuple[str | None, bool | None]:
    """CRC16/ARC from ``/`` to ``!`` as P1 ports send it behind the end mark, as four hexadecimal digits."""
    match = _P1_CHECKSUM.search(capture)
    if match is None:
        return None, None
    crc = 0
    for octet in capture[capture.find(b"/") : match.start() + 1]:
        crc = (crc >> 8) ^ _CRC16[(crc ^ octet) & 0xFF]
    sent = match[1].decode("ascii").upper()
    return sent, int(sent, 16) == crc
