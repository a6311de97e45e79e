"""A simulated line, a port and a profile that agree, from which a test states only its deviation."""

import fcntl
import os
import sys
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from smgw.config import Framing, LineConfiguration
from smgw.lmn.errors import PollError
from smgw.lmn.poll import Poller
from smgw.lmn.port import Port
from smgw.lmn.telegram import Frame
from testbed.meter.settings import LineSettings, LoadKind, MeterSettings
from testbed.meter.simulator import SimulatedLine
from testbed.wires import PtyWire
from wire.obis import Obis
from wire.profiles import MeterProfile, Protocol62056
from wire.reading import DeviceId

FAST = 19200
PATIENCE_SECONDS = 60.0
NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def clock() -> datetime:
    return datetime.now(UTC)


PATIENT: Final[Mapping[str, float]] = {"reaction_seconds": 30.0, "gap_seconds": 5.0}
"""For meters that answer: on a machine that does much else nobody is silent because he was not let speak."""
BRIEF: Final[Mapping[str, float]] = {"gap_seconds": 0.4}
"""For what is damaged or cut off, and asked for again when the line is silent."""
HASTY: Final[Mapping[str, float]] = {"reaction_seconds": 0.6, "gap_seconds": 0.4}
"""For meters that say nothing."""


def poller(**changes: Any) -> Poller:
    """A read-out that asks twice; a test that waits for silence says how long."""
    return Poller(**{"clock": clock, "requests": 2, **PATIENT, **changes})


def meter(serial: str = "00471100", **changes: Any) -> MeterSettings:
    """A fast meter without ``demandlib``; the small third letter of its maker lets the reader answer after 20 ms."""
    defaults: dict[str, Any] = {"load": LoadKind.FLAT, "top_speed": None, "manufacturer": "ISk", "history_months": 0}
    defaults |= {"reaction_seconds": 0.01, "slow_seconds": 0.7}
    return MeterSettings(serial=serial, **(defaults | changes))


def simulated(folder: Path, *meters: MeterSettings, **changes: Any) -> SimulatedLine:
    """A line at 19200 baud that never changes its speed; its path is ``folder/port``."""
    settings = LineSettings(meters=meters or (meter(),), **({"speed": FAST} | changes))
    return SimulatedLine(settings, now=clock(), link=folder / "port")


def configuration(line: SimulatedLine, **changes: Any) -> LineConfiguration:
    """The gateway's view of ``line``."""
    fields: dict[str, Any] = {"name": "line-1", "port": line.path, "speed": FAST, "echo": False}
    fields["framing"] = Framing.SEVEN_EVEN
    return LineConfiguration(**(fields | changes))


def profile(serial: str = "00471100", *, protocol: Protocol62056 | None = None, **changes: Any) -> MeterProfile:
    """The profile of :func:`meter`."""
    fields: dict[str, Any] = {
        "id": f"meter-{serial}",
        "version": 1,
        "meter": DeviceId(f"1ISK00{serial}"),
        "consumer": "house",
        "identity": serial,
        "manufacturer": "ISK",
        "line": "line-1",
        "address": serial,
        "registers": (Obis.parse("1-0:1.8.0*255"),),
        "interval_seconds": 1,
        "maximum_power_watts": 30_000,
        "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
        "valid_until": datetime(2090, 1, 1, tzinfo=UTC),
        "protocol": protocol or Protocol62056(),
    }
    return MeterProfile(**(fields | {"store_seconds": changes.get("interval_seconds", 1)} | changes))


def read_out(line: SimulatedLine, expected: MeterProfile | None = None, **changes: Any) -> Frame:
    """One read-out of one meter over a port of its own; ``patience`` overrides the poller, others the line."""
    patience = changes.get("patience", {})
    settings = configuration(line, **{name: value for name, value in changes.items() if name != "patience"})
    with Port(settings.port, speed=settings.speed, framing=settings.framing) as port:
        return poller(**patience).read_out(port, settings, expected or profile())


def read_out_with_a_change(line: SimulatedLine, expected: MeterProfile | None = None, **changes: Any) -> Frame:
    """As :func:`read_out`, where the speed changes: what was written just before may have to be asked for anew.

    A pseudo-terminal does not tell at which speed characters were written: where the thread of the simulated line comes
    to look at them only after the reader changed its speed, the meter does not understand them, and is silent.
    """
    changes["patience"] = {"reaction_seconds": 2.0} | changes.get("patience", {})
    for _ in range(4):
        with suppress(PollError):
            return read_out(line, expected, **changes)
    return read_out(line, expected, **changes)


def arrived(path: str, count: int) -> None:
    """Wait until so many octets can be read at ``path``: a pseudo-terminal hands them on when the kernel likes."""
    end = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while int.from_bytes(fcntl.ioctl(end, termios.FIONREAD, bytes(4)), sys.byteorder) < count:
            assert time.monotonic() < until, "it was not said"
            time.sleep(0.001)
    finally:
        os.close(end)


def heard(wire: PtyWire, count: int) -> bytes:
    """What the far end of ``wire`` wrote, once it is so much."""
    octets, until = wire.read(), time.monotonic() + PATIENCE_SECONDS
    while len(octets) < count:
        assert time.monotonic() < until, octets
        time.sleep(0.001)
        octets += wire.read()
    return octets
