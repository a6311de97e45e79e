"""A line over a pseudo-terminal, and over a wire that exists in memory only, where time goes in steps: pacing, wrong
speeds, collisions."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from testbed.meter.bus import TICK_SECONDS, Bus, Sending
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


class Memory:
    """A wire without a system behind it; ``came`` says what its far end has heard so far, ``speed`` how fast it is."""

    path = "memory"

    def __init__(self, speed: int) -> None:
        self.speed, self.came, self.said = speed, b"", b""

    def fileno(self) -> int:
        return -1

    def read(self) -> bytes:
        said, self.said = self.said, b""
        return said

    def write(self, octets: bytes) -> None:
        self.came += octets

    def far_speed(self) -> int | None:
        return self.speed

    def set_speed(self, speed: int) -> None:
        """Nobody asks for it here."""

    def pull(self) -> None:
        """Nobody does."""

    def plug(self) -> None:
        """Nobody does."""

    def close(self) -> None:
        """Nothing is open."""


class Steps:
    """A bus that goes through time as its thread does on a machine that has nothing else to do."""

    def __init__(self, *stations: Parrot, speed: int) -> None:
        self.now = 0.0
        self.wire = Memory(speed)
        self._bus = Bus(self.wire, stations, speed=speed, monotonic=lambda: self.now)

    def until(self, moment: float) -> None:
        while self.now < moment:
            self.now = min(moment, self.now + TICK_SECONDS)
            self._bus._step(self.now)

    def say(self, octets: bytes) -> None:
        self.wire.said = octets
        self._bus._step(self.now)

    def close(self) -> None:
        self._bus.start()
        self._bus.stop()


@contextmanager
def steps(*stations: Parrot, speed: int) -> Iterator[Steps]:
    made = Steps(*stations, speed=speed)
    yield made
    made.close()


@contextmanager
def bus(folder: Path, *stations: Parrot, speed: int, echo: bool = False) -> Iterator[tuple[Bus, serial.Serial]]:
    wire = PtyWire(folder / "port")
    running = Bus(wire, stations, speed=speed, echo=echo)
    running.start()
    with serial.Serial(wire.path, baudrate=speed, timeout=60) as port:
        yield running, port
    running.stop()
    assert running.failure is None


@pytest.mark.parametrize("speed", [300, 2400, 9600])
def test_characters_take_their_time(speed: int) -> None:
    length = speed // 60
    with steps(Parrot(b"x" * length, speed), speed=speed) as line:
        line.say(b"?")
        for count in range(length + 1):
            last = (count + 1) * 10 / speed  # the question takes the time of one character as well
            line.until(last + TICK_SECONDS)
            assert length >= len(line.wire.came) >= count
            assert len(line.wire.came) <= (line.now - 10 / speed) * speed / 10 + 1e-6
        assert line.wire.came == b"x" * length


def test_a_real_wire_is_no_faster(tmp_path: Path) -> None:
    with bus(tmp_path, Parrot(b"x" * 40, 2400), speed=2400) as (_, port):
        begin = time.monotonic()
        port.write(b"?")
        assert port.read(40) == b"x" * 40
        assert time.monotonic() - begin >= 41 * 10 / 2400 - 0.002


def test_a_reader_at_the_wrong_speed_hears_and_says_garbage() -> None:
    parrot = Parrot(b"answer", 300)
    with steps(parrot, speed=300) as line:
        line.wire.speed = 9600
        line.say(b"?")
        line.until(0.5)
        assert parrot.heard
        assert b"?" not in parrot.heard
        line.wire.came, line.wire.speed = b"", 300
        line.say(b"?")
        line.until(0.56)
        assert parrot.heard.endswith(b"?")
        line.wire.speed = 9600
        line.until(2)
        assert line.wire.came
        assert b"answer" not in line.wire.came


def test_an_adapter_with_echo(tmp_path: Path) -> None:
    with bus(tmp_path, Parrot(b"yes", 9600), speed=9600, echo=True) as (_, port):
        port.write(b"a?")
        assert port.read(5) == b"a?yes"


def test_two_at_once_are_garbage() -> None:
    one, other = Parrot(b"a" * 40, 9600), Parrot(b"b" * 40, 9600, delay=0.005)
    with steps(one, other, speed=9600) as line:
        line.say(b"?")
        line.until(0.5)
        heard = line.wire.came
        assert b"a" * 40 not in heard
        assert b"b" * 40 not in heard
        assert heard.startswith(b"a")
        assert heard.endswith(b"b")


def test_pulled_and_plugged_while_it_runs(tmp_path: Path) -> None:
    with bus(tmp_path, Parrot(b"yes", 9600), speed=9600) as (running, port):
        running.pull()
        assert not (tmp_path / "port").exists()
        running.plug()
        with serial.Serial(str(tmp_path / "port"), baudrate=9600, timeout=60) as again:
            again.write(b"?")
            assert again.read(3) == b"yes"
            running.say(b"noise")
            assert again.read(5) == b"noise"
        port.close()


def test_an_idle_line_costs_nothing(tmp_path: Path) -> None:
    looked: list[float] = []

    def monotonic() -> float:
        looked.append(time.monotonic())
        return looked[-1]

    wire = PtyWire(tmp_path / "port")
    running = Bus(wire, [Parrot(b"yes", 9600)], speed=9600, monotonic=monotonic)
    running.start()
    time.sleep(0.3)
    running.stop()
    assert len(looked) <= 4, "it looks at the clock before it sleeps and after it was woken"
