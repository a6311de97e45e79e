"""A simulated line, a port and a profile that agree, from which a test states only its deviation."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from smgw.config import Framing, LineConfiguration
from smgw.lmn.poll import Poller
from smgw.lmn.port import Port
from smgw.lmn.telegram import Frame
from testbed.meter.settings import LineSettings, LoadKind, MeterSettings
from testbed.meter.simulator import SimulatedLine
from wire.obis import Obis
from wire.profiles import MeterProfile, Protocol62056
from wire.reading import DeviceId

FAST = 19200
NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def clock() -> datetime:
    return datetime.now(UTC)


def poller(**changes: Any) -> Poller:
    """Patience for tests: a meter that has not begun after 0.6 s is silent."""
    fields: dict[str, Any] = {"clock": clock, "reaction_seconds": 0.6, "gap_seconds": 0.4, "requests": 2}
    return Poller(**(fields | changes))


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
    patience = changes.pop("patience", {})
    settings = configuration(line, **changes)
    with Port(settings.port, speed=settings.speed, framing=settings.framing) as port:
        return poller(**patience).read_out(port, settings, expected or profile())


def later(seconds: float) -> datetime:
    return clock() + timedelta(seconds=seconds)
