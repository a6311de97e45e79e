"""Meters and readings that a test hangs up one by one, for what no ordinary house has."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from smgw.han.hers import HerMeter
from smgw.store.contracts import FOR_EVER, Measured, Span
from smgw.store.schema import readings
from tests.smgw.han.house_readings import FIRST, GOOD, IMPORT
from tests.smgw.store.samples import open_database
from tests.wire.profiles.examples import METER
from wire.obis import Obis
from wire.reading import DeviceId, Unit

START = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
"""A quarter-hour, and two hours behind local midnight."""
QUARTER = 900


class Cellar:
    """One store without profiles; who measures whom is handed to what is tested."""

    def __init__(self, folder: Path) -> None:
        self.database = open_database(folder)

    def meter(
        self,
        device: DeviceId = FIRST,
        begin: int = 0,
        until: int = FOR_EVER,
        registers: tuple[Obis, ...] = (IMPORT,),
        store: int = QUARTER,
    ) -> HerMeter:
        """Somebody is measured by ``device`` from ``begin`` until ``until``."""
        profile = replace(METER, meter=device, registers=registers, interval_seconds=store, store_seconds=store)
        return HerMeter(Measured(Span(device, begin, until), max(begin, START - 10 * QUARTER), until, profile))

    def read(
        self,
        *values: tuple[int, int],
        device: DeviceId = FIRST,
        obis: Obis = IMPORT,
        scaler: int = 0,
        status: int = GOOD,
        unit: Unit = Unit.WH,
    ) -> None:
        """Readings as (seconds since START, value)."""
        rows = [
            {
                "device": device.text,
                "obis": obis.to_bytes(),
                "captured_at": START + at,
                "value": value,
                "scaler": scaler,
                "unit": int(unit),
                "status": status,
                "signature": bytes(64),
            }
            for at, value in values
        ]
        with self.database.write() as connection:
            connection.execute(readings.insert(), rows)
