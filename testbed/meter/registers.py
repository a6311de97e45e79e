"""What a simulated MT83x shows at an instant: data sets as text, in the order of its read-out.

Decides addresses, formats and units. The register set is the one of the public MT83x documents as far as they name it;
energies are integers in watt-hours until the last moment and are shown in kWh with three decimals.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from testbed.meter.load import LOCAL, QUARTER, Load
from testbed.meter.settings import MeterSettings

FATAL_ERROR: Final = "01"
NO_ERROR: Final = "00"
BACKWARDS_WATT_HOURS: Final = 10_000
"""How far back registers go that run backwards."""
WRONG_SERIAL: Final = "99999999"
WRONG_MANUFACTURER: Final = "EMH"
_HISTORY_STORED_AT: Final = "%y%m%d0000"


@dataclass(frozen=True, slots=True)
class Condition:
    """What is wrong with a meter while it makes one answer."""

    wrong_identity: bool = False
    runs_backwards: bool = False
    fatal_error: bool = False


def kilowatt_hours(watt_hours: int) -> str:
    """``0001234.567*kWh``."""
    return f"{watt_hours // 1000:07d}.{watt_hours % 1000:03d}*kWh"


def data_sets(settings: MeterSettings, load: Load, at: datetime, condition: Condition) -> dict[str, str]:
    """Address -> what stands in its parentheses, at ``at``; in the order of the read-out."""
    local = at.astimezone(LOCAL)
    serial = WRONG_SERIAL if condition.wrong_identity else settings.serial
    back = BACKWARDS_WATT_HOURS if condition.runs_backwards else 0
    energy = load.at(at)
    low = max(0, energy.low_tariff - back)
    high = max(0, energy.total - energy.low_tariff - back)
    shown = {"F.F": FATAL_ERROR if condition.fatal_error else NO_ERROR, "C.1.0": serial, "0.0.0": serial}
    if settings.shows_clock:
        shown |= {"0.9.1": f"{local:%H%M%S}", "0.9.2": f"{local:%y%m%d}"}
    shown |= {"1.8.0": kilowatt_hours(high + low), "1.8.1": kilowatt_hours(high), "1.8.2": kilowatt_hours(low)}
    shown |= {address: kilowatt_hours(0) for address in ("2.8.0", "2.8.1", "2.8.2")}
    shown["1.7.0"] = _kilowatts(_power(load, at))
    month = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for number in range(settings.history_months):
        if number:
            month = (month - QUARTER).replace(day=1, hour=0, minute=0)
        stored = load.at(month)
        # The stored-at time is a value of its own behind the register, and history shows no unit twice.
        mark = f"*{number + 1:02d}"
        shown[f"1.8.0{mark}"] = f"{kilowatt_hours(stored.total)})({month.strftime(_HISTORY_STORED_AT)}"
    shown["C.8.0"] = "00000000"
    shown["0.2.0"] = settings.identification[:16]
    return shown


def _power(load: Load, at: datetime) -> int:
    """Mean watts of the last quarter hour."""
    return (load.at(at).total - load.at(at - QUARTER).total) * 4


def _kilowatts(watts: int) -> str:
    return f"{watts // 1000:03d}.{watts % 1000:03d}*kW"
