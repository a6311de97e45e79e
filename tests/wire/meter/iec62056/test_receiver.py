"""Cutting a stream into messages: what is accepted, what is refused, and that the cut of the stream does not matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Iec62056Error
from wire.meter.iec62056 import (
    Acknowledgement,
    BlockCheck,
    Command,
    DataMessage,
    Identification,
    Message,
    NegativeAcknowledgement,
    OptionSelect,
    Receiver,
    Request,
    Side,
)
from wire.meter.iec62056.receiver import MAXIMUM_NOISE

BLOCK = DataMessage(b"1.8.0(0033402.264*kWh)\r\n!\r\n").to_bytes()
PIECES = st.sampled_from(
    [
        BLOCK,
        b"/ISK5ME162-0033\r\n",
        b"/?!\r\n",
        b"/?12345678!\r\n",
        b"\x06",
        b"\x06050\r\n",
        b"\x15",
        b"\x00\x00\x7f",
        b"\r\n",
        b"\x01P0\x02()\x03\x60",
        b"\x01B0\x03q",
        b"\x02P.01(v)\r\n\x04\x11",
        b"1.8.0(1*kWh)\r\n!\r\n",
        b"6.00*Imp/kWh)\r\n",
        b"\xff",
    ]
)
STREAMS = st.one_of(
    st.binary(max_size=80), st.lists(st.one_of(PIECES, st.binary(max_size=4)), max_size=8).map(b"".join)
)
SIDES = st.sampled_from(Side)


def reader_side(*, text_due: bool = False) -> Receiver:
    receiver = Receiver(Side.READER)
    receiver.text_due = text_due
    return receiver


def meter_side(*, option_select_due: bool) -> Receiver:
    receiver = Receiver(Side.METER)
    receiver.option_select_due = option_select_due
    return receiver


def until_error(receiver: Receiver, pieces: list[bytes]) -> list[Message | str]:
    """All messages, and the first refusal."""
    found: list[Message | str] = []
    try:
        for piece in [*pieces, b""]:
            found += receiver.feed(piece)
    except Iec62056Error as error:
        found.append(str(error))
    return found


@given(STREAMS, SIDES, st.booleans(), st.booleans())
def test_octet_by_octet_is_the_same_as_at_once(stream: bytes, side: Side, text: bool, option: bool) -> None:
    receivers = [Receiver(side), Receiver(side)]
    for receiver in receivers:
        receiver.text_due, receiver.option_select_due = text and side is Side.READER, option
    at_once = until_error(receivers[0], [stream])
    by_octet = until_error(receivers[1], [bytes([octet]) for octet in stream])
    assert at_once == by_octet


@given(STREAMS, SIDES)
def test_accepted_framed_messages_encode_to_what_was_received(stream: bytes, side: Side) -> None:
    for message in until_error(Receiver(side), [stream]):
        if isinstance(message, DataMessage | Command | OptionSelect):
            assert message.to_bytes() in stream


@given(st.lists(STREAMS, max_size=4), SIDES)
def test_only_our_error_escapes_and_the_receiver_lives_on(streams: list[bytes], side: Side) -> None:
    receiver = Receiver(side)
    for stream in streams:
        until_error(receiver, [stream])
        receiver.flush()
    receiver.clear()
    assert receiver.feed(BLOCK) == [DataMessage.from_bytes(BLOCK)]


def test_one_message_after_the_other() -> None:
    stream = b"\x00\x00/ISK5ME162-0033\r\n\x06\r\n" + BLOCK + b"\x15"
    assert reader_side().feed(stream) == [
        Identification("ISK", "5", "ME162-0033"),
        Acknowledgement(),
        DataMessage.from_bytes(BLOCK),
        NegativeAcknowledgement(),
    ]


@pytest.mark.parametrize("check", [b"\n", b"\r", b"\x03", b"\x04", b"\x02", b"/", b"\x15", b"\x06", b"\x00", b"\x7f"])
def test_a_block_check_may_be_any_character(check: bytes) -> None:
    # A filler makes the exclusive or of the block equal to ``check``.
    filler = bytes([check[0] ^ ord("(") ^ ord(")") ^ 0x03 ^ 0x40]) + b"\x40"
    if filler[0] in b"\x03\x04":
        filler = bytes([filler[0] ^ 0x20]) + b"\x60"
    stream = b"\x02(" + filler + b")\x03" + check + b"\x06"
    block, acknowledgement = reader_side().feed(stream)
    assert isinstance(block, DataMessage)
    assert (block.check, acknowledgement) == (BlockCheck.RIGHT, Acknowledgement())


def test_a_wrong_block_check_is_reported_as_wrong() -> None:
    (message,) = reader_side().feed(BLOCK[:-1] + bytes([BLOCK[-1] ^ 1]))
    assert isinstance(message, DataMessage)
    assert message.check is BlockCheck.WRONG


def test_what_was_complete_before_an_error_counts() -> None:
    receiver = reader_side()
    assert receiver.feed(BLOCK + b"/1!\r\n") == [DataMessage.from_bytes(BLOCK)]
    assert receiver.failed
    with pytest.raises(Iec62056Error):
        receiver.feed(b"")
    assert not receiver.failed


def test_clearing_forgets_an_error_that_is_still_due() -> None:
    receiver = reader_side()
    receiver.feed(BLOCK + b"/1!\r\n")
    receiver.clear()
    assert receiver.feed(BLOCK) == [DataMessage.from_bytes(BLOCK)]


@pytest.mark.parametrize("noise", [b"x", b"~/", b"\xff\x80x", b"1.8.0(x"])
def test_noise_in_front_of_a_block_is_passed_over(noise: bytes) -> None:
    assert reader_side(text_due=True).feed(noise + BLOCK)[-1] == DataMessage.from_bytes(BLOCK)


@pytest.mark.parametrize("noise", [b"x", b"kW/h", b"\xff~", b"6.00*Imp/kWh)", b"12*kWh)\r\n!"])
def test_text_before_an_identification_belongs_to_another_telegram(noise: bytes) -> None:
    assert reader_side().feed(noise + b"/ISK5ME162\r\n") == [Identification("ISK", "5", "ME162")]


def test_a_unit_with_a_slash_is_no_identification() -> None:
    assert reader_side().feed(b"1-0:0.3.0*255(6.00*Imp/kWh)\r\n1.8.0(1*kWh/h)\r\n") == []


def test_text_without_a_frame_ends_with_its_end_mark() -> None:
    text = b"1.8.0(001846.0*kWh)\r\n2.8.0(1*Imp/kWh)\r\n!\r\n"
    (message,) = reader_side(text_due=True).feed(text)
    assert message == DataMessage(text, True, BlockCheck.MISSING, None, framed=False)
    assert message.to_bytes() == text


def test_text_that_ends_in_silence() -> None:
    receiver = reader_side(text_due=True)
    assert receiver.feed(b"1.8.0(001846.0*kWh)\r\n!") == []
    assert receiver.flush() == DataMessage(b"1.8.0(001846.0*kWh)\r\n!", True, BlockCheck.MISSING, None, framed=False)
    assert receiver.pending == 0


@pytest.mark.parametrize("end", [b"!\r\n", b"!\r\n\x03"])
def test_a_block_whose_check_never_comes(end: bytes) -> None:
    receiver = reader_side()
    assert receiver.feed(b"\x021.8.0(1)\r\n" + end) == []
    flushed = receiver.flush()
    assert flushed is not None
    assert (flushed.body, flushed.check) == (b"1.8.0(1)\r\n!\r\n", BlockCheck.MISSING)


@pytest.mark.parametrize("rest", [b"\x021.8.0(1)\r\n", b"\x021.8.0(1)\r\n\x04", b"1.8.0(1)", b"", b"/ISK5!"])
def test_half_a_message_is_none(rest: bytes) -> None:
    receiver = reader_side(text_due=True)
    receiver.feed(rest)
    assert receiver.flush() is None


def test_an_acknowledgement_may_begin_an_option_select() -> None:
    assert meter_side(option_select_due=True).feed(b"\x06051\r\n") == [OptionSelect("0", "5", "1")]
    assert meter_side(option_select_due=False).feed(b"\x06") == [Acknowledgement()]
    # A reader that hears its own option select takes it for an ACK, which says nothing where data is expected.
    assert reader_side().feed(b"\x06050\r\n") == [Acknowledgement()]


def test_what_a_meter_hears_of_other_meters_is_nothing() -> None:
    receiver = meter_side(option_select_due=False)
    receiver.feed(b"\xaa" * (MAXIMUM_NOISE * 3))
    assert receiver.feed(b"\r\n/?1!\r\n") == [Request("1")]


def test_noise_is_bounded_for_a_reader_and_a_message_begins_the_count_anew() -> None:
    receiver = reader_side()
    receiver.feed(b"\xaa" * MAXIMUM_NOISE)
    receiver.feed(BLOCK)
    receiver.feed(b"\xaa" * MAXIMUM_NOISE)
    with pytest.raises(Iec62056Error, match="noise"):
        receiver.feed(b"\xaa")


@pytest.mark.parametrize("text_due", [True, False])
def test_no_message_is_longer_than_allowed(text_due: bool) -> None:
    body = b"1.8.0(" + b"1" * 60 + b")\r\n!\r\n"
    stream = body if text_due else DataMessage(body).to_bytes()
    for pieces in ([stream], [bytes([octet]) for octet in stream]):
        receiver = Receiver(Side.READER, maximum=len(stream) - 1)
        receiver.text_due = text_due
        (refusal,) = until_error(receiver, pieces)[:1]
        assert isinstance(refusal, str)
        exact = Receiver(Side.READER, maximum=len(stream))
        exact.text_due = text_due
        assert len(until_error(exact, pieces)) == 1


def test_a_block_without_an_end_is_refused_before_memory_fills() -> None:
    receiver = Receiver(Side.READER, maximum=100)
    assert receiver.feed(b"\x02" + b"1" * 99) == []
    with pytest.raises(Iec62056Error, match="more than 100"):
        receiver.feed(b"1")
    assert receiver.pending == 0


def test_a_line_without_an_end_is_refused() -> None:
    with pytest.raises(Iec62056Error, match="line"):
        reader_side().feed(b"/" + b"A" * 200)
