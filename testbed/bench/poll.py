"""What a read-out costs the gateway: processor time and memory of the reading side alone, over a real pseudo-terminal.

The simulated meter runs in a process of its own, and so does the gateway's side: a process that imports what reading
and verifying need and nothing else, as the reference paper's Smart Reader is a process of its own. Absolute figures
belong to this machine; the paper's were taken on a first-generation Raspberry Pi and stand beside them for orientation.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from smgw.config import Framing, LineConfiguration
from smgw.lmn.line import Line
from smgw.lmn.poll import Poller
from smgw.lmn.port import Port
from smgw.lmn.telegram import Frame, Telegram, parse
from smgw.metering.verify import verify
from testbed.bench.figures import Figure, seconds_per_call
from wire.meter.iec62056 import Reader, ReaderOptions
from wire.obis import Obis
from wire.profiles import MeterProfile
from wire.reading import DeviceId

LINE_SPEED: Final = 9600
INTERVAL_SECONDS: Final = 2
READ_OUTS: Final = 6
REFERENCE_INTERVAL_SECONDS: Final = 30
REFERENCE_MEMORY_MB: Final = 512
REFERENCE: Final = "reference paper's Smart Reader (first-generation Raspberry Pi)"
_CHUNK: Final = 19
"""Characters that come within the port's 20 ms at 9600 baud."""
_DEADLINE_SECONDS: Final = 60

_PROFILE = MeterProfile(
    id="bench",
    version=1,
    meter=DeviceId("1ISK0012345678"),
    consumer="house",
    identity="12345678",
    manufacturer="ISK",
    line="bench",
    address="12345678",
    registers=(Obis.parse("1-0:1.8.0*255"), Obis.parse("1-0:2.8.0*255")),
    interval_seconds=INTERVAL_SECONDS,
    store_seconds=INTERVAL_SECONDS,
    maximum_power_watts=30_000,
    valid_from=datetime(2020, 1, 1, tzinfo=UTC),
    valid_until=datetime(2090, 1, 1, tzinfo=UTC),
)


def run() -> list[Figure]:
    """Measure the gateway's side of read-outs every two seconds, and reckon with its processor time at one per 30 s."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "meter"
        meter = [sys.executable, "-m", "testbed", "meter", "--quiet", "--load", "flat", "--link", str(link)]
        meter += ["--speed", str(LINE_SPEED), "--top-speed", "none"]
        nothing = subprocess.DEVNULL
        with subprocess.Popen(meter, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, text=True) as simulator:
            try:
                assert simulator.stdout is not None  # noqa: S101 -- it was asked for
                simulator.stdout.readline()
                gateway = [sys.executable, "-m", "testbed.bench.poll", str(link)]
                output = subprocess.run(gateway, check=True, capture_output=True, timeout=_DEADLINE_SECONDS).stdout
            finally:
                simulator.terminate()
    return _figures(json.loads(output))


def _figures(measured: dict[str, float]) -> list[Figure]:
    each = measured["processor_seconds"] / measured["read_outs"]
    protocol = min(measured["protocol_seconds"], each)
    rest = each - protocol
    octets = f"{measured['octets']:.0f} octets at {LINE_SPEED} Bd"
    memory = measured["memory_mb"]
    return [
        Figure(
            "processor time per read-out", each * 1000, "ms", note=f"{octets}, {measured['read_outs']:.0f} measured"
        ),
        Figure("- of which protocol", protocol * 1000, "ms", note="reader, data sets, verification; in memory"),
        Figure("- of which the rest", rest * 1000, "ms", note="port, wake-ups, thread, schedule"),
        Figure("protocol's part of it", protocol / each, "ratio", against="processor time per read-out"),
        Figure(
            f"processor share, one read-out per {REFERENCE_INTERVAL_SECONDS} s",
            100 * each / REFERENCE_INTERVAL_SECONDS,
            "%",
            against=f"13.8 % of the {REFERENCE}",
            note="computed from the measured time per read-out",
        ),
        Figure(
            f"processor share, one read-out per {INTERVAL_SECONDS} s",
            100 * measured["processor_seconds"] / measured["seconds"],
            "%",
            note=f"measured over {measured['seconds']:.0f} s",
        ),
        Figure(
            "resident memory of the reading process",
            memory,
            "MB",
            against=f"5.7 % of {REFERENCE_MEMORY_MB} MB = 29 MB of the {REFERENCE}",
            note=f"measured; {100 * memory / REFERENCE_MEMORY_MB:.1f} % of {REFERENCE_MEMORY_MB} MB",
        ),
    ]


def gateway_side(path: str) -> dict[str, float]:
    """Read the meter on ``path`` with a real line; what it cost this process, imports not included."""
    done = threading.Event()
    telegrams: list[Telegram] = []

    def deliver(profile: MeterProfile, telegram: Telegram) -> None:
        _believe(profile, telegram)
        telegrams.append(telegram)
        if len(telegrams) == READ_OUTS:
            done.set()

    configuration = LineConfiguration("bench", path, LINE_SPEED, Framing.SEVEN_EVEN, echo=False)
    poller = Poller(clock=_clock)
    line = Line(configuration, [_PROFILE], deliver=deliver, report=_report, clock=_clock, poller=poller)
    spent, begin = time.process_time(), time.monotonic()
    line.start()
    if not done.wait(_DEADLINE_SECONDS / 2):
        raise TimeoutError("the simulated meter was not read")
    # Up to the next instant, so that the pauses of the last interval count as those of the others do.
    time.sleep(INTERVAL_SECONDS - time.time() % INTERVAL_SECONDS - 0.1)
    spent, seconds = time.process_time() - spent, time.monotonic() - begin
    memory = _resident_megabytes()
    line.stop()
    with Port(path, speed=LINE_SPEED, framing=Framing.SEVEN_EVEN) as port:
        frame = poller.read_out(port, configuration, _PROFILE)
    return {
        "processor_seconds": spent,
        "seconds": seconds,
        "read_outs": len(telegrams),
        "memory_mb": memory,
        "octets": len(frame.message.to_bytes()),
        "protocol_seconds": seconds_per_call(_Recorded(poller.options(configuration, _PROFILE), frame).walk),
    }


class _Recorded:
    """The protocol's work on one recorded read-out, in memory and in the pieces in which a line hands it over."""

    def __init__(self, options: ReaderOptions, frame: Frame) -> None:
        if frame.identification is None:
            raise ValueError("the simulated meter identifies itself")
        self._options = options
        self._frame = frame
        octets = frame.message.to_bytes()
        self._pieces: Sequence[bytes] = [octets[begin : begin + _CHUNK] for begin in range(0, len(octets), _CHUNK)]
        self._identification = frame.identification.to_bytes()

    def walk(self) -> None:
        """From the first effect to readings."""
        reader = Reader(self._options)
        reader.start()
        reader.receive(self._identification)
        for piece in self._pieces:
            reader.receive(piece)
        if reader.result is None:
            raise ValueError(reader.detail)
        _believe(_PROFILE, parse(self._frame))


def _believe(profile: MeterProfile, telegram: Telegram) -> None:
    verify(telegram, profile, captured_at=telegram.captured_at, previous=lambda _device, _obis: None, clock_valid=True)


def _resident_megabytes() -> float:
    """VmRSS of this process; ``getrusage`` would count what the parent had before the fork."""
    (line,) = (line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _clock() -> datetime:
    return datetime.now(UTC)


def _report(event: object, subject: str, **parameters: object) -> None:
    sys.stderr.write(f"{event} {subject} {parameters}\n")


if __name__ == "__main__":
    json.dump(gateway_side(sys.argv[1]), sys.stdout)
