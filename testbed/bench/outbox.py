"""What one delivery costs the gateway's store when little is owed and when very much is: the same, if indexes work.

Both databases lie on the same disk and are delivered from in turn, so that what slows the machine slows both. Measured
is the store's part of a delivery (open, read back, acknowledge, each durable); sealing does not know how much is owed.
Resident memory is that of a fresh process for each database, because a process never gives back what it once held.
"""

import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

from smgw.store.database import Database
from smgw.store.outbox import Outbox
from smgw.store.rows import columns_of
from smgw.store.schema import grant_readings, grants, readings
from smgw.store.store_key import KEY_SIZE
from testbed.bench.figures import Figure
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

FEW, MANY = 1_000, 100_000
DELIVERIES = 40
GRANTS_EACH = 10
PROFILE = "bench"
_START = datetime(2026, 1, 1, tzinfo=UTC)
_OBIS = Obis.parse("1-0:1.8.0*255")
_BATCH = 10_000


def run() -> list[Figure]:
    """Time and memory of one delivery with 100,000 grants owed, each relative to 1,000."""
    with tempfile.TemporaryDirectory() as name:
        key = secrets.token_bytes(KEY_SIZE)
        few, many = _owing(Path(name) / "few.db", key, FEW), _owing(Path(name) / "many.db", key, MANY)
        few_seconds, many_seconds = [], []
        for _ in range(DELIVERIES):
            few_seconds.append(_timed(few))
            many_seconds.append(_timed(many))
        few_python, many_python = _python_peak(few), _python_peak(many)
        few.close()
        many.close()
        few_resident, many_resident = (_resident_peak(Path(name) / file, key) for file in ("few.db", "many.db"))
    return [
        _ratio("store time per delivery", statistics.median(many_seconds), statistics.median(few_seconds), 1e3, "ms"),
        _ratio("Python memory per delivery", many_python, few_python, 1e-3, "kB"),
        _ratio("resident memory while delivering", many_resident, few_resident, 1e-3, "MB"),
    ]


def _ratio(name: str, many: float, few: float, scale: float, unit: str) -> Figure:
    return Figure(
        name=name,
        value=many / few,
        unit="ratio",
        against=f"{MANY:,} owed over {FEW:,} owed",
        target="about 1",
        note=f"{many * scale:.2f} {unit} over {few * scale:.2f} {unit}",
    )


def _owing(file: Path, key: bytes, count: int) -> Database:
    """A database that owes ``count`` readings, one grant each, written in large transactions."""
    database = Database.open_with_key(file, key, create=True)
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        with database.write() as connection:
            connection.execute(readings.insert(), [_reading(number) for number in numbers])
            connection.execute(grants.insert(), [_grant(number) for number in numbers])
            connection.execute(
                grant_readings.insert(),
                [{"grant_id": number + 1, "position": 0, "reading_id": number + 1} for number in numbers],
            )
    return database


def _reading(number: int) -> dict[str, str | bytes | int]:
    at = _START + number * timedelta(minutes=15)
    reading = Reading(DeviceId("1ISK0087654321"), _OBIS, Register(number, 0, Unit.WH), at)
    return {"id": number + 1, **columns_of(SignedReading(reading, secrets.token_bytes(64)))}


def _grant(number: int) -> dict[str, str | int]:
    begin = int((_START + number * timedelta(minutes=15)).timestamp())
    return {
        "id": number + 1,
        "profile": PROFILE,
        "key": f"1ISK0087654321|{_OBIS}|{begin}",
        "profile_version": 1,
        "party": "bench",
        "period_begin": begin,
        "period_end": begin + 900,
    }


def _deliver(database: Database) -> None:
    outbox = Outbox(database)
    delivery = outbox.open_delivery(PROFILE, _START, GRANTS_EACH)
    if delivery is None or len(delivery.readings) != GRANTS_EACH:
        raise RuntimeError("the bench ran out of what is owed")
    outbox.acknowledge(PROFILE, delivery.sequence, _START)


def _timed(database: Database) -> float:
    begin = time.perf_counter()
    _deliver(database)
    return time.perf_counter() - begin


def _python_peak(database: Database) -> float:
    """Bytes that Python holds at most during one delivery."""
    tracemalloc.start()
    try:
        _deliver(database)
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def _resident_peak(file: Path, key: bytes) -> float:
    """Kilobytes that a fresh process holds at most while it delivers, SQLite's own memory included."""
    child = subprocess.run(
        [sys.executable, "-m", "testbed.bench.outbox", file], input=key, capture_output=True, check=True
    )
    return float(child.stdout)


def _child(file: Path, key: bytes) -> None:
    """Deliver ten times and print the highest resident size of this process."""
    database = Database.open_with_key(file, key)
    for _ in range(10):
        _deliver(database)
    database.close()
    # Not ru_maxrss: a child inherits that from its parent across exec (getrusage(2)).
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))


if __name__ == "__main__":
    _child(Path(sys.argv[1]), sys.stdin.buffer.read())
