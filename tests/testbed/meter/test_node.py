"""A simulated meter on its line, asked over a real pseudo-terminal with the protocol's own reader."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import serial

from testbed.faults import Fault
from testbed.meter.settings import LineSettings, LoadKind, MeterSettings, Mode, SettingsError
from testbed.meter.simulator import SimulatedLine
from wire.meter.iec62056 import Command, DataMessage, OptionSelect, Receiver, Request, Side, add_parity, strip_parity
from wire.meter.iec62056.messages import Identification, Message

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
PATIENCE = 60.0
"""Seconds for an answer that comes at once on a machine that does nothing else; of silence some tenths are enough."""


class Line:
    """What a hand at the reader's end types and sees, at 19200 baud."""

    def __init__(self, port: serial.Serial, simulated: SimulatedLine) -> None:
        self.port, self.simulated = port, simulated

    def ask(self, message: Request | OptionSelect | Command, *, seconds: float = PATIENCE) -> list[Message]:
        self.port.write(add_parity(message.to_bytes()))
        return self.listen(seconds)

    def listen(self, seconds: float = PATIENCE) -> list[Message]:
        """Messages until the first that is complete has been followed by silence, at most ``seconds``."""
        receiver, messages, end = Receiver(Side.READER), list[Message](), time.monotonic() + seconds
        while time.monotonic() < end:
            messages += receiver.feed(strip_parity(self.port.read(4096)))
            if messages and not receiver.pending and not self.port.in_waiting:
                break
        return messages

    def sign_on(self, option: str = "0") -> list[Message]:
        (identification,) = self.ask(Request())
        assert isinstance(identification, Identification)
        return self.ask(OptionSelect("0", identification.baud_character, option))


@contextmanager
def line(folder: Path, monotonic: Callable[[], float] = time.monotonic, **settings: Any) -> Iterator[Line]:
    defaults: dict[str, Any] = {"load": LoadKind.FLAT, "top_speed": None, "reaction_seconds": 0.01, "slow_seconds": 0.3}
    meter = MeterSettings(**(defaults | {"history_months": 0} | settings))
    with (
        SimulatedLine(
            LineSettings(meters=(meter,), speed=19200), now=NOW, link=folder / "port", monotonic=monotonic
        ) as simulated,
        serial.Serial(simulated.path, baudrate=19200, timeout=0.05) as port,
    ):
        yield Line(port, simulated)


def data(messages: list[Message]) -> DataMessage:
    (message,) = messages
    assert isinstance(message, DataMessage)
    return message


def test_programming_mode_reads_registers_profiles_and_errors(tmp_path: Path) -> None:
    with line(tmp_path, rows_per_block=4) as hand:
        assert hand.sign_on("1") == [Command("P0", b"()", sent_check=0x60)]
        register = data(hand.ask(Command("R5", b"1.8.0()")))
        assert register.body.startswith(b"1.8.0(")
        assert data(hand.ask(Command("R1", b"1.8.0()"))).body == register.body.removeprefix(b"1.8.0")
        assert data(hand.ask(Command("R5", b"7.7.7()"))).body == b"(ER01)"
        assert data(hand.ask(Command("W5", b"0.9.1(120000)"))).body == b"(ER02)"
        window = data(hand.ask(Command("R5", b"P.01(2601151100;2601151200)")))
        blocks = [data(hand.ask(Command("R6", b"P.01(2601151100;2601151200)")))]
        while not blocks[-1].last:
            hand.port.write(add_parity(b"\x06"))
            blocks.append(data(hand.listen()))
        assert len(blocks) == 2
        assert b"".join(block.body for block in blocks) == window.body
        hand.port.write(add_parity(b"\x15"))
        assert data(hand.listen()) == blocks[-1]
        assert hand.ask(Command("B0"), seconds=0.1) == []
        assert hand.sign_on("1")


