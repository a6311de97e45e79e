"""The administrator's tables: one SQLite file that command line, server and console share.

Decides how a row lies on disk: times are epoch seconds, identifications their fourteen characters, documents the very
bytes that were signed or received. What is a record of the past (audit, notifications) is append-only by triggers, so
that not even our own defect rewrites it.
"""

import sqlalchemy as sa

from admin.errors import StorageError

SCHEMA_VERSION = 2
"""Stands in SQLite's ``user_version``; a file of another version is refused."""
COMPLETED = frozenset({1})
"""Earlier versions that only lack tables: they are completed."""

metadata = sa.MetaData()

gateways = sa.Table(
    "gateways",
    metadata,
    sa.Column("gateway", sa.String(14), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("wake_host", sa.String(255), nullable=False),
    sa.Column("wake_port", sa.Integer, nullable=False),
    sa.Column("seal", sa.Boolean, nullable=False),
    sa.Column("next_sequence", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("added_at", sa.BigInteger, nullable=False),
)
"""``seal``: the certificates are the manufacturer's quality seal (Guetesiegel), not operational ones."""

gateway_certificates = sa.Table(
    "gateway_certificates",
    metadata,
    sa.Column("gateway", sa.String(14), sa.ForeignKey("gateways.gateway"), primary_key=True),
    sa.Column("purpose", sa.String(3), primary_key=True),
    sa.Column("certificate", sa.LargeBinary, nullable=False),
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("gateway", sa.String(14), sa.ForeignKey("gateways.gateway"), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("queued_at", sa.BigInteger, nullable=False),
    sa.Column("woken_at", sa.BigInteger),
    sa.Column("delivered_at", sa.BigInteger),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("sequence", sa.BigInteger),
    sa.Column("valid_until", sa.BigInteger),
    sa.Column("document", sa.LargeBinary),
    sa.Column("reply", sa.LargeBinary),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("gateway", "sequence"),
    sqlite_autoincrement=True,
)
"""``content`` is the order as queued (unsigned), ``document`` the signed one as it travels, ``reply`` its answer."""

sa.Index("open_orders", orders.c.gateway, orders.c.number, sqlite_where=orders.c.finished_at.is_(None))

installed = sa.Table(
    "installed",
    metadata,
    sa.Column("gateway", sa.String(14), sa.ForeignKey("gateways.gateway"), primary_key=True),
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False),
    sa.Column("order_number", sa.Integer, nullable=False),
)
"""What confirmed orders installed; a withdrawn profile stays, because its version may not come back."""

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("saved_at", sa.BigInteger, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary(64), nullable=False),
)
"""``content`` is the entry's canonical JSON, the bytes under the signature: nothing is kept twice."""

tunnels = sa.Table(
    "tunnels",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("gateway", sa.String(14), sa.ForeignKey("gateways.gateway"), nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("closed_at", sa.BigInteger),
    sa.Column("why", sa.Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

sa.Index("tunnels_of_gateway", tunnels.c.gateway, tunnels.c.number)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("peer", sa.String(64), primary_key=True),
    sa.Column("why", sa.String(255), primary_key=True),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("times", sa.BigInteger, nullable=False),
)
"""Tunnels that were not accepted: counted, so that a loud stranger cannot fill the table."""

servers = sa.Table(
    "servers",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
)
"""The sign of life of ``smgw-admin serve``, for the commands that wait for it."""

inquiries = sa.Table(
    "inquiries",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("gateway", sa.String(14), sa.ForeignKey("gateways.gateway"), nullable=False),
    sa.Column("subject", sa.String(16), nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("asked_at", sa.BigInteger, nullable=False),
    sa.Column("answered_at", sa.BigInteger),
    sa.Column("failure", sa.Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)
"""Wishes to read something from a gateway at its next tunnel; reading changes nothing, so it needs no signed order."""

statuses = sa.Table(
    "statuses",
    metadata,
    sa.Column("gateway", sa.String(14), sa.ForeignKey("gateways.gateway"), primary_key=True),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

log_entries = sa.Table(
    "log_entries",
    metadata,
    sa.Column("gateway", sa.String(14), sa.ForeignKey("gateways.gateway"), primary_key=True),
    sa.Column("log", sa.String(16), primary_key=True),
    sa.Column("record_number", sa.BigInteger, primary_key=True),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
)
"""``log`` is ``system`` or ``calibration``; an entry of the system log may come again with more repetitions."""

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("gateway", sa.String(14), sa.ForeignKey("gateways.gateway"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("event", sa.String(64), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
)

packages = sa.Table(
    "packages",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("added_at", sa.BigInteger, nullable=False),
)
"""Firmware packages that may be sent to gateways, as the manufacturer signed them."""

users = sa.Table(
    "users",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("added_at", sa.BigInteger, nullable=False),
)
"""People who may log in to the console; ``password`` is a salted scrypt hash."""

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("bucket", sa.String(48), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("locked_until", sa.BigInteger, nullable=False),
)
"""Log-ins that failed since the last one that did not, by user, or by one of a bounded number of unknown names."""

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("user", sa.String(40), sa.ForeignKey("users.name"), nullable=False),
    sa.Column("form_token", sa.String(64), nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
)
"""Who is logged in; ``token`` is the SHA-256 of what the browser holds, so that a copy of this file opens nothing."""

APPEND_ONLY = ("audit", "notifications")
_TRIGGER = (
    "CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
)


def create(connection: sa.Connection) -> None:
    """Create the tables in an empty file; leave those of this version as they are, add what an earlier one lacks.

    Needs a writing transaction. Raises StorageError where the file is of another version.
    """
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version == SCHEMA_VERSION:
        return
    if version in COMPLETED:
        metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION:d}")
        return
    if version != 0 or sa.inspect(connection).get_table_names():
        raise StorageError(f"the database is of version {version}, not {SCHEMA_VERSION}; use another file")
    metadata.create_all(connection)
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(_TRIGGER.format(table=table, verb=verb))
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION:d}")
