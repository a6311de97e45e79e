"""A line and all that hangs on it, in real time: when each character is on the wire, and what everybody hears of it.

Decides pacing, collisions, echo and wrong speeds; it knows no protocol. One thread a line sleeps until the next octet
comes or the next character is due. Characters are handed over in steps of ``TICK_SECONDS``, which is what the latency
timer of a USB adapter does to them as well; their number is exact at every step.
"""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from testbed.wires import Wire, character_seconds, collided, misheard

TICK_SECONDS: Final = 0.005


@dataclass(slots=True)
class Sending:
    """``octets``, parity bits included, that leave at ``speed`` baud from ``begin`` (monotonic seconds) on."""

    octets: bytes
    speed: int
    begin: float
    sent: int = 0

    @property
    def end(self) -> float:
        """When the last stop bit has left."""
        return self.begin + len(self.octets) * character_seconds(self.speed)

    @property
    def next_end(self) -> float:
        """When the next character is complete."""
        return self.begin + (self.sent + 1) * character_seconds(self.speed)

    def due(self, now: float) -> bytes:
        """Octets whose last bit has left since the last call."""
        complete = min(len(self.octets), int((now - self.begin) / character_seconds(self.speed) + 1e-6))
        octets = self.octets[self.sent : max(complete, self.sent)]
        self.sent += len(octets)
        return octets


class Node(Protocol):
    """One device on the line."""

    @property
    def listens_at(self) -> int:
        """Baud rate of its receiver now."""

    @property
    def engaged(self) -> bool:
        """True while it talks with the reader: a real port then follows its speed."""

    def hear(self, octets: bytes, now: float) -> None:
        """Octets that its receiver has made out, parity bits included."""

    def wake_at(self) -> float | None:
        """When it wants to be asked again without having heard anything."""

    def take(self, now: float) -> Sequence[Sending]:
        """What it begins to send; ``begin`` may lie in the future."""


class Bus:
    """A wire with its stations; ``start`` to ``stop`` in a thread of its own."""

    def __init__(
        self,
        wire: Wire,
        stations: Sequence[Node],
        *,
        speed: int,
        echo: bool = False,
        seed: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``speed`` is the line's before any change; ``echo`` lets the reader hear itself, as two-wire adapters do."""
        self._wire = wire
        self._stations = stations
        self._speed = speed
        self._echo = echo
        self._noise = Random(f"bus {seed}")
        self._monotonic = monotonic
        self._arriving: deque[tuple[float, int, bytes]] = deque()
        self._sendings: list[Sending] = []
        self._orders: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"bus {wire.path}", daemon=True)
        self.failure: BaseException | None = None
        """What ended the thread before :meth:`stop`, if anything did."""

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the wire."""
        self._order(self._stop)
        self._thread.join()
        self._wire.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def join(self, timeout: float | None) -> None:
        """Wait until the thread ends."""
        self._thread.join(timeout)

    def pull(self) -> None:
        """Take the adapter out; returns when it is out."""
        self._order_and_wait(self._wire.pull)

    def plug(self) -> None:
        """Put it in again; returns when it is in."""
        self._order_and_wait(self._wire.plug)

    def say(self, octets: bytes) -> None:
        """Put octets on the wire as they are: noise, or a device that is not simulated."""
        self._order(lambda: self._sendings.append(Sending(octets, self._speed, self._monotonic())))

    def _stop(self) -> None:
        self._stopping = True

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        os.write(self._wake_writer, b"\0")

    def _order_and_wait(self, order: Callable[[], None]) -> None:
        done = threading.Event()

        def carry_out() -> None:
            order()
            done.set()

        self._order(carry_out)
        done.wait()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._sleep()
                while self._orders:
                    self._orders.popleft()()
                self._step(self._monotonic())
        except BaseException as error:
            self.failure = error
            raise

    def _sleep(self) -> None:
        now = self._monotonic()
        moments = [station.wake_at() for station in self._stations]
        moments += [begin for begin, _, _ in list(self._arriving)[:1]]
        moments += [max(now + TICK_SECONDS, sending.next_end) for sending in self._sendings]
        nearest = min((moment for moment in moments if moment is not None), default=None)
        timeout = None if nearest is None else max(0.0, nearest - now)
        descriptors = [self._wake_reader] + ([self._wire.fileno()] if self._wire.fileno() >= 0 else [])
        ready, _, _ = select.select(descriptors, [], [], timeout)
        if self._wake_reader in ready:
            os.read(self._wake_reader, 4096)

    def _step(self, now: float) -> None:
        self._accept(self._wire.read(), now)
        while self._arriving and self._arriving[0][0] <= now:
            _, speed, octets = self._arriving.popleft()
            self._spread(octets, speed, now)
        for station in self._stations:
            self._sendings += station.take(now)
        self._emit(now)
        engaged = [station.listens_at for station in self._stations if station.engaged]
        self._wire.set_speed(engaged[0] if engaged else self._speed)

    def _accept(self, octets: bytes, now: float) -> None:
        """Queue what the reader wrote: a pseudo-terminal delivers at once what takes its time on a wire."""
        if not octets:
            return
        far_speed = self._wire.far_speed()
        if far_speed is None:
            self._arriving.append((now, 0, octets))
            return
        begin = max(now, self._arriving[-1][0] if self._arriving else now)
        self._arriving.append((begin + len(octets) * character_seconds(far_speed), far_speed, octets))

    def _spread(self, octets: bytes, speed: int, now: float) -> None:
        if self._echo:
            self._wire.write(octets)
        for station in self._stations:
            heard = octets if speed in (0, station.listens_at) else misheard(octets, speed, station.listens_at)
            station.hear(heard, now)

    def _emit(self, now: float) -> None:
        """Put on the wire what has left the stations' transmitters by now."""
        chunks: list[tuple[float, int, bytes]] = []
        for sending in self._sendings:
            first_end = sending.next_end
            if octets := sending.due(now):
                chunks.append((first_end, sending.speed, octets))
        self._sendings = [sending for sending in self._sendings if sending.sent < len(sending.octets)]
        if not chunks:
            return
        first, speed, octets = min(chunks)
        if len(chunks) > 1:
            places = [(round((first_end - first) / character_seconds(speed)), chunk) for first_end, _, chunk in chunks]
            octets = collided(places, self._noise)
        far_speed = self._wire.far_speed()
        self._wire.write(octets if far_speed in (None, speed) else misheard(octets, speed, far_speed))
