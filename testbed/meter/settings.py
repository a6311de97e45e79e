"""What a simulated meter and its line are told before they start, and the same as a TOML file.

Decides the defaults: an Iskraemeco MT83x on RS-485 at 9600 baud in mode C. No read-out of that meter has been
published; its identification, register set, status byte and error codes follow what its public communication
specification of 2012 says, the layout of the read-out that of the nearest published captures (MT174, ME162). Unknown
keys are refused.
"""

import tomllib
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

DEFAULT_ANNUAL_WATT_HOURS: Final = 3_500_000
"""A German household of three."""


class SettingsError(ValueError):
    """The settings are refused; the message is a sentence with the key."""


class Mode(StrEnum):
    """Protocol modes of IEC 62056-21 that the simulator speaks."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class LoadKind(StrEnum):
    """Where the consumption comes from."""

    H25 = "h25"
    """BDEW standard load profile of households (2025), through ``demandlib``."""
    FLAT = "flat"
    """The same power at all times of the day tariff, and of the night tariff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSettings:
    """One meter. Speeds in baud, energies in watt-hours, durations in seconds.

    ``address`` is the device address on the line (None: the serial number); ``None`` for ``top_speed`` means that the
    meter never leaves the line's speed. ``announces`` is the speed in the identification, where it differs from
    ``top_speed``: a meter that announces one speed and uses another. ``switches_after`` is how long it waits before
    it changes; ``sends_unasked`` lets it send its read-out at the line's speed when no acknowledgement comes.
    """

    serial: str = "12345678"
    address: str | None = None
    manufacturer: str = "ISK"
    identification: str = "MT831-0.1"
    mode: Mode = Mode.C
    top_speed: int | None = 9600
    announces: int | None = None
    switches_after: float = 0.0
    password: str = "00000000"  # noqa: S105 - the factory setting of many meters, in clear on the line anyway
    needs_password: bool = False
    seed: int = 1
    annual_watt_hours: int = DEFAULT_ANNUAL_WATT_HOURS
    load: LoadKind = LoadKind.H25
    reaction_seconds: float = 0.2
    acknowledge_seconds: float = 1.5
    inactivity_seconds: float = 60.0
    push_seconds: float = 2.0
    slow_seconds: float = 3.0
    block_check: bool = True
    sends_unasked: bool = False
    profile_days: int = 40
    rows_per_block: int = 20
    history_months: int = 2
    shows_clock: bool = True
    replay: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """One line: ``speed`` before any change, ``echo`` of a two-wire adapter, ``parity`` False for an 8N1 line.

    Simulated time begins at ``start`` (aware; None: now) and runs ``speed_factor`` times as fast as real time; the
    line itself always runs in real time.
    """

    meters: tuple[MeterSettings, ...] = (MeterSettings(),)
    speed: int = 300
    echo: bool = False
    parity: bool = True
    seed: int = 1
    speed_factor: float = 1.0
    start: datetime | None = None


def parse_line(text: str) -> LineSettings:
    """Read a line from TOML: keys of :class:`LineSettings`, one ``[[meters]]`` table a meter. Raises SettingsError."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"not TOML: {error}") from error
    tables = content.pop("meters", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise SettingsError("a line needs at least one [[meters]] table")
    meters = tuple(_build(MeterSettings, table, f"meters[{place}].") for place, table in enumerate(tables))
    line: LineSettings = _build(LineSettings, {**content, "meters": meters}, "")
    if line.start is not None and line.start.tzinfo is None:
        raise SettingsError("start needs an offset from UTC")
    addresses = [meter.serial if meter.address is None else meter.address for meter in line.meters]
    if len({address.lstrip("0") for address in addresses}) != len(addresses):
        raise SettingsError("two meters of the line have the same address")
    return line


def _build(kind: Any, table: dict[str, Any], path: str) -> Any:
    """An instance of ``kind`` from ``table``; each value must have its field's type, "none" where that may be None."""
    known = {field.name: field for field in fields(kind)}
    values = {}
    for key, value in table.items():
        if key not in known:
            raise SettingsError(f"unknown key {path}{key} (known: {', '.join(sorted(known))})")
        values[key] = _converted(known[key].type, value, f"{path}{key}")
    return kind(**values)


def _converted(wanted: Any, value: Any, path: str) -> Any:
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        try:
            return wanted(value)
        except ValueError as error:
            raise SettingsError(f"{path} is none of {', '.join(wanted)}: {value!r}") from error
    if value == "none" and type(None) in getattr(wanted, "__args__", ()):
        return None
    if wanted is float and type(value) is int:
        return float(value)
    allowed = getattr(wanted, "__args__", (wanted,)) if not isinstance(wanted, type) else (wanted,)
    if getattr(wanted, "__origin__", None) is tuple:
        return value
    if type(value) not in allowed:
        raise SettingsError(f"{path} has the wrong type: {value!r}")
    return value
