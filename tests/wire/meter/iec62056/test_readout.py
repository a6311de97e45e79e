"""Whole captures: every published one as expected, and what else a field recording may have around a read-out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import vectors_folder
from wire.errors import Iec62056Error
from wire.meter.iec62056 import BlockCheck, DataMessage, DataSet, Readout, parse_capture
from wire.meter.iec62056.checksum import crc16

CAPTURES = sorted(vectors_folder("iec62056").glob("*.bin"))
IDENTIFICATION = b"/ISK5ME162-0033\r\n"
BODY = b"C.1.0(28342193)\r\n1.8.0(0033402.264*kWh)\r\n0.3.0(6.00*Imp/kWh)\r\n!\r\n"
BLOCK = DataMessage(BODY).to_bytes()
SETS = [("C.1.0", ("28342193",)), ("1.8.0", ("0033402.264*kWh",)), ("0.3.0", ("6.00*Imp/kWh",))]


def expected(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.with_suffix(".expected.json").read_text())
    return document


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_published_captures(path: Path) -> None:
    """Complaint 6: every maker's grammar that is published, value by value; complaint 5: wrong checks are reported."""
    wanted = expected(path)
    readout = parse_capture(path.read_bytes())
    found = readout.identification
    assert (found.manufacturer if found else None) == wanted.get("manufacturer")
    assert (found.baud_character if found else None) == wanted.get("baud_char")
    assert (found.text if found else None) == wanted.get("identification")
    assert [[address, list(values)] for address, values in readout.data_sets] == wanted["data_sets"]
    assert readout.unparsed_lines == wanted.get("unparsed_lines", [])
    if (check := wanted.get("bcc")) is None:
        assert readout.check is BlockCheck.MISSING
        assert readout.sent_check is None
    else:
        assert f"{readout.sent_check:02X}" == check["sent"]
        assert f"{readout.computed_check:02X}" == check["computed"]
        assert readout.check is (BlockCheck.RIGHT if check["ok"] else BlockCheck.WRONG)
    checksum = wanted.get("dsmr_crc", {"sent": None, "ok": None})
    assert (readout.checksum, readout.checksum_right) == (checksum["sent"], checksum["ok"])
    assert [
        {
            "obis": profile.obis,
            "start": profile.start,
            "status": profile.status,
            "period_min": profile.period_minutes,
            "channels": len(profile.columns),
            "columns": [list(column) for column in profile.columns],
            "rows": [list(row) for row in profile.rows],
        }
        for profile in readout.profiles
    ] == wanted.get("profiles", [])


def is_the_read_out(readout: Readout, check: BlockCheck = BlockCheck.RIGHT) -> bool:
    found = readout.identification
    assert found is not None
    assert found.to_bytes() == IDENTIFICATION
    assert readout.check is check
    assert readout.data_sets == SETS
    return readout.unparsed_lines == []


@pytest.mark.parametrize(
    "before",
    [
        b"/?!\r\n",
        b"/?00000012!\r\n",
        b"\x00" * 66,
        b"\x7f\x7f",
        b"\r\n",
        b"\xf8\x1b~",
        b"noise",
        b"\x00\xfe\x03",
        b"8.0(12*kWh)\r\n0.3.0(6.00*Imp/kWh)\r\n!\r\n\x03A",
    ],
)
def test_what_stands_in_front_of_an_identification_is_passed_over(before: bytes) -> None:
    """Complaint 4: echoes; besides, wake-up octets, noise, and the rest of an earlier telegram."""
    assert is_the_read_out(parse_capture(before + IDENTIFICATION + BLOCK))


@pytest.mark.parametrize("between", [b"\x06050\r\n", b"\x06\r\n", b"\x00\x00", b"\x7f", b"\r\n"])
def test_what_stands_between_identification_and_data_is_passed_over(between: bytes) -> None:
    """Complaint 4: the echo of the option select; an AS1440 V9.30 answers it with ACK CR LF."""
    assert is_the_read_out(parse_capture(IDENTIFICATION + between + BLOCK))
    assert is_the_read_out(parse_capture(IDENTIFICATION + between + BODY), BlockCheck.MISSING)


@pytest.mark.parametrize(
    "after", [b"\r\n", b"\x00", b"x", b"\x01B0\x03q", IDENTIFICATION + BLOCK, IDENTIFICATION + b"\x06050"]
)
def test_octets_behind_the_block_check_are_no_part_of_it(after: bytes) -> None:
    """Complaint 5: bytes after ETX and BCC."""
    assert is_the_read_out(parse_capture(IDENTIFICATION + BLOCK + after))


def test_a_block_check_may_be_any_character() -> None:
    """Complaint 5: it is a line feed in a ZMD read-out, and could be ETX."""
    for filler in range(0x20, 0x7F):
        if filler in b"()!":
            continue
        body = b"C.1(" + bytes((filler,)) + b")\r\n!\r\n"
        readout = parse_capture(DataMessage(body).to_bytes())
        assert readout.check is BlockCheck.RIGHT
        assert readout.data_sets == [("C.1", (chr(filler),))]


