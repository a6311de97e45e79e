"""What the simulated wire does to octets: speeds, collisions, links, plugging."""

import termios
from pathlib import Path
from random import Random

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from testbed import wires


@given(st.binary(min_size=1, max_size=60), st.sampled_from([300, 2400, 9600, 19200]))
def test_the_same_speed_hears_every_octet(octets: bytes, speed: int) -> None:
    assert wires.misheard(octets, speed, speed) == octets


def test_a_slow_receiver_hears_few_characters_and_a_fast_one_many() -> None:
    request = wires.with_even_parity(b"/?!\r\n" * 10)
    assert wires.misheard(request, 9600, 300) != request
    assert len(wires.misheard(request, 9600, 300)) < len(request) / 4
    assert len(wires.misheard(request, 300, 9600)) > len(request)
    assert b"/?!" not in wires.misheard(request, 300, 9600)


@given(st.binary(min_size=1, max_size=60))
def test_a_wrong_speed_never_passes_the_message(octets: bytes) -> None:
    if octets.strip(b"\xff"):
        assert octets not in wires.misheard(octets, 9600, 4800)


def test_even_parity_is_made_and_recognised() -> None:
    octets = wires.with_even_parity(bytes(range(128)))
    assert all(wires.has_even_parity(octet) for octet in octets)
    assert bytes(octet & 0x7F for octet in octets) == bytes(range(128))
    assert not wires.has_even_parity(octets[5] ^ 0x80)


def test_a_collision_damages_what_overlaps_and_nothing_else() -> None:
    heard = wires.collided([(0, b"aaaa"), (2, b"bbbbbb"), (10, b"c")], Random(1))
    assert len(heard) == 9
    assert (heard[:2], heard[4:]) == (b"aa", b"bbbbc")
    assert heard[2:4] not in (b"aa", b"bb")


def test_the_master_sees_the_speed_of_the_reader(tmp_path: Path) -> None:
    wire = wires.PtyWire(tmp_path / "port")
    with serial.Serial(wire.path, baudrate=300, timeout=1) as port:
        assert wire.far_speed() == 300
        port.baudrate = 19200
        assert wire.far_speed() == 19200
        port.baudrate = 12345
        assert wire.far_speed() == wires.UNUSUAL_SPEED
        port.write(b"\xff\x00\r\n\x7f")
        assert wire.read() == b"\xff\x00\r\n\x7f"
        wire.write(b"\x03\x11\x13\x00")
        assert port.read(4) == b"\x03\x11\x13\x00"
    wire.close()


def test_a_pulled_wire_vanishes_and_comes_back_under_the_same_name(tmp_path: Path) -> None:
    wire = wires.PtyWire(tmp_path / "port")
    port = serial.Serial(wire.path, timeout=1)
    wire.pull()
    assert wire.fileno() == -1
    assert wire.read() == b""
    assert wire.far_speed() is None
    wire.write(b"nobody hears this")
    with pytest.raises((serial.SerialException, termios.error)):
        port.read(1)
    assert not Path(wire.path).exists()
    wire.plug()
    with serial.Serial(wire.path, timeout=1) as again:
        again.write(b"a")
        assert wire.read() == b"a"
    port.close()
    wire.close()


def test_an_unread_wire_loses_octets_and_does_not_block() -> None:
    wire = wires.PtyWire()
    for _ in range(200):
        wire.write(bytes(1000))
    wire.close()


def test_a_file_is_never_replaced_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("precious")
    with pytest.raises(FileExistsError):
        wires.PtyWire(tmp_path / "port")
    assert (tmp_path / "port").read_text() == "precious"


def test_a_real_port_paces_by_itself() -> None:
    # The far end of a pseudo-terminal is a tty like any adapter's.
    pair = wires.PtyWire()
    near = wires.SerialWire(pair.path, 300)
    assert near.far_speed() is None
    assert pair.far_speed() == 300
    near.set_speed(9600)
    assert pair.far_speed() == 9600
    near.write(b"abc")
    assert pair.read() == b"abc"
    pair.write(b"xyz")
    assert near.read() == b"xyz"
    assert near.fileno() >= 0
    near.pull()
    near.plug()
    near.close()
    pair.close()
