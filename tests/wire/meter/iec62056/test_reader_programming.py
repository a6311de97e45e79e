"""The reader in programming mode: commands one after the other, partial blocks, doubled and late answers."""

import pytest

from tests.wire.meter.iec62056.conversation import (
    IDENTIFICATION,
    READ_OUT,
    SIGN_OFF,
    always,
    converse,
    failure,
    once,
    only,
    sends,
    station,
    wrong_check,
)
from wire.meter.iec62056 import Command, DataMessage, FailureReason, Reader, ReaderOptions
from wire.meter.iec62056.commands import profile_command, register_command


def test_registers_one_by_one_with_password_and_sign_off() -> None:
    commands = (register_command("1.8.0"), register_command("2.8.0", name="R1"))
    conversation = converse(ReaderOptions(commands=commands, password="00000000"), station(password="00000000"))
    result = conversation.reader.result
    assert result is not None
    assert [message.body for message in result.messages] == [b"1.8.0(0033402.264*kWh)", b"(0000013.465*kWh)"]
    assert conversation.said[1:] == [
        b"\x06051\r\n",
        b"\x01P1\x02(00000000)\x03a",
        b"\x01R5\x021.8.0()\x03" + bytes([Command("R5", b"1.8.0()").to_bytes()[-1]]),
        Command("R1", b"2.8.0()").to_bytes(),
        SIGN_OFF,
    ]


def test_wrong_password_ends_with_sign_off() -> None:
    options = ReaderOptions(commands=(register_command("1.8.0"),), password="11111111")
    conversation = converse(options, station(password="00000000"))
    assert failure(conversation) is FailureReason.METER_ERROR
    assert conversation.said[-1] == SIGN_OFF


def test_partial_blocks_are_acknowledged_and_joined() -> None:
    options = ReaderOptions(commands=(profile_command("P.01", partial_blocks=True),))
    conversation = converse(options)
    assert only(conversation).body.endswith(b"(0.1)\r\n(0.2)\r\n(0.3)\r\n")
    assert conversation.said[3:5] == [b"\x06", b"\x06"]


def test_a_wrong_partial_block_is_asked_for_again_and_not_doubled() -> None:
    options = ReaderOptions(commands=(profile_command("P.01", partial_blocks=True),))
    conversation = converse(options, tamper=once(3, wrong_check))
    assert only(conversation).body.count(b"(0.2)") == 1
    assert conversation.said[3:6] == [b"\x06", b"\x15", b"\x06"]


def test_a_doubled_answer_is_not_taken_for_the_next() -> None:
    commands = (register_command("1.8.0"), register_command("2.8.0"))
    conversation = converse(ReaderOptions(commands=commands), tamper=once(2, lambda answer: answer * 2))
    assert conversation.reader.result is not None
    assert [message.body[:6] for message in conversation.reader.result.messages] == [b"1.8.0(", b"(00000"]


def test_a_late_answer_to_the_command_before_is_passed_over() -> None:
    reader = Reader(ReaderOptions(commands=(register_command("1.8.0"), register_command("2.8.0"))))
    reader.start()
    reader.receive(IDENTIFICATION.to_bytes())
    reader.receive(b"\x01P0\x02()\x03\x60")
    first, second = (DataMessage(body).to_bytes() for body in (b"1-0:1.8.0*255(1*kWh)", b"2.8.0(2*kWh)"))
    reader.receive(first)
    assert reader.receive(first) == []
    reader.receive(second)
    assert reader.result is not None
    assert [message.body for message in reader.result.messages] == [b"1-0:1.8.0*255(1*kWh)", b"2.8.0(2*kWh)"]


def test_a_command_that_the_meter_did_not_understand_is_repeated() -> None:
    conversation = converse(ReaderOptions(commands=(register_command("1.8.0"),)), tamper=once(2, lambda _: b"\x15"))
    assert only(conversation).body == b"1.8.0(0033402.264*kWh)"
    refusing = converse(ReaderOptions(commands=(register_command("1.8.0"),)), tamper=always(2, lambda _: b"\x15"))
    assert failure(refusing) is FailureReason.METER_REFUSED


def test_a_meter_that_breaks_off() -> None:
    options = ReaderOptions(commands=(register_command("1.8.0"),))
    assert failure(converse(options, tamper=always(1, lambda _: SIGN_OFF))) is FailureReason.METER_REFUSED


def test_a_doubled_answer_without_address_is_not_taken_for_the_next() -> None:
    commands = (register_command("2.8.0", name="R1"), register_command("1.8.0"))
    conversation = converse(ReaderOptions(commands=commands), tamper=once(2, lambda answer: answer * 2))
    assert conversation.reader.result is not None
    assert [message.body[:6] for message in conversation.reader.result.messages] == [b"(00000", b"1.8.0("]


def test_a_damaged_p0_or_error_answer_is_asked_for_again() -> None:
    options = ReaderOptions(commands=(register_command("1.8.0"),))
    conversation = converse(options, tamper=once(1, wrong_check))
    assert only(conversation).body == b"1.8.0(0033402.264*kWh)"
    assert conversation.said[2] == b"\x15"
    damaged = converse(options, tamper=once(1, lambda _: wrong_check(DataMessage(b"(ERROR07)").to_bytes())))
    assert only(damaged).body == b"1.8.0(0033402.264*kWh)"


def test_partial_blocks_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wire.meter.iec62056.reader.MAXIMUM_TOTAL", 40)
    conversation = converse(ReaderOptions(commands=(profile_command("P.01", partial_blocks=True),)))
    assert failure(conversation) is FailureReason.GRAMMAR


def test_what_is_no_message_behind_one_that_is_makes_the_reader_wait() -> None:
    reader = Reader(ReaderOptions())
    reader.start()
    assert sends(reader.receive(IDENTIFICATION.to_bytes() + b"/1!\r\n")) == [b"\x06050\r\n"]
    assert reader.receive(READ_OUT) == []
    assert reader.result is None
    assert sends(reader.timeout()) == [b"\x15"]
