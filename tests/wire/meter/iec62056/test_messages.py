"""Every message as bytes and back, and what it says about the conversation that follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Iec62056Error
from wire.meter.iec62056 import BlockCheck, Command, DataMessage, Identification, OptionSelect, ProtocolMode, Request
from wire.meter.iec62056.messages import SIGN_OFF, Acknowledgement, NegativeAcknowledgement, error_text

OCTETS = st.one_of(
    st.binary(max_size=60),
    st.tuples(
        st.sampled_from([b"/ISK5", b"/?", b"\x06", b"\x01R5\x02", b"\x02"]),
        st.binary(max_size=20),
        st.sampled_from([b"\r\n", b"!\r\n", b"\x03\x00", b"\x04\x11", b""]),
    ).map(b"".join),
)


@pytest.mark.parametrize("kind", [Identification, Request, OptionSelect, DataMessage, Command])
@given(data=OCTETS)
def test_only_our_error_escapes_and_what_is_accepted_encodes_identically(
    kind: type[Identification | Request | OptionSelect | DataMessage | Command], data: bytes
) -> None:
    try:
        message = kind.from_bytes(data)
    except Iec62056Error:
        return
    # The line end of a line is CR LF, however it was recorded.
    assert message.to_bytes() == (data.rstrip(b"\r\n") + b"\r\n" if data[:1] == b"/" else data)


@pytest.mark.parametrize(
    ("line", "mode", "speed", "reaction"),
    [
        (b"/ISK5ME162-0033\r\n", ProtocolMode.C, 9600, 0.2),
        (b"/ISk5\\2MT382-1000\r\n", ProtocolMode.E, 9600, 0.02),
        (b"/ACE0\\3k260V01.18\r\n", ProtocolMode.C, 300, 0.2),
        (b"/LUGCUH50\r\n", ProtocolMode.B, 2400, 0.2),
        (b"/EMH6\\@\\201LZQJL0013F\r\n", ProtocolMode.C, 19200, 0.2),
        (b"/XYZ some meter\r\n", ProtocolMode.A, None, 0.2),
    ],
)
def test_what_an_identification_announces(line: bytes, mode: ProtocolMode, speed: int | None, reaction: float) -> None:
    identification = Identification.from_bytes(line)
    assert (identification.mode, identification.speed, identification.reaction_seconds) == (mode, speed, reaction)
    assert identification.to_bytes() == line


@pytest.mark.parametrize(
    "line", [b"", b"/IS5x\r\n", b"/I5K5x\r\n", b"ISK5\r\n", b"/ISK5" + b"x" * 65, b"/ISK5a\rb\r\n"]
)
def test_what_is_no_identification(line: bytes) -> None:
    with pytest.raises(Iec62056Error):
        Identification.from_bytes(line)


@pytest.mark.parametrize("address", ["(1)", "1!", "1\r\n", "\u00fc", "1" * 33])
def test_an_address_that_cannot_be_written(address: str) -> None:
    with pytest.raises(Iec62056Error):
        Request(address).to_bytes()


@pytest.mark.parametrize(
    ("asked", "own", "selected"),
    [
        ("", "12", True),
        ("12", "12", True),
        ("0012", "12", True),
        ("12", "0012", True),
        ("1", "12", False),
        ("12", "", False),
    ],
)
def test_leading_zeros_of_an_address_do_not_count(asked: str, own: str, selected: bool) -> None:
    assert Request(asked).selects(own) is selected


def test_block_checks_of_published_messages() -> None:
    assert Command("P0", b"()").to_bytes() == bytes.fromhex("0150300228290360")
    assert SIGN_OFF.to_bytes() == bytes.fromhex("0142300371")
    assert DataMessage(b"0.9.2(130103)").to_bytes() == bytes.fromhex("02302e392e3228313330313033290339")
    assert OptionSelect("0", "5", "1").to_bytes() == b"\x06051\r\n"
    assert (Acknowledgement().to_bytes(), NegativeAcknowledgement().to_bytes()) == (b"\x06", b"\x15")


def test_a_wrong_block_check_is_kept_as_it_was_sent() -> None:
    for kind, octets in ((DataMessage, b"\x021.8.0(1)\x03\x00"), (Command, b"\x01P0\x02()\x03\x00")):
        message = kind.from_bytes(octets)
        assert (message.check, message.sent_check) == (BlockCheck.WRONG, 0)
        assert message.to_bytes() == octets


def test_a_block_that_has_a_successor() -> None:
    message = DataMessage.from_bytes(DataMessage(b"P.01(x)", last=False).to_bytes())
    assert (message.last, message.check) == (False, BlockCheck.RIGHT)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"(ERROR)", "ERROR"),
        (b"(ERROR11)", "ERROR11"),
        (b"(ER08)", "ER08"),
        (b"ER(08)", "ER(08)"),
        (b"(ER(08))", "ER(08)"),
        (b"1.8.0(ERROR)", None),
        (b"(0033402.264*kWh)", None),
        (b"(ERROR" + b"x" * 30 + b")", None),
        (b"", None),
    ],
)
def test_error_answers(body: bytes, error: str | None) -> None:
    assert error_text(body) == error
    assert DataMessage(body).error == error