def test_a_wrong_block_check_is_reported_as_wrong() -> None:
    """Complaint 5: reported, with both characters, and never mended."""
    readout = parse_capture(IDENTIFICATION + BLOCK[:-1] + bytes((BLOCK[-1] ^ 1,)))
    assert is_the_read_out(readout, BlockCheck.WRONG)
    assert (readout.sent_check, readout.computed_check) == (BLOCK[-1] ^ 1, BLOCK[-1])


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_a_capture_that_is_cut_off_anywhere_invents_nothing(path: Path) -> None:
    capture = path.read_bytes()
    whole = parse_capture(capture)
    for end in range(0, len(capture), max(1, len(capture) // 80)):
        try:
            readout = parse_capture(capture[:end])
        except Iec62056Error:
            continue
        if readout.data_sets and not (readout.profiles or whole.profiles):
            *sure, last = readout.data_sets
            assert sure == whole.data_sets[: len(sure)]
            assert last.address == whole.data_sets[len(sure)].address
            assert last.values == whole.data_sets[len(sure)].values[: len(last.values)]
        if readout.check is not BlockCheck.MISSING:
            assert readout.check is whole.check


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_line_ends_do_not_matter_to_the_values(path: Path) -> None:
    """LF alone, CR alone, and CR turned into LF by a terminal: the check may then be wrong, the values are the same."""
    capture = path.read_bytes()
    whole = parse_capture(capture)
    for converted in (capture.replace(b"\r\n", b"\n"), capture.replace(b"\r\n", b"\r"), capture.replace(b"\r", b"\n")):
        readout = parse_capture(converted)
        assert readout.data_sets == whole.data_sets
        assert readout.profiles == whole.profiles
        assert readout.unparsed_lines == whole.unparsed_lines


def test_partial_blocks_are_one_read_out() -> None:
    blocks = DataMessage(BODY[:20], last=False).to_bytes() + b"\x06" + DataMessage(BODY[20:]).to_bytes()
    assert is_the_read_out(parse_capture(IDENTIFICATION + blocks))
    broken = bytearray(blocks)
    broken[5] ^= 1
    assert parse_capture(IDENTIFICATION + bytes(broken)).check is BlockCheck.WRONG


def test_a_block_that_was_refused_and_sent_again_counts_once() -> None:
    damaged = bytearray(BLOCK)
    damaged[10] ^= 1
    assert is_the_read_out(parse_capture(IDENTIFICATION + bytes(damaged) + b"\x15" + BLOCK))


def test_answers_of_a_programming_session() -> None:
    capture = b"/EMH5\\@D4EM\r\n\x01P0\x02()\x03`" + b"".join(
        DataMessage(body).to_bytes() for body in (b"0.9.2(130103)", b"0.9.1(101415)")
    )
    readout = parse_capture(capture)
    assert readout.data_sets == [("0.9.2", ("130103",)), ("0.9.1", ("101415",))]
    assert readout.check is BlockCheck.RIGHT


@pytest.mark.parametrize(
    ("body", "error"),
    [(b"(ERROR01)", "ERROR01"), (b"(ERROR)", "ERROR"), (b"ER(08)", "ER(08)"), (b"(ER(08))", "ER(08)")],
)
def test_error_answers(body: bytes, error: str) -> None:
    readout = parse_capture(DataMessage(body).to_bytes())
    assert readout.error == error
    assert readout.data_sets == []


def test_the_checksum_of_a_p1_telegram_is_that_of_the_telegram() -> None:
    telegram = b"/FLU5\\253769484_A\r\n\r\n0-0:96.1.4(50217)\r\n!"
    telegram += f"{crc16(telegram):04X}\r\n".encode()
    for capture in (telegram, telegram * 2, b"xx/yy\r\n" + telegram, b"1.8.1(000000.034*kWh)\r\n!3AD7\r\n" + telegram):
        readout = parse_capture(capture)
        assert readout.checksum_right is True
        assert readout.data_sets == [("0-0:96.1.4", ("50217",))]
    assert parse_capture(telegram.replace(b"50217", b"50218")).checksum_right is False


@pytest.mark.parametrize(
    "capture", [b"", b"\r\n", b"hello world", b"\x02\x03", b"\x02ab\x03x", b"\x06", bytes(range(256)) * 9]
)
def test_what_is_no_capture_is_refused(capture: bytes) -> None:
    with pytest.raises(Iec62056Error):
        parse_capture(capture)


@pytest.mark.parametrize(
    "part", [b"\x00", b"\x02", b"/ABC5\x02\x02", b"\r/ABC5x\r", b"\x02(\x03x", b"x(1)", b"\n/AB", b"("]
)
def test_long_captures_take_linear_time(part: bytes) -> None:
    read_or_refused(part * (200_000 // len(part)) + b"(")


SEEDS = [path.read_bytes() for path in CAPTURES]
MARKS = [b"\x01", b"\x02", b"\x03", b"\x04", b"\x15", b"!", b"(", b")", b"\r\n", b"/", b"P.01("]


@given(st.sampled_from(SEEDS), st.data())
def test_damaged_captures_are_read_or_refused(capture: bytes, data: st.DataObject) -> None:
    damaged = bytearray(capture)
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(damaged)))
        octets = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from(MARKS)))
        damaged[position : position + data.draw(st.integers(0, 3))] = octets
    read_or_refused(bytes(damaged))


@given(st.one_of(st.binary(), st.lists(st.sampled_from([IDENTIFICATION, BODY, BLOCK, *MARKS])).map(b"".join)))
def test_any_octets_are_read_or_refused(capture: bytes) -> None:
    read_or_refused(capture)


def read_or_refused(capture: bytes) -> None:
    try:
        readout = parse_capture(capture)
    except Iec62056Error:
        return
    assert (readout.sent_check is None) == (readout.check is BlockCheck.MISSING)
    assert (readout.sent_check == readout.computed_check) or readout.check is not BlockCheck.RIGHT
    assert all(isinstance(data_set, DataSet) and data_set.address and data_set.values for data_set in readout.data_sets)
