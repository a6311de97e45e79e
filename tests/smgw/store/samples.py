"""Readings and grants that differ only in their number, and a database whose key the test holds."""

import hashlib
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from smgw.access.grants import Decision, Grant
from smgw.store.database import DATABASE_NAME, Database
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

GATEWAY = DeviceId("EABC0012345678")
METER = DeviceId("1ISK0087654321")
IMPORT = Obis.parse("1-0:1.8.0*255")
START = datetime(2026, 1, 1, tzinfo=UTC)
RASTER = timedelta(minutes=15)
KEY = bytes(range(32))


def reading(number: int, *, value: int | None = None, meter: DeviceId = METER, status: int = 0) -> SignedReading:
    """The ``number``-th quarter-hourly reading; its signature is well formed and depends on the number."""
    register = Register(4_711_000 + number if value is None else value, -1, Unit.WH)
    signature = hashlib.sha512(f"{meter}{number}".encode()).digest()
    return SignedReading(Reading(meter, IMPORT, register, START + number * RASTER, status), signature)


def grant(number: int, *, profile: str = "grid-1", readings: tuple[SignedReading, ...] | None = None) -> Grant:
    """The grant of the ``number``-th reading."""
    point = START + number * RASTER
    return Grant(
        profile=profile,
        profile_version=1,
        party="grid",
        key=f"{METER}|{IMPORT}|{point.isoformat()}",
        period_begin=point,
        period_end=point + RASTER,
        readings=(reading(number),) if readings is None else readings,
    )


def decision(*grants: Grant) -> Decision:
    """A decision with these grants and no refusal."""
    return Decision(tuple(grants), ())


def open_database(folder: Path, *, create: bool = True) -> Database:
    """The database in ``folder`` under KEY."""
    file = folder / DATABASE_NAME
    if create:
        with suppress(FileExistsError), file.open("xb") as empty:
            empty.write(_empty())
    return Database.open_with_key(file, KEY)


@cache
def _empty() -> bytes:
    """The file of a database as it is made; making its tables takes longer than most tests do."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / DATABASE_NAME
        Database.open_with_key(file, KEY, create=True).close()
        return file.read_bytes()
