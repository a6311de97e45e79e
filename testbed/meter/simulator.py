"""A whole simulated line to start, to disturb and to stop: what tests, the demonstration and the command line use.

with SimulatedLine(LineSettings(meters=(MeterSettings(serial="00471100"),)), now=datetime.now(UTC)) as line:
    reader.open(line.path)
    line.inject(Fault.WRONG_BLOCK_CHECK, 2, meter="00471100")
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from testbed.faults import Fault
from testbed.meter.bus import Bus
from testbed.meter.device import Device
from testbed.meter.load import FIRST_YEAR
from testbed.meter.node import MeterNode
from testbed.meter.replay import Recording
from testbed.meter.settings import LineSettings, MeterSettings, SettingsError
from testbed.wires import PtyWire, SerialWire, Wire
from wire.errors import Iec62056Error


class SimulatedLine:
    """Meters on one line, in a thread of their own between :meth:`start` and :meth:`stop`."""

    def __init__(
        self,
        settings: LineSettings,
        *,
        now: datetime,
        port: str | None = None,
        link: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        log: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Open ``port``, or a new pseudo-terminal that ``link`` points to. ``now`` is aware.

        Raises SettingsError, OSError or serial.SerialException.
        """
        self._monotonic = monotonic
        self._began = monotonic()
        self._start = (settings.start or now).astimezone(UTC)
        self._factor = settings.speed_factor
        if self._start.year <= FIRST_YEAR:
            raise SettingsError(f"simulated time begins after {FIRST_YEAR}")
        self.meters = {one.serial: Device(one, self.now) for one in settings.meters}
        if len(self.meters) != len(settings.meters):
            raise SettingsError("two meters of the line have the same serial number")
        nodes = [MeterNode(device, settings, _recording(device.settings), log) for device in self.meters.values()]
        for device in self.meters.values():
            device.read_out()  # the years' profiles are computed now, not in the middle of an answer
        self._wire: Wire = PtyWire(link) if port is None else SerialWire(port, settings.speed)
        self._bus = Bus(
            self._wire, nodes, speed=settings.speed, echo=settings.echo, seed=settings.seed, monotonic=monotonic
        )
        self._stopped = threading.Event()

    @property
    def path(self) -> str:
        """What a reader opens (of a port: the port itself, whose other end the reader has)."""
        return self._wire.path

    def now(self) -> datetime:
        """Simulated time, aware UTC."""
        return self._start + timedelta(seconds=(self._monotonic() - self._began) * self._factor)

    def start(self) -> None:
        """Begin to listen."""
        self._bus.start()

    def stop(self) -> None:
        """End and close; raises what ended the line's thread before, if anything did."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._bus.stop()
        if self._bus.failure is not None:
            raise self._bus.failure

    def wait(self, timeout: float | None = None) -> None:
        """Block until the line ends, at most ``timeout`` seconds."""
        self._bus.join(timeout)

    def inject(self, fault: Fault, count: int | None = 1, *, meter: str | None = None) -> None:
        """Let ``fault`` happen the next ``count`` times (None: always), to one meter or each. Raises KeyError."""
        for device in self.meters.values() if meter is None else [self.meters[meter]]:
            device.faults.inject(fault, count)

    def heal(self) -> None:
        """Forget the faults that have not happened."""
        for device in self.meters.values():
            device.faults.clear()

    def pull(self) -> None:
        """Take the adapter out."""
        self._bus.pull()

    def plug(self) -> None:
        """Put it in again."""
        self._bus.plug()

    def say(self, octets: bytes) -> None:
        """Noise on the line, or a device that is not simulated."""
        self._bus.say(octets)

    def __enter__(self) -> Self:
        """Started."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stopped."""
        self.stop()


def _recording(settings: MeterSettings) -> Recording | None:
    if settings.replay is None:
        return None
    try:
        return Recording.from_bytes(Path(settings.replay).read_bytes())
    except Iec62056Error as error:
        raise SettingsError(f"{settings.replay}: {error}") from error
