"""A line in real time over a pseudo-terminal: pacing, wrong speeds, echo, collisions, plugging."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from testbed.meter.bus import Bus, Sending
from testbed.wires import PtyWire


class Parrot:
    """Answers the same whenever it hears a question mark."""

    def __init__(self, answer: bytes, speed: int, delay: float = 0.0) -> None:
        self.listens_at = speed
        self.engaged = False
        self.heard = b""
        self._answer, self._delay = answer, delay
        self._begins: list[float] = []

    def hear(self, octets: bytes, now: float) -> None:
        self.heard += octets
        self._begins += [now + self._delay] * octets.count(b"?")

    def wake_at(self) -> float | None:
        return None

    def take(self, now: float) -> Sequence[Sending]:
        sendings = [Sending(self._answer, self.listens_at, begin) for begin in self._begins]
        self._begins.clear()
        return sendings


@contextmanager
def bus(folder: Path, *stations: Parrot, speed: int, echo: bool = False) -> Iterator[tuple[Bus, serial.Serial]]:
    wire = PtyWire(folder / "port")
    running = Bus(wire, stations, speed=speed, echo=echo)
    running.start()
    with serial.Serial(wire.path, baudrate=speed, timeout=0.5) as port:
        yield running, port
    running.stop()
    assert running.failure is None


@pytest.mark.parametrize("speed", [300, 2400, 9600])
def test_characters_take_their_time(tmp_path: Path, speed: int) -> None:
    length = speed // 60
    with bus(tmp_path, Parrot(b"x" * length, speed), speed=speed) as (_, port):
        begin = time.monotonic()
        port.write(b"?")
        assert port.read(length) == b"x" * length
        spent, true = time.monotonic() - begin, (length + 1) * 10 / speed
        assert true - 0.002 <= spent < true + 0.25


def test_a_reader_at_the_wrong_speed_hears_and_says_garbage(tmp_path: Path) -> None:
    parrot = Parrot(b"answer", 300)
    with bus(tmp_path, parrot, speed=300) as (_, port):
        port.baudrate = 9600
        port.write(b"?")
        port.read(50)
        assert b"?" not in parrot.heard
        port.baudrate = 300
        port.write(b"?")
        time.sleep(0.06)
        port.baudrate = 9600
        assert b"answer" not in port.read(1000)


def test_an_adapter_with_echo(tmp_path: Path) -> None:
    with bus(tmp_path, Parrot(b"yes", 9600), speed=9600, echo=True) as (_, port):
        port.write(b"a?")
        assert port.read(5) == b"a?yes"


def test_two_at_once_are_garbage(tmp_path: Path) -> None:
    one, other = Parrot(b"a" * 40, 9600), Parrot(b"b" * 40, 9600, delay=0.005)
    with bus(tmp_path, one, other, speed=9600) as (_, port):
        port.write(b"?")
        heard = port.read(100)
        assert b"a" * 40 not in heard
        assert b"b" * 40 not in heard
        assert heard.startswith(b"a")
        assert heard.endswith(b"b")


def test_pulled_and_plugged_while_it_runs(tmp_path: Path) -> None:
    with bus(tmp_path, Parrot(b"yes", 9600), speed=9600) as (running, port):
        running.pull()
        assert not (tmp_path / "port").exists()
        running.plug()
        with serial.Serial(str(tmp_path / "port"), baudrate=9600, timeout=0.5) as again:
            again.write(b"?")
            assert again.read(3) == b"yes"
            running.say(b"noise")
            assert again.read(5) == b"noise"
        port.close()


def test_an_idle_line_costs_nothing(tmp_path: Path) -> None:
    with bus(tmp_path, Parrot(b"yes", 9600), speed=9600):
        spent = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - spent < 0.05
