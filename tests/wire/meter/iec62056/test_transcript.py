"""Recorded conversations: messages, their checks, and what the meter said in them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import vectors_folder
from wire.errors import Iec62056Error
from wire.meter.iec62056 import (
    Acknowledgement,
    BlockCheck,
    Command,
    DataMessage,
    NegativeAcknowledgement,
    add_parity,
    is_transcript,
    parse_transcript,
)

SESSIONS = sorted(vectors_folder("iec62056").glob("*.session.txt"))
ACK, NAK = Acknowledgement().to_bytes(), NegativeAcknowledgement().to_bytes()


def written(*messages: tuple[str, bytes]) -> str:
    return "".join(f"{direction} {octets.hex()}\n" for direction, octets in messages)


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.name)
def test_published_transcripts(path: Path) -> None:
    text = path.read_text()
    wanted = json.loads(path.with_name(path.name.replace(".session.txt", ".expected.json")).read_text())["messages"]
    lines = parse_transcript(text).lines
    assert is_transcript(text)
    assert [(line.direction, line.characters.decode("latin-1")) for line in lines] == [
        (message["dir"], message["text"]) for message in wanted
    ]
    for line, message in zip(lines, wanted, strict=True):
        if line.checks is None:
            assert "bcc_sent" not in message
        else:
            sent, computed = line.checks
            assert (f"{sent:02X}", f"{computed:02X}") == (message["bcc_sent"], message["bcc_computed"])
            assert (sent == computed) is message["bcc_ok"]


def test_a_value_without_address_gets_the_one_that_was_asked_for() -> None:
    text = written(
        ("TX", Command("R1", b"1.8.0()").to_bytes()),
        ("RX", DataMessage(b"(0033402.264*kWh)").to_bytes()),
        ("TX", Command("R1", b"9.9.9()").to_bytes()),
        ("RX", DataMessage(b"(ER(01))").to_bytes()),
    )
    readout = parse_transcript(text).readout
    assert readout.data_sets == [("1.8.0", ("0033402.264*kWh",))]
    assert readout.error == "ER(01)"
    assert readout.check is BlockCheck.RIGHT


def profile_in_blocks(*, damaged: bool) -> str:
    header = b"P.01(1220823161500)(00)(15)(1)(1.5)(kW)\r\n"
    first = DataMessage(header + b"(1)\r\n", last=False).to_bytes()
    second = DataMessage(b"(2)\r\n(3)\r\n").to_bytes()
    wrong = second[:-1] + bytes((second[-1] ^ 1,))
    again = (("RX", wrong), ("TX", NAK)) if damaged else ()
    return written(
        ("TX", Command("R6", b"P.01(;)").to_bytes()),
        ("RX", first),
        ("TX", ACK),
        *again,
        ("RX", second),
        ("TX", b"\x01B0\x03q"),
    )


@pytest.mark.parametrize("damaged", [False, True])
def test_partial_blocks_are_joined_and_refused_ones_forgotten(damaged: bool) -> None:
    readout = parse_transcript(profile_in_blocks(damaged=damaged)).readout
    assert [profile.rows for profile in readout.profiles] == [(("1",), ("2",), ("3",))]
    assert readout.unparsed_lines == []
    assert readout.check is BlockCheck.RIGHT


def test_a_wrong_check_is_reported_as_wrong() -> None:
    block = DataMessage(b"1.8.0(1)\r\n!\r\n").to_bytes()
    right = DataMessage(b"0.9.1(1)").to_bytes()
    transcript = parse_transcript(
        written(("RX", block[:-1] + b"\x00"), ("TX", b"\x01R5\x020.9.1()\x03_"), ("RX", right))
    )
    assert transcript.readout.check is BlockCheck.WRONG
    assert transcript.lines[0].checks == (0, block[-1])


def test_a_message_may_take_several_lines() -> None:
    octets = b"/ISK5ME162\r\n" + DataMessage(b"1.8.0(1)\r\n!\r\n").to_bytes()
    readout = parse_transcript(written(*(("RX", octets[at : at + 7]) for at in range(0, len(octets), 7)))).readout
    assert readout.identification is not None
    assert readout.data_sets == [("1.8.0", ("1",))]
    assert readout.check is BlockCheck.RIGHT


def test_parity_bits_are_taken_off() -> None:
    """Complaint 3: a seven-bit line that was recorded with eight bits."""
    octets = b"/ISK5ME162\r\n" + DataMessage(b"1.8.0(1)\r\n!\r\n").to_bytes()
    transcript = parse_transcript(written(("TX", b"/?!\r\n"), ("RX", add_parity(octets))))
    assert transcript.parity_bits
    assert transcript.readout.check is BlockCheck.RIGHT
    assert transcript.lines[1].characters == octets


@pytest.mark.parametrize("text", ["# made by hand\n\nTX 2f 3f 21 0d 0a\n", "rx: 06\n", "RX\t06"])
def test_transcripts_are_known_by_their_first_line(text: str) -> None:
    assert is_transcript(text)
    assert parse_transcript(text).lines


@pytest.mark.parametrize("text", ["", "# nothing\n", "/ISK5\r\n", "TXT 06", "2f3f210d0a"])
def test_what_is_no_transcript(text: str) -> None:
    assert not is_transcript(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("TX 2f3f210d0a\nRX 2f3\n", "line 2 has an odd number of hexadecimal digits"),
        ("TX 2x\n", "line 1 is not hexadecimal"),
        ("TX 06\nfoo\n", "line 2 does not begin with TX or RX"),
        ("TX\n", "line 1 has no octets"),
    ],
)
def test_refusals_name_the_line(text: str, sentence: str) -> None:
    with pytest.raises(Iec62056Error, match=sentence):
        parse_transcript(text)


BLOCKS = [b"\x01P0\x02()\x03`", b"\x01R1\x021.8.0()\x03Z", b"\x02(1)\x03\x31"]
PARTS = [*BLOCKS, ACK, NAK, b"\x02P.01(", b"\x04x", b"/ABC5x\r\n", b"\x03"]


@given(st.lists(st.tuples(st.sampled_from(["TX", "RX"]), st.one_of(st.sampled_from(PARTS), st.binary(min_size=1)))))
def test_any_conversation_is_read(messages: list[tuple[str, bytes]]) -> None:
    transcript = parse_transcript(written(*messages))
    assert len(transcript.lines) == len(messages)


@given(st.one_of(st.text(), st.text(st.sampled_from("TRX 0aF\n#"))))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_transcript(text)
    except Iec62056Error:
        return
