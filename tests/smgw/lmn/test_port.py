"""Ports over real pseudo-terminals with the real pyserial: framing, parity, speed, loss, interruption."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.config import Framing
from smgw.lmn.port import DAMAGED, ParityMarks, Port, PortError, PortReason
from testbed.wires import PtyWire, with_even_parity
from tests.smgw.lmn.lines import PATIENCE_SECONDS, arrived, heard


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[PtyWire]:
    wire = PtyWire(tmp_path / "port")
    yield wire
    wire.close()


@pytest.mark.parametrize("framing", [Framing.SEVEN_EVEN, Framing.EIGHT_NONE_SOFTWARE_PARITY])
def test_parity_is_made_and_checked_where_the_adapter_does_not(wire: PtyWire, framing: Framing) -> None:
    """Complaint 3: a pseudo-terminal accepts 7E1 and keeps 8N1, as many dongles do."""
    with Port(wire.path, speed=9600, framing=framing) as port:
        assert port.parity_in_software
        port.write(b"/?!\r\n")
        assert heard(wire, 5) == with_even_parity(b"/?!\r\n")
        sent = bytearray(with_even_parity(b"\x02F.F(00)\r\n\x00\x7f"))
        wire.write(bytes(sent))
        assert port.read(PATIENCE_SECONDS) == b"\x02F.F(00)\r\n\x00\x7f"
        assert port.parity_errors == 0
        sent[3] ^= 0x10
        wire.write(bytes(sent))
        assert port.read(PATIENCE_SECONDS) == b"\x02F." + bytes([DAMAGED]) + b"(00)\r\n\x00\x7f"
        assert port.parity_errors == 1


def test_an_8n1_line_is_left_alone(wire: PtyWire) -> None:
    with Port(wire.path, speed=9600, framing=Framing.EIGHT_NONE) as port:
        assert not port.parity_in_software
        port.write(b"/?!\r\n")
        assert heard(wire, 5) == b"/?!\r\n"
        wire.write(b"a\xe4\xff")
        assert port.read(PATIENCE_SECONDS) == b"a\xe4\xff"


def test_writing_lasts_as_long_as_the_characters_do(wire: PtyWire) -> None:
    """So that a change of speed never catches a character in the adapter."""
    with Port(wire.path, speed=300, framing=Framing.SEVEN_EVEN) as port:
        begin = time.monotonic()
        port.write(b"\x06051\r\n")
        assert time.monotonic() - begin >= 6 * 10 / 300
        port.set_speed(9600)
        assert wire.far_speed() == port.speed == 9600


def test_a_silent_line_ends_the_wait_and_costs_nothing(wire: PtyWire) -> None:
    with Port(wire.path, speed=9600, framing=Framing.SEVEN_EVEN) as port:
        spent, begin = time.thread_time(), time.monotonic()
        assert port.read(0.3) == b""
        assert time.monotonic() - begin >= 0.3
        assert time.thread_time() - spent < 0.1


def test_what_was_not_read_can_be_forgotten(wire: PtyWire) -> None:
    with Port(wire.path, speed=9600, framing=Framing.SEVEN_EVEN) as port:
        wire.write(with_even_parity(b"old"))
        arrived(wire.path, 3)
        port.discard_input()
        wire.write(with_even_parity(b"new"))
        assert port.read(PATIENCE_SECONDS) == b"new"


def test_a_port_that_is_absent_or_taken_is_unavailable(wire: PtyWire, tmp_path: Path) -> None:
    with pytest.raises(PortError) as absent:
        Port(str(tmp_path / "nothing"), speed=9600, framing=Framing.SEVEN_EVEN)
    assert absent.value.reason is PortReason.UNAVAILABLE
    with (
        Port(wire.path, speed=9600, framing=Framing.SEVEN_EVEN),
        pytest.raises(PortError) as taken,
    ):
        Port(wire.path, speed=9600, framing=Framing.SEVEN_EVEN)
    assert taken.value.reason is PortReason.UNAVAILABLE


def test_a_pulled_adapter_is_lost_in_every_operation(wire: PtyWire) -> None:
    with Port(wire.path, speed=9600, framing=Framing.SEVEN_EVEN) as port:
        wire.pull()
        for operation in (lambda: port.read(1.0), lambda: port.write(b"/?!\r\n"), lambda: port.set_speed(300)):
            with pytest.raises(PortError) as lost:
                operation()
            assert lost.value.reason is PortReason.LOST


def test_a_blocked_read_is_interrupted_from_another_thread(wire: PtyWire) -> None:
    with Port(wire.path, speed=9600, framing=Framing.SEVEN_EVEN) as port:
        timer = threading.Timer(0.1, port.interrupt)
        timer.start()
        with pytest.raises(PortError) as interrupted:
            port.read(PATIENCE_SECONDS)
        assert interrupted.value.reason is PortReason.INTERRUPTED
        timer.join()


def test_marks_of_a_driver_become_damaged_characters() -> None:
    assert ParityMarks().translate(b"ab\xff\x00cd\xff\x00\xff\x7f") == b"ab\x80d\x80\x7f"


@given(st.lists(st.integers(0, 0x7F) | st.just(0x80), max_size=30), st.lists(st.integers(0, 90), max_size=5))
def test_a_mark_may_be_cut_anywhere(characters: list[int], cuts: list[int]) -> None:
    stream = b"".join(b"\xff\x00x" if character == DAMAGED else bytes([character]) for character in characters)
    marks, heard, begin = ParityMarks(), b"", 0
    for cut in [*sorted(cuts), len(stream)]:
        heard += marks.translate(stream[begin : max(cut, begin)])
        begin = max(cut, begin)
    assert heard == bytes(characters)