def test_a_password_is_wanted_where_the_settings_say_so(tmp_path: Path) -> None:
    with line(tmp_path, needs_password=True, password="12345678") as hand:
        hand.sign_on("1")
        assert data(hand.ask(Command("R5", b"1.8.0()"))).body == b"(ER07)"
        assert data(hand.ask(Command("P1", b"(00000000)"))).body == b"(ER07)"
        assert [type(message).__name__ for message in hand.ask(Command("P1", b"(12345678)"))] == ["Acknowledgement"]
        assert data(hand.ask(Command("R5", b"C.1.0()"))).body == b"C.1.0(12345678)"


def test_inactivity_ends_programming_mode(tmp_path: Path) -> None:
    hours = [0.0]
    with line(tmp_path, lambda: time.monotonic() + hours[0] * 3600) as hand:
        hand.sign_on("1")
        assert hand.ask(Command("R5", b"1.8.0()"))
        hours[0] = 1
        assert hand.ask(Command("R5", b"1.8.0()"), seconds=0.2) == []
        assert hand.sign_on("1")


def test_wrong_parity_is_no_message(tmp_path: Path) -> None:
    with line(tmp_path) as hand:
        request = bytearray(add_parity(Request().to_bytes()))
        request[2] ^= 0x80
        hand.port.write(bytes(request))
        assert hand.listen(0.2) == []


def test_half_a_request_of_long_ago_is_forgotten(tmp_path: Path) -> None:
    with line(tmp_path) as hand:
        hand.port.write(add_parity(b"\x01R5\x02"))
        time.sleep(1.7)
        assert hand.ask(Request())


@pytest.mark.parametrize("address", ["12345678", "0012345678", ""])
def test_leading_zeros_do_not_count(tmp_path: Path, address: str) -> None:
    with line(tmp_path, address="012345678") as hand:
        assert hand.ask(Request(address))
        time.sleep(0.05)
        assert hand.ask(Request("12345679"), seconds=0.2) == []


def test_registers_advance_with_simulated_time(tmp_path: Path) -> None:
    fast = LineSettings(meters=(MeterSettings(load=LoadKind.FLAT),), speed=19200, speed_factor=360_000)
    with SimulatedLine(fast, now=NOW, link=tmp_path / "port") as simulated:
        device = simulated.meters["12345678"]
        before = device.shown()["1.8.0"]
        time.sleep(0.05)
        assert device.shown()["1.8.0"] > before


def test_a_slow_answer_begins_late(tmp_path: Path) -> None:
    with line(tmp_path) as hand:
        hand.simulated.inject(Fault.SLOW)
        begin = time.monotonic()
        assert hand.ask(Request())
        assert time.monotonic() - begin >= 0.3


def test_another_identity(tmp_path: Path) -> None:
    with line(tmp_path) as hand:
        hand.simulated.inject(Fault.WRONG_IDENTITY)
        (identification,) = hand.ask(Request())
        assert isinstance(identification, Identification)
        assert identification.manufacturer == "EMH"
        read_out = data(hand.ask(OptionSelect("0", identification.baud_character, "0")))
        assert b"C.1.0(99999999)" in read_out.body
        time.sleep(0.05)
        (identification,) = hand.ask(Request())
        assert isinstance(identification, Identification)
        assert identification.manufacturer == "ISK"


def test_mode_b_changes_its_speed_unasked(tmp_path: Path) -> None:
    for reaction in (0.1, 1.5, 15):  # on a machine that does much else the reader changes its own later than it would
        with line(tmp_path, mode=Mode.B, top_speed=9600, reaction_seconds=reaction) as hand:
            (identification,) = hand.ask(Request())
            assert identification == Identification("ISK", "E", "MT831-0.1")
            hand.port.baudrate = 9600
            if [type(message) for message in hand.listen(reaction + 2)] == [DataMessage]:
                return
    pytest.fail("nothing was heard at the new speed")


@pytest.mark.parametrize(
    "settings",
    [{"top_speed": 1234}, {"mode": Mode.B, "top_speed": 300}, {"manufacturer": "I"}, {"identification": "x" * 65}],
)
def test_what_no_identification_can_say_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        SimulatedLine(LineSettings(meters=(MeterSettings(load=LoadKind.FLAT, **settings),)), now=NOW)
