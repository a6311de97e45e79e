"""THE WALK, step 9: accepted delivery -> rows, all or nothing, once however often it comes.

Decides idempotency. Within one transaction the delivery's number is claimed first: whoever finds it claimed compares
digests and writes nothing. Then the rows; a row that is there already must say the same (its signature may differ), or
the whole delivery is refused and rolled back. A cover (FPR_CON.1) is a number without rows, claimed and repeated like
any other. The same is decided by the key (``schema``): a meter's value is one value for all profiles, a value that the
gateway derived is its profile's. The commit is on disk before :meth:`Archive.store` returns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from datacenter import database, schema
from datacenter.database import writing
from datacenter.errors import RefusalReason, RefusedError
from datacenter.insert_postgresql import Insert, QuickInsert, array
from datacenter.numbers import Dimensions
from datacenter.sequence import require_repetition

_STATUS_SPAN = 2**64
_DELIVERY_PARAMETERS = tuple(f"delivery_{column.name}" for column in schema.delivery.c)


class StoreResult(Enum):
    """What became of a delivery; both are acknowledged."""

    STORED = "stored"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that passed every check; times are epoch seconds, ``digest`` the SHA-256 of the opened content."""

    gateway: str
    profile: str
    use_case: str
    sequence: int
    digest: bytes
    created_at: int
    period_begin: int
    period_end: int
    received_at: int


class Row(NamedTuple):
    """One reading as the table takes it; ``status`` unsigned, ``captured_at`` in epoch seconds.

    ``signature`` is empty under a pseudonym; of one delivery, all are or none is (``wire.cosem_xml``).
    """

    device: str
    obis: str
    captured_at: int
    value: int
    scaler: int
    unit: int
    status: int
    signature: bytes


Head = tuple[int, int, bytes, int, int, int, int, int]
"""The columns of one delivery, in the table's order."""
Numbered = list[tuple[int, int, int, int, Row]]
"""Device number, OBIS number, series, instant, row: in the order of the primary key."""


def _sqlite_insert(table: sa.Table) -> str:
    return str(sqlite.insert(table).on_conflict_do_nothing().compile(dialect=sqlite.dialect(paramstyle="qmark")))


_SQLITE_CLAIM = _sqlite_insert(schema.delivery)
_SQLITE_ROWS = _sqlite_insert(schema.reading)


class Archive:
    """Where readings are kept; thread-safe."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use tables that exist (``datacenter.database.prepare``)."""
        self._engine = engine
        self.dimensions = Dimensions(engine)
        self._months: list[tuple[int, int]] = []
        self._overlapping: set[int] = set()
        """Profiles that deliver what another one delivers too: for them the quick way would fail every time."""
        self._postgresql = engine.dialect.name == "postgresql"
        self._autocommit = database.engine(engine.url, autocommit=True) if self._postgresql else engine
        if self._postgresql:
            self._quick, self._lenient = QuickInsert(self._autocommit), Insert(engine.dialect, strict=False)

    @property
    def engine(self) -> sa.Engine:
        """The database behind it."""
        return self._engine

    def close(self) -> None:
        """Close idle connections."""
        if self._postgresql:
            self._quick.close()
            self._autocommit.dispose()
        self._engine.dispose()

    def store(self, delivery: Delivery, rows: Sequence[Row]) -> StoreResult:
        """Write all of it or nothing; a cover is its number and no row.

        Raises RefusedError (conflict) and StorageError (temporary).
        """
        numbers = self.dimensions
        gateway_no = numbers.gateways.of(delivery.gateway)
        profile_no = numbers.profiles.of(gateway_no, delivery.profile, delivery.use_case)
        numbered = self._numbered(delivery, profile_no, rows)
        head = (
            profile_no,
            delivery.sequence,
            delivery.digest,
            delivery.created_at,
            delivery.period_begin,
            delivery.period_end,
            delivery.received_at,
            len(rows),
        )
        if self._postgresql:
            self._ensure_months([row.captured_at for row in rows])
            parameters = _parameters(gateway_no, head, numbered)
            if profile_no not in self._overlapping and self._quick.store(parameters):
                return StoreResult.STORED
            insert = partial(self._lenient.on, parameters=parameters)
        else:
            insert = partial(_insert_sqlite, gateway_no=gateway_no, head=head, rows=numbered)
        with writing(self._engine) as connection:
            claimed, inserted = insert(connection)
            if not claimed:
                require_repetition(_stored_digest(connection, profile_no, delivery.sequence), delivery.digest)
                return StoreResult.DUPLICATE
            if inserted < len(rows):
                self._overlapping.add(profile_no)
                _require_same(connection, gateway_no, numbered)
        return StoreResult.STORED

    def _numbered(self, delivery: Delivery, profile_no: int, rows: Sequence[Row]) -> Numbered:
        """Sorted, so that two deliveries that share rows wait for one another instead of dead-locking."""
        columns: dict[tuple[str, str], tuple[int, int, int]] = {}
        numbered: Numbered = []
        for row in rows:
            column = columns.get((row.device, row.obis))
            if column is None:
                series = profile_no if row.device == delivery.gateway else schema.MEASURED
                column = self.dimensions.devices.of(row.device), self.dimensions.codes.of(row.obis), series
                columns[row.device, row.obis] = column
            numbered.append((*column, row.captured_at, row))
        numbered.sort(key=itemgetter(0, 1, 2, 3))
        return numbered

    def _ensure_months(self, seconds: Sequence[int]) -> None:
        """Create the partitions that are not known to exist; committed before the delivery that needs them."""
        if not seconds:
            return
        first, last = min(seconds), max(seconds)
        if any(begin <= first and last < end for begin, end in self._months):
            return
        for second in seconds:
            if any(begin <= second < end for begin, end in self._months):
                continue
            bounds = schema.month(second)
            with writing(self._engine) as connection:
                schema.create_month(connection, *bounds)
            # Newest first: nearly every reading belongs to the newest month.
            self._months = sorted({*self._months, bounds}, reverse=True)


