"""A telegram and a profile that agree, from which a test states only its deviation."""

from datetime import UTC, datetime, timedelta
from typing import Any

from smgw.lmn.telegram import Telegram, Value
from wire.obis import Obis
from wire.profiles import MeterProfile
from wire.reading import DeviceId

CAPTURED_AT = datetime(2026, 1, 15, 12, 0, 1, tzinfo=UTC)
IMPORT = Obis.parse("1-0:1.8.0*255")
EXPORT = Obis.parse("1-0:2.8.0*255")
METER = DeviceId("1ISK0012345678")

Changes = dict[str, tuple[Value, ...] | None]
DATA_SETS: Changes = {
    "F.F": (Value("00", ""),),
    "C.1.0": (Value("12345678", ""),),
    "0.0.0": (Value("12345678", ""),),
    "0.9.1": (Value("130001", ""),),
    "0.9.2": (Value("260115", ""),),
    "1.8.0": (Value("0001234.567", "kWh"),),
    "1.8.0*01": (Value("0001000.000", "kWh"),),
    "2.8.0": (Value("0000000.000", "kWh"),),
}


def telegram(changes: Changes | None = None, *, manufacturer: str = "ISK") -> Telegram:
    """The example with data sets changed, added, or (None) taken out."""
    data_sets = {address: values for address, values in (DATA_SETS | (changes or {})).items() if values is not None}
    return Telegram(manufacturer, "MT831-0.1", data_sets, CAPTURED_AT, CAPTURED_AT)


def profile(**changes: Any) -> MeterProfile:
    """The example profile with fields changed."""
    fields: dict[str, Any] = {
        "id": "meter-1",
        "version": 1,
        "meter": METER,
        "consumer": "house",
        "identity": "12345678",
        "manufacturer": "ISK",
        "line": "rs485-1",
        "address": "12345678",
        "registers": (IMPORT, EXPORT),
        "interval_seconds": 900,
        "store_seconds": 900,
        "maximum_power_watts": 30_000,
        "valid_from": CAPTURED_AT - timedelta(days=1),
        "valid_until": CAPTURED_AT + timedelta(days=1),
    }
    return MeterProfile(**(fields | changes))
