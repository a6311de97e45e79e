"""The meter's end: what it answers in each mode, and that it is silent where another meter is meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.meter.iec62056.conversation import BODY, IDENTIFICATION, READ_OUT, sends, station
from wire.meter.iec62056 import (
    ChangeSpeed,
    Command,
    DataMessage,
    Effect,
    Identification,
    ProtocolMode,
    Send,
    Station,
)
from wire.meter.iec62056.station import INACTIVITY_SECONDS, OPTION_SELECT_SECONDS, StationState

SIGN_ON = b"/?!\r\n"
PROGRAMMING = b"\x06051\r\n"
NAK = [b"\x15"]


def programmed(**options: object) -> Station:
    """A meter in programming mode."""
    meter = station(**options)
    meter.receive(SIGN_ON)
    meter.receive(PROGRAMMING)
    return meter


def asked(meter: Station, name: str, data: bytes | None = None) -> list[bytes]:
    return sends(meter.receive(Command(name, data).to_bytes()))


def test_mode_c_waits_for_the_option_select_and_changes_speed() -> None:
    meter = station()
    assert meter.patience is None
    assert sends(meter.receive(b"\x00\x00" + SIGN_ON)) == [IDENTIFICATION.to_bytes()]
    assert meter.patience == OPTION_SELECT_SECONDS
    assert meter.receive(b"\x06050\r\n") == [ChangeSpeed(9600), Send(READ_OUT, 0.2)]
    assert meter.patience == INACTIVITY_SECONDS
    assert sends(meter.receive(b"\x15")) == [READ_OUT]
    assert meter.timeout() == [ChangeSpeed(300)]
    assert meter.state is StationState.IDLE


def test_the_option_select_decides_the_speed() -> None:
    meter = station()
    meter.receive(SIGN_ON)
    assert meter.receive(b"\x06030\r\n")[0] == ChangeSpeed(2400)
    slow = station()
    slow.receive(SIGN_ON)
    assert slow.receive(b"\x06000\r\n") == [Send(READ_OUT, 0.2)]
    fixed = station(speed_changes=False)
    fixed.receive(SIGN_ON)
    assert fixed.receive(b"\x06050\r\n") == [Send(READ_OUT, 0.2)]


@pytest.mark.parametrize(
    ("mode", "identification", "effects"),
    [
        (ProtocolMode.A, Identification("ELS", " ", "A"), []),
        (ProtocolMode.B, Identification("SIE", "C", "B"), [ChangeSpeed(2400)]),
    ],
)
def test_modes_a_and_b_read_out_at_once(
    mode: ProtocolMode, identification: Identification, effects: list[Effect]
) -> None:
    answered = station(mode=mode, identification=identification).receive(SIGN_ON)
    assert answered == [Send(identification.to_bytes(), 0.2), *effects, Send(READ_OUT, 0.2)]


def test_a_small_meter_has_no_frame() -> None:
    meter = station(mode=ProtocolMode.A, checked=False)
    assert sends(meter.receive(SIGN_ON))[1] == BODY


def test_mode_d_answers_nobody_and_pushes() -> None:
    meter = station(mode=ProtocolMode.D, checked=False)
    assert meter.receive(SIGN_ON) == []
    assert sends(meter.push()) == [IDENTIFICATION.to_bytes(), BODY]


@pytest.mark.parametrize(
    ("request_address", "answers"), [("", True), ("12345", True), ("0012345", True), ("1234", False), ("123456", False)]
)
def test_only_its_own_address(request_address: str, answers: bool) -> None:
    meter = station(address="12345")
    assert bool(meter.receive(f"/?{request_address}!\r\n".encode())) is answers


def test_a_request_to_another_meter_ends_the_conversation() -> None:
    meter = station(address="1")
    meter.receive(b"/?1!\r\n")
    assert meter.receive(b"/?2!\r\n") == []
    assert meter.state is StationState.IDLE
    assert meter.receive(b"\x06050\r\n") == []


def test_other_meters_on_the_line_are_no_business_of_it() -> None:
    meter = station(address="1")
    other = b"/?2!\r\n/ISK5OTHER\r\n\x06050\r\n" + READ_OUT + b"1.8.0(1*Imp/kWh)\r\n!\r\n" + b"\xaa" * 2000
    assert sends(meter.receive(other)) == []
    assert sends(meter.receive(b"\r\n/?1!\r\n")) == [IDENTIFICATION.to_bytes()]


def test_a_read_out_without_option_select_where_the_meter_does_so() -> None:
    meter = station(read_out_without_select=True)
    meter.receive(SIGN_ON)
    assert meter.timeout() == [Send(READ_OUT, 0.2)]
    patient = station()
    patient.receive(SIGN_ON)
    assert sends(patient.timeout()) == []


def test_programming_mode_without_password() -> None:
    meter = station()
    meter.receive(SIGN_ON)
    assert meter.receive(PROGRAMMING) == [ChangeSpeed(9600), Send(b"\x01P0\x02()\x03\x60", 0.2)]
    assert asked(meter, "R5", b"1.8.0()") == [DataMessage(b"1.8.0(0033402.264*kWh)").to_bytes()]
    assert asked(meter, "R5", b"9.9.9()") == [DataMessage(b"(ERROR01)").to_bytes()]
    assert meter.receive(Command("B0").to_bytes()) == [ChangeSpeed(300)]
    assert meter.state is StationState.IDLE


def test_programming_mode_with_password() -> None:
    meter = programmed(password="00000000")
    refused = [DataMessage(b"(ERROR07)").to_bytes()]
    assert asked(meter, "R5", b"1.8.0()") == refused
    assert asked(meter, "P1", b"(11111111)") == refused
    assert asked(meter, "P1", b"(00000000)") == [b"\x06"]
    assert asked(meter, "R5", b"1.8.0()") == [DataMessage(b"1.8.0(0033402.264*kWh)").to_bytes()]


def test_partial_blocks_wait_for_ack_and_repeat_on_nak() -> None:
    meter = programmed()
    first = asked(meter, "R6", b"P.01(;)")
    assert first[0][-2] == 0x04
    second = sends(meter.receive(b"\x06"))
    assert sends(meter.receive(b"\x15")) == second
    last = sends(meter.receive(b"\x06"))
    assert last[0][-2] == 0x03
    assert meter.receive(b"\x06") == []


@pytest.mark.parametrize("password", [None, "00000000"])
def test_a_command_with_a_wrong_check_is_not_obeyed(password: str | None) -> None:
    meter = programmed(password=password)
    for name, data in (("R5", b"1.8.0()"), ("P1", b"(00000000)"), ("B0", None)):
        command = Command(name, data).to_bytes()
        assert sends(meter.receive(command[:-1] + bytes([command[-1] ^ 1]))) == NAK
    assert meter.state is not StationState.IDLE


def test_what_is_no_command_is_not_understood() -> None:
    nonsense = b"\x01??\x03\x00"
    meter = programmed()
    assert sends(meter.receive(nonsense)) == NAK
    command = Command("R5", b"1.8.0()").to_bytes()
    answer = DataMessage(b"1.8.0(0033402.264*kWh)").to_bytes()
    assert sends(meter.receive(command + nonsense)) == [answer, *NAK]
    assert sends(meter.receive(command)) == [answer]


def test_a_new_sign_on_begins_anew_in_every_state() -> None:
    meter = programmed(password="00000000")
    assert sends(meter.receive(SIGN_ON)) == [IDENTIFICATION.to_bytes()]
    assert meter.state is StationState.SELECTED


@given(
    st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([SIGN_ON, PROGRAMMING, b"\x06", b"\x15"])), max_size=30)
)
def test_whatever_comes_the_meter_lives_on(pieces: list[bytes]) -> None:
    meter = station(password="00000000")
    for piece in pieces:
        meter.receive(piece)
    meter.timeout()
    assert sends(meter.receive(b"\r\n" + SIGN_ON))[-1:] == [IDENTIFICATION.to_bytes()]