def _parameters(gateway_no: int, head: Head, numbered: Numbered) -> dict[str, Any]:
    devices, codes, series, seconds, rows = zip(*numbered, strict=True) if numbered else ((),) * 5
    parameters: dict[str, Any] = dict(zip(_DELIVERY_PARAMETERS, head, strict=True))
    parameters |= {
        "gateway_no": gateway_no,
        "rows_device_no": array(devices),
        "rows_obis_no": array(codes),
        "rows_series": array(series),
        "rows_captured_at": array(seconds),
        "rows_value": array(row.value for row in rows),
        "rows_status": array(signed_status(row.status) for row in rows),
        "rows_scaler": array(row.scaler for row in rows),
        "rows_unit": array(row.unit for row in rows),
        "signatures": b"".join(row.signature for row in rows),
    }
    return parameters


def _insert_sqlite(connection: sa.Connection, gateway_no: int, head: Head, rows: Numbered) -> tuple[int, int]:
    """How many deliveries (0 where its number was taken) and how many rows were inserted."""
    if connection.exec_driver_sql(_SQLITE_CLAIM, head).rowcount == 0:
        return 0, 0
    table_rows = [
        (
            gateway_no,
            device,
            code,
            series,
            at,
            row.value,
            signed_status(row.status),
            head[0],
            row.scaler,
            row.unit,
            row.signature,
        )
        for device, code, series, at, row in rows
    ]
    return 1, connection.exec_driver_sql(_SQLITE_ROWS, table_rows).rowcount if table_rows else 0


def signed_status(status: int) -> int:
    """The unsigned 64-bit status word as the signed one that databases have."""
    return status - _STATUS_SPAN if status >= _STATUS_SPAN // 2 else status


def unsigned_status(stored: int) -> int:
    """The status word that :func:`signed_status` stored."""
    return stored % _STATUS_SPAN


def _stored_digest(connection: sa.Connection, profile_no: int, sequence: int) -> bytes:
    table = schema.delivery
    query = sa.select(table.c.digest).where(table.c.profile_no == profile_no, table.c.sequence == sequence)
    return bytes(connection.execute(query).scalar_one())


def _require_same(connection: sa.Connection, gateway_no: int, rows: Numbered) -> None:
    """Some rows were there already: they must hold the same values. Raises RefusedError(CONFLICTING_READING).

    Also catches one delivery that says two things about the same instant: the second is not what was stored.
    """
    table = schema.reading
    for (device, code, series), entries in groupby(rows, key=itemgetter(0, 1, 2)):
        offered = list(entries)
        query = sa.select(table.c.captured_at, table.c.value, table.c.scaler, table.c.unit, table.c.status).where(
            table.c.gateway_no == gateway_no,
            table.c.device_no == device,
            table.c.obis_no == code,
            table.c.series == series,
            table.c.captured_at.between(offered[0][3], offered[-1][3]),
        )
        stored = {second: tuple(values) for second, *values in connection.execute(query)}
        for *_, second, row in offered:
            if stored.get(second) != (row.value, row.scaler, row.unit, signed_status(row.status)):
                raise RefusedError(RefusalReason.CONFLICTING_READING)
