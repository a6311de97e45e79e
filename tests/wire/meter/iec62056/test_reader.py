"""The reader against a well-behaved meter and against what meters in the field do to readers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.meter.iec62056.conversation import (
    BODY,
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
from wire.meter.iec62056 import (
    BlockCheck,
    ChangeSpeed,
    DataMessage,
    FailureReason,
    Identification,
    ProtocolMode,
    Reader,
    ReaderOptions,
    Send,
)
from wire.meter.iec62056.commands import register_command
from wire.meter.iec62056.options import GAP_SECONDS, REACTION_SECONDS, BlockCheckPolicy, WakeUp
from wire.meter.iec62056.reader import State


def test_mode_c_changes_speed_after_the_option_select() -> None:
    conversation = converse()
    assert only(conversation) == DataMessage.from_bytes(READ_OUT)
    assert conversation.said == [b"/?!\r\n", b"\x06050\r\n"]
    assert conversation.speeds == [300, 9600]


def test_mode_b_changes_speed_without_a_word() -> None:
    meter = station(identification=Identification("SIE", "C", "2WR5"), mode=ProtocolMode.B)
    conversation = converse(meter=meter)
    assert only(conversation).body == BODY
    assert (conversation.said, conversation.speeds) == ([b"/?!\r\n"], [300, 2400])


def test_mode_a_stays_at_the_speed_and_may_have_no_check() -> None:
    meter = station(identification=Identification("ELS", " ", "A"), mode=ProtocolMode.A, checked=False)
    conversation = converse(ReaderOptions(block_check=BlockCheckPolicy.ACCEPT_MISSING), meter)
    assert only(conversation).check is BlockCheck.MISSING
    assert conversation.speeds == [300]


def test_mode_d_is_only_listened_to_and_never_asked() -> None:
    reader = Reader(ReaderOptions(mode=ProtocolMode.D, sign_on_speed=9600, block_check=BlockCheckPolicy.ACCEPT_MISSING))
    assert reader.start() == [ChangeSpeed(9600)]
    telegram = b"/ESY5Q3DA1004\r\n\r\n1-0:1.8.0*255(00032549.5061662*kWh)\r\n!\r\n"
    # The reader was connected in the middle of a telegram.
    assert reader.receive(b"0*255(6.00*Imp/kWh)\r\n!\r\n" + telegram) == []
    assert reader.result is not None
    assert reader.result.identification == Identification("ESY", "5", "Q3DA1004")


def test_mode_d_with_a_wrong_check_waits_for_the_next_telegram() -> None:
    reader = Reader(ReaderOptions(mode=ProtocolMode.D, sign_on_speed=9600))
    reader.start()
    telegram = IDENTIFICATION.to_bytes() + READ_OUT
    assert reader.receive(wrong_check(telegram)) == []
    assert reader.receive(telegram) == []
    assert reader.result is not None
    again = Reader(ReaderOptions(mode=ProtocolMode.D, repeats=2))
    again.start()
    effects = [effect for _ in range(3) for effect in again.receive(wrong_check(telegram))]
    assert (effects, again.failure) == ([], FailureReason.BLOCK_CHECK)


def test_a_meter_of_mode_e_is_read_in_mode_c() -> None:
    meter = station(identification=Identification("LGZ", "5", "\\2ZMD3104407.B24"))
    conversation = converse(meter=meter)
    assert only(conversation).body == BODY
    assert conversation.said[1] == b"\x06050\r\n"
    assert only(converse(ReaderOptions(mode=ProtocolMode.E), station())).body == BODY


def test_forced_mode_against_a_baud_character_of_another() -> None:
    meter = station(identification=Identification("XYZ", "C", "says mode B"))
    conversation = converse(ReaderOptions(mode=ProtocolMode.C, ignore_announced_speed=True), meter)
    assert only(conversation).body == BODY


# -- complaint 1: announces a speed but does not change, or at another moment --


def test_meter_that_announces_a_speed_and_stays() -> None:
    meter = station(speed_changes=False)
    assert failure(converse(meter=meter)) in (FailureReason.SILENCE, FailureReason.GRAMMAR)
    conversation = converse(ReaderOptions(ignore_announced_speed=True), station(speed_changes=False))
    assert only(conversation).body == BODY
    assert conversation.said[1] == b"\x06000\r\n"


def test_fixed_speed_keeps_the_line_as_it_is() -> None:
    options = ReaderOptions(fixed_speed=9600)
    conversation = converse(options, station(speed_changes=False), meter_speed=9600)
    assert only(conversation).body == BODY
    assert conversation.speeds == [9600]


def test_ignored_speed_on_a_fast_line_selects_that_speed() -> None:
    reader = Reader(ReaderOptions(sign_on_speed=9600, ignore_announced_speed=True))
    reader.start()
    assert sends(reader.receive(b"/ISK6MT174\r\n")) == [b"\x06050\r\n"]


def test_delay_before_the_change_of_speed() -> None:
    reader = Reader(ReaderOptions(switch_delay_seconds=0.4))
    reader.start()
    assert reader.receive(IDENTIFICATION.to_bytes())[-1] == ChangeSpeed(9600, 0.4)


# -- complaint 2: time-outs --


def test_limits_are_gaps_and_octets_and_progress_can_be_seen() -> None:
    reader = Reader(ReaderOptions(maximum_message=100_000))
    reader.start()
    assert reader.patience == REACTION_SECONDS
    reader.receive(IDENTIFICATION.to_bytes())
    reader.receive(b"\x02")
    for _ in range(5_000):
        assert reader.receive(b"1.8.0*01(1)\r\n") == []
    assert (reader.patience, reader.failure, reader.octets) == (GAP_SECONDS, None, 65_018)
    assert reader.data_begun


def test_a_message_without_end_is_given_up() -> None:
    def endless(characters: bytes) -> bytes:
        return characters[:1] + b"1" * 1001

    conversation = converse(ReaderOptions(maximum_message=1000), tamper=always(1, endless))
    assert failure(conversation) is FailureReason.GRAMMAR


# -- complaint 4 and noise: damaged characters --


def test_damaged_characters_are_waited_out_and_asked_for_again() -> None:
    reader = Reader(ReaderOptions())
    reader.start()
    reader.receive(IDENTIFICATION.to_bytes())
    assert reader.damaged("parity") == []
    assert reader.receive(READ_OUT) == []
    assert reader.result is None
    assert sends(reader.timeout()) == [b"\x15"]
    reader.receive(READ_OUT)
    assert reader.result is not None


def test_own_echo_that_nobody_cancelled_is_passed_over() -> None:
    reader = Reader(ReaderOptions(commands=(register_command("1.8.0"),), password="00000000"))
    heard = [b"\x01P0\x02()\x03\x60", b"\x06", DataMessage(b"1.8.0(1*kWh)").to_bytes()]
    effects = reader.start()
    effects = reader.receive(b"".join(sends(effects)) + IDENTIFICATION.to_bytes())
    for message in heard:
        effects = reader.receive(b"".join(sends(effects))) + reader.receive(message)
    assert reader.result is not None


def test_printable_noise_at_the_change_of_speed() -> None:
    assert only(converse(tamper=once(1, lambda read_out: b"x~" + read_out))).check is BlockCheck.RIGHT


# -- complaint 5: block checks --


def test_wrong_block_check_is_asked_for_again_and_then_right() -> None:
    conversation = converse(tamper=once(1, wrong_check))
    assert only(conversation).check is BlockCheck.RIGHT
    assert conversation.said[2:] == [b"\x15"]


def test_wrong_block_check_is_asked_for_a_bounded_number_of_times() -> None:
    conversation = converse(ReaderOptions(repeats=2), tamper=always(1, wrong_check))
    assert failure(conversation) is FailureReason.BLOCK_CHECK
    assert conversation.said[2:] == [b"\x15"] * 2


def test_wrong_block_check_is_only_returned_to_who_wants_to_look() -> None:
    options = ReaderOptions(block_check=BlockCheckPolicy.REPORT)
    assert only(converse(options, tamper=always(1, wrong_check))).check is BlockCheck.WRONG
    accepting = ReaderOptions(block_check=BlockCheckPolicy.ACCEPT_MISSING)
    assert failure(converse(accepting, tamper=always(1, wrong_check))) is FailureReason.BLOCK_CHECK


@pytest.mark.parametrize("cut", [1, 2])
def test_missing_block_check(cut: int) -> None:
    tamper = always(1, lambda read_out: read_out[:-cut])
    accepting = ReaderOptions(block_check=BlockCheckPolicy.ACCEPT_MISSING)
    assert only(converse(accepting, tamper=tamper)).check is BlockCheck.MISSING
    assert failure(converse(tamper=tamper)) is FailureReason.BLOCK_CHECK


def test_octets_behind_the_block_check_change_nothing() -> None:
    assert only(converse(tamper=once(1, lambda read_out: read_out + b"\r\n\x00x"))).check is BlockCheck.RIGHT


def test_truncated_and_doubled_read_outs() -> None:
    half = once(1, lambda read_out: read_out[:20])
    assert only(converse(tamper=half)).body == BODY
    assert only(converse(tamper=once(1, lambda read_out: read_out * 2))).body == BODY
    dead = converse(tamper=always(1, lambda read_out: read_out[:20]))
    assert failure(dead) is FailureReason.GRAMMAR


# -- complaint 6, 7: options and answers --


def test_an_acknowledgement_in_front_of_the_data() -> None:
    assert only(converse(tamper=once(1, lambda read_out: b"\x06\r\n" + read_out))).body == BODY


def test_another_option_may_be_selected() -> None:
    assert converse(ReaderOptions(option="6")).said[1] == b"\x06056\r\n"


@pytest.mark.parametrize("error", [b"(ERROR)", b"(ERROR11)", b"ER(08)", b"(ER08)"])
def test_error_answers_are_reported_in_the_meters_words(error: bytes) -> None:
    conversation = converse(tamper=always(1, lambda _: DataMessage(error).to_bytes()))
    assert failure(conversation) is FailureReason.METER_ERROR
    assert conversation.reader.detail == error.decode().strip("()" if error[:1] == b"(" else "")


def test_a_bare_acknowledgement_is_no_answer() -> None:
    options = ReaderOptions(commands=(register_command("1.8.0", name="R1"),))
    conversation = converse(options, tamper=always(2, lambda _: b"\x06"))
    assert failure(conversation) is FailureReason.METER_REFUSED
    assert conversation.said[-1] == SIGN_OFF


# -- complaint 8: addresses, silence, wake-up --


def test_only_the_addressed_meter_answers() -> None:
    assert only(converse(ReaderOptions(address="00012345"), station(address="12345"))).body == BODY
    conversation = converse(ReaderOptions(address="54321", requests=3), station(address="12345"))
    assert failure(conversation) is FailureReason.NO_ANSWER
    assert conversation.said == [b"/?54321!\r\n"] * 3


def test_an_answer_to_a_later_request_is_good_enough() -> None:
    assert only(converse(tamper=once(0, lambda _: b""))).body == BODY


def test_wake_up_of_battery_meters_and_of_an_mt83x() -> None:
    wake_up, request = (effect for effect in Reader(ReaderOptions(wake_up=WakeUp.BATTERY)).start()[1:])
    assert isinstance(wake_up, Send)
    assert isinstance(request, Send)
    assert (set(wake_up.characters), len(wake_up.characters)) == ({0}, 66)  # 2.2 s at 300 baud
    assert 1.5 <= request.after <= 1.7
    few = Reader(ReaderOptions(wake_up=WakeUp.FEW_NULS, fixed_speed=9600)).start()
    assert sends(few) == [bytes(8), b"/?!\r\n"]


@pytest.mark.parametrize(("maker", "pause"), [("ISK", 0.2), ("ISk", 0.02)])
def test_answers_wait_as_long_as_the_maker_asks_for(maker: str, pause: float) -> None:
    reader = Reader(ReaderOptions())
    reader.start()
    (select, _) = reader.receive(f"/{maker}5ME162\r\n".encode())
    assert isinstance(select, Send)
    assert select.after == pause


def test_silence_after_the_identification() -> None:
    assert failure(converse(tamper=always(1, lambda _: b""))) is FailureReason.SILENCE


@given(
    st.lists(st.one_of(st.none(), st.binary(max_size=40), st.sampled_from([READ_OUT, b"\x15", b"\x06"])), max_size=40)
)
def test_whatever_comes_the_reader_ends_and_says_little(events: list[bytes | None]) -> None:
    for commands in ((), (register_command("1.8.0"),)):
        reader = Reader(ReaderOptions(commands=commands))
        said = len(sends(reader.start()))
        for event in [IDENTIFICATION.to_bytes(), *events]:
            said += len(sends(reader.timeout() if event is None else reader.receive(event)))
        for _ in range(20):
            said += len(sends(reader.timeout()))
        assert reader.state is State.ENDED
        assert said <= 3 * (len(events) + 5)
        assert (reader.result is None) != (reader.failure is None)
        if reader.result is not None:
            assert all(message.check is BlockCheck.RIGHT for message in reader.result.messages)
