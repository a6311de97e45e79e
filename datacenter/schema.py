"""The datacenter's tables, for SQLite and PostgreSQL alike, and the months that PostgreSQL splits readings into.

Decides how a row lies on disk. Identifications become small integers in dimension tables, times are epoch seconds
(bigint: no time zone can be misread and nothing is converted on the way in), values are integers with their scaler.
Rows are found by (gateway, device, OBIS, series, instant): SQLite keeps them in that order on disk (WITHOUT ROWID),
PostgreSQL in monthly range partitions whose past months can be clustered: a hundredfold when one meter's year is read.

A measured value belongs to its meter, whichever profile brings it: series 0. A value that the gateway derived, whose
device is the gateway itself, belongs to its profile and has that profile's number as series: the sums of two profiles
over different meters are two values, although gateway, OBIS code and period end are the same. What came under a
pseudonym has it for gateway, device and profile, and is therefore a series of that profile.
"""

from datetime import UTC, datetime

import sqlalchemy as sa

from datacenter.errors import ConfigError

metadata = sa.MetaData()

gateway = sa.Table(
    "gateway",
    metadata,
    sa.Column("gateway_no", sa.Integer, primary_key=True),
    sa.Column("identification", sa.String(14), nullable=False, unique=True),
)

device = sa.Table(
    "device",
    metadata,
    sa.Column("device_no", sa.Integer, primary_key=True),
    sa.Column("identification", sa.String(14), nullable=False, unique=True),
)

obis = sa.Table(
    "obis",
    metadata,
    sa.Column("obis_no", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(23), nullable=False, unique=True),
)

profile = sa.Table(
    "profile",
    metadata,
    sa.Column("profile_no", sa.Integer, primary_key=True),
    sa.Column("gateway_no", sa.Integer, sa.ForeignKey("gateway.gateway_no"), nullable=False),
    sa.Column("identification", sa.String(128), nullable=False),
    sa.Column("use_case", sa.String(16), nullable=False),
    sa.UniqueConstraint("gateway_no", "identification", "use_case"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("profile_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("period_begin", sa.BigInteger, nullable=False),
    sa.Column("period_end", sa.BigInteger, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("readings", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""What was received: SHA-256 of the opened content by gateway, profile and sequence number (idempotency, D6)."""

reading = sa.Table(
    "reading",
    metadata,
    sa.Column("gateway_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("device_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("obis_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("series", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("captured_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
    sa.Column("status", sa.BigInteger, nullable=False),
    sa.Column("profile_no", sa.Integer, nullable=False),
    sa.Column("scaler", sa.SmallInteger, nullable=False),
    sa.Column("unit", sa.SmallInteger, nullable=False),
    sa.Column("signature", sa.LargeBinary(64), nullable=False),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (captured_at)",
)
"""``profile_no`` is the profile that brought the row first; ``status`` the unsigned 64-bit word as a signed one;
``signature`` is empty where gateway and device are a pseudonym, which nobody signs."""

refusal = sa.Table(
    "refusal",
    metadata,
    sa.Column("gateway", sa.String(64), primary_key=True),
    sa.Column("reason", sa.String(32), primary_key=True),
    sa.Column("detail", sa.String(64), primary_key=True),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("times", sa.BigInteger, nullable=False),
)
"""Who was refused why, from when until when and how often: counted, so that a loud sender cannot fill the table."""

MEASURED = 0
"""The series of every measured value; profile numbers, the series of derived ones, begin with 1."""

SCHEMA_LOCK = 0x534D4757
"""PostgreSQL advisory lock ("SMGW") under which tables and partitions come to be."""


def create(connection: sa.Connection) -> None:
    """Create what is missing; safe when several processes start at once. Needs a writing transaction.

    Raises ConfigError where a table is there with other columns: nothing could be stored in it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SCHEMA_LOCK)))
    metadata.create_all(connection)
    inspector = sa.inspect(connection)
    for table in metadata.sorted_tables:
        if {column["name"] for column in inspector.get_columns(table.name)} != set(table.c.keys()):
            raise ConfigError(f"the table {table.name} of this database was made by another version; use a new one")


def month(second: int) -> tuple[int, int]:
    """The UTC month that holds an epoch second: first second, first second of the next month."""
    begin = datetime.fromtimestamp(second, UTC).replace(day=1, hour=0, minute=0, second=0)
    following = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return int(begin.timestamp()), int(following.timestamp())


def create_month(connection: sa.Connection, begin: int, end: int) -> None:
    """Create the PostgreSQL partition for ``month()``'s bounds if nobody did; safe under concurrency.

    IF NOT EXISTS alone is not: two sessions may both see nothing and one then fails. The lock is held to the commit.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SCHEMA_LOCK)))
    name = datetime.fromtimestamp(begin, UTC).strftime("reading_%Y_%m")
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF reading FOR VALUES FROM ({begin:d}) TO ({end:d})"
    )
