"""The gateway's tables, and what they refuse by themselves.

Decides where each fact lies and which rows may never change. Readings, derived readings, profiles and withdrawals are
append-only, and the sequence numbers of deliveries stand: triggers refuse to change them, whoever asks, and to delete
them before they are old and owed to nobody (``ages.py``; PTB-A 50.8, original values); withdrawals stay for ever
(FAU_STG.2), and the logs have tables of their own (``log_tables.py``). What was withdrawn or answered stays so. Times
are whole seconds since 1970-01-01T00:00:00Z; 64-bit status words are kept as two's complement, because SQLite has
signed integers only.
"""

import sqlalchemy as sa

from smgw.store import ages, log_tables

SCHEMA_VERSION = 4
"""Kept in ``PRAGMA user_version``; a database of another version is refused, never converted silently."""

metadata = sa.MetaData()


def _value_columns() -> list[sa.Column[int] | sa.Column[str] | sa.Column[bytes]]:
    """The columns of one value with its inner signature."""
    return [
        sa.Column("device", sa.String(14), nullable=False),
        sa.Column("obis", sa.LargeBinary(6), nullable=False),
        sa.Column("captured_at", sa.Integer, nullable=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.Column("scaler", sa.Integer, nullable=False),
        sa.Column("unit", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
    ]


readings = sa.Table(
    "readings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    *_value_columns(),
    sa.UniqueConstraint("device", "obis", "captured_at"),
)
"""What meters said (originaere Messwertliste). Never changed."""

sa.Index("readings_age", readings.c.captured_at)

needed = sa.Table(
    "needed",
    metadata,
    sa.Column("device", sa.String(14), primary_key=True),
    sa.Column("since", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""From which second on the readings of a device are needed still, as the last sweep found (``sweep.py``). Of a device
that does not stand here every reading is needed."""

daily_values = sa.Table(
    "daily_values",
    metadata,
    sa.Column("device", sa.String(14), primary_key=True),
    sa.Column("obis", sa.LargeBinary(6), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True),
    *_value_columns()[2:],
    sqlite_with_rowid=False,
)
"""The first reading of each day of local time, by its midnight (``smgw/store/daily_values.py``). Never changed."""

tariff_events = sa.Table(
    "tariff_events",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("at", sa.Integer, primary_key=True),
    sa.Column("active", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""What was raised and withdrawn from outside (``smgw/store/tariff_events.py``). Never changed."""

ended = sa.Table(
    "ended",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("begin", sa.Integer, primary_key=True),
    sa.Column("until", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""What belongs to contracts that have ended and is being erased (``erasure.py``, ``contracts.py``); else empty."""

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("profile", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("profile_version", sa.Integer, nullable=False),
    sa.Column("party", sa.String, nullable=False),
    sa.Column("period_begin", sa.Integer, nullable=False),
    sa.Column("period_end", sa.Integer, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=True),
    sa.Column("withdrawn_at", sa.Integer, nullable=True),
    sa.UniqueConstraint("profile", "key"),
    sa.CheckConstraint("sequence IS NULL OR withdrawn_at IS NULL"),
    sqlite_autoincrement=True,
)
"""What a party is owed; ``sequence`` names the delivery that carries it, null while none does. Rising id is age. A
grant whose profile was withdrawn before a delivery took it is owed no more: ``withdrawn_at``."""

sa.Index(
    "grants_owed",
    grants.c.profile,
    grants.c.id,
    sqlite_where=sa.and_(grants.c.sequence.is_(None), grants.c.withdrawn_at.is_(None)),
)
sa.Index("grants_age", grants.c.period_end)
sa.Index("grants_bound", grants.c.profile, grants.c.sequence, sqlite_where=grants.c.sequence.is_not(None))

grant_readings = sa.Table(
    "grant_readings",
    metadata,
    sa.Column("grant_id", sa.ForeignKey("grants.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("reading_id", sa.ForeignKey("readings.id"), nullable=False),
    sqlite_with_rowid=False,
)
"""Which stored readings a grant releases, in order."""

sa.Index("grant_readings_of", grant_readings.c.reading_id)

derived_readings = sa.Table(
    "derived_readings",
    metadata,
    sa.Column("grant_id", sa.ForeignKey("grants.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    *_value_columns(),
    sqlite_with_rowid=False,
)
"""Values that the gateway computed for one grant (abgeleitete Werte). They belong to the grant and not to
``readings``: two profiles may sum different meters over the same period."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("profile", sa.String, primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("created_at", sa.Integer, nullable=False),
    sa.Column("acknowledged_at", sa.Integer, nullable=True),
    sa.Column("set_aside_at", sa.Integer, nullable=True),
    sa.Column("set_aside_reason", sa.String, nullable=True),
    sa.CheckConstraint("acknowledged_at IS NULL OR set_aside_at IS NULL"),
    sa.CheckConstraint("sequence >= 1"),
    sa.CheckConstraint("kind IN ('stored', 'unstored')"),
    sqlite_with_rowid=False,
)
"""Numbered packets of grants: open, then either acknowledged or set aside, for good. No grant is bound to an
``unstored`` one: what it carries lies in the sender's memory only (``smgw/wan/unstored.py``)."""

sa.Index(
    "deliveries_open",
    deliveries.c.profile,
    deliveries.c.sequence,
    sqlite_where=sa.and_(deliveries.c.acknowledged_at.is_(None), deliveries.c.set_aside_at.is_(None)),
)
sa.Index(
    "deliveries_set_aside",
    deliveries.c.profile,
    deliveries.c.sequence,
    sqlite_where=deliveries.c.set_aside_at.is_not(None),
)

profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=True),
    sa.Column("order_sequence", sa.Integer, nullable=True),
    sa.Column("imported_at", sa.Integer, nullable=False),
    sa.CheckConstraint("document IS NOT NULL OR order_sequence IS NOT NULL"),
    sqlite_with_rowid=False,
)
"""Every version that ever held, and the evidence for it: the administrator's signed document, or the number of the
signed order that it came in (table ``orders``)."""

withdrawals = sa.Table(
    "withdrawals",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("at", sa.Integer, nullable=False),
    sa.Column("order_sequence", sa.Integer, nullable=True),
    sqlite_with_rowid=False,
)
"""Profiles that hold no more although no newer version took their place; ``version`` is the one that was ended."""

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("received_at", sa.Integer, nullable=False),
    sa.Column("outcome", sa.String, nullable=True),
    sa.Column("reply", sa.LargeBinary, nullable=True),
)
"""Orders of the administrator that were believed. The reply is null while an order is being carried out; the outcome
then says whether it may be begun again after a loss of power (``smgw/store/orders.py``)."""

sa.Index("orders_digest", orders.c.digest, orders.c.sequence)

wake_ups = sa.Table(
    "wake_ups",
    metadata,
    sa.Column("nonce", sa.LargeBinary, primary_key=True),
    sa.Column("issued_at", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Wake-up calls that were believed, kept as long as the same one could be believed again."""

sa.Index("wake_ups_age", wake_ups.c.issued_at)

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("at", sa.Integer, nullable=False),
    sa.Column("parameters", sa.String, nullable=False),
    sa.Column("attempted_at", sa.Integer, nullable=True),
    sa.Column("sent_at", sa.Integer, nullable=True),
    sqlite_autoincrement=True,
)
"""What the administrator must be told; ``sent_at`` is null until it has it, ``attempted_at`` until the first attempt:
from then on the row keeps its content, because somebody may have it under this number already."""

sa.Index("notifications_unsent", notifications.c.number, sqlite_where=notifications.c.sent_at.is_(None))

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
    sqlite_with_rowid=False,
)
"""What is kept at run time, by name (``smgw/store/settings.py``)."""

conditions = sa.Table(
    "conditions",
    metadata,
    sa.Column("condition", sa.String, primary_key=True),
    sa.Column("since", sa.Integer, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sqlite_with_rowid=False,
)
"""What is wrong with the gateway and was not found gone yet (``smgw/store/condition_records.py``)."""

han_credentials = sa.Table(
    "han_credentials",
    metadata,
    sa.Column("account", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("verifier", sa.LargeBinary(48), nullable=False),
    sa.Column("changed_at", sa.Integer, nullable=True),
    sa.CheckConstraint("length(verifier) IN (32, 48)"),
    sqlite_with_rowid=False,
)
"""By what a password is known again, for the version of an account that holds; ``changed_at`` is when the person gave
herself another one, null while it is the administrator's (``smgw/han/credentials.py``)."""

han_prices = sa.Table(
    "han_prices",
    metadata,
    sa.Column("consumer", sa.String, primary_key=True),
    sa.Column("contract", sa.String, primary_key=True),
    sa.Column("since", sa.Integer, primary_key=True),
    sa.Column("base_per_month", sa.Integer, nullable=False),
    sa.Column("stages", sa.String, nullable=False),
    sqlite_with_rowid=False,
)
"""What a consumer entered as her own prices (``smgw/han/prices.py``); nobody else reads it."""

han_lock_outs = sa.Table(
    "han_lock_outs",
    metadata,
    sa.Column("account", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_at", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Wrong attempts at accounts that count still (``smgw/store/lock_outs.py``)."""

_APPEND_ONLY = (
    "readings",
    "derived_readings",
    "grant_readings",
    "daily_values",
    "tariff_events",
    "profiles",
    "withdrawals",
)
_NEVER_DELETED = ("withdrawals",)

TRIGGERS = (
    *(
        f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for table in _APPEND_ONLY
    ),
    *(
        f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is never deleted'); END"
        for table in _NEVER_DELETED
    ),
    *ages.DELETION_TRIGGERS,
    (
        "CREATE TRIGGER grants_bound_once BEFORE UPDATE ON grants WHEN OLD.sequence IS NOT NULL "
        "BEGIN SELECT RAISE(ABORT, 'a grant is bound to a delivery once'); END"
    ),
    (
        "CREATE TRIGGER grants_stored_only BEFORE UPDATE ON grants WHEN NEW.sequence IS NOT NULL AND EXISTS "
        "(SELECT 1 FROM deliveries WHERE profile = NEW.profile AND sequence = NEW.sequence AND kind = 'unstored') "
        "BEGIN SELECT RAISE(ABORT, 'an unstored delivery carries nothing that is stored'); END"
    ),
    (
        "CREATE TRIGGER grants_withdrawn_once BEFORE UPDATE ON grants WHEN OLD.withdrawn_at IS NOT NULL "
        "BEGIN SELECT RAISE(ABORT, 'a grant is withdrawn for good'); END"
    ),
    (
        "CREATE TRIGGER orders_answered_once BEFORE UPDATE ON orders "
        "WHEN OLD.reply IS NOT NULL OR NEW.sequence <> OLD.sequence OR NEW.digest <> OLD.digest "
        "BEGIN SELECT RAISE(ABORT, 'an order is answered once'); END"
    ),
    (
        "CREATE TRIGGER orders_rise BEFORE INSERT ON orders "
        "WHEN NEW.sequence <= COALESCE((SELECT MAX(sequence) FROM orders), 0) "
        "BEGIN SELECT RAISE(ABORT, 'the numbers of orders rise'); END"
    ),
    (
        "CREATE TRIGGER notifications_delete BEFORE DELETE ON notifications WHEN OLD.sent_at IS NULL "
        "BEGIN SELECT RAISE(ABORT, 'a notification is told before it goes'); END"
    ),
    (
        "CREATE TRIGGER notifications_attempted BEFORE UPDATE ON notifications WHEN OLD.attempted_at IS NOT NULL "
        "AND (NEW.parameters <> OLD.parameters OR NEW.event <> OLD.event OR NEW.subject <> OLD.subject "
        "OR NEW.outcome <> OLD.outcome OR NEW.at <> OLD.at OR NEW.number <> OLD.number) "
        "BEGIN SELECT RAISE(ABORT, 'a notification that may have been told keeps its content'); END"
    ),
    (
        "CREATE TRIGGER deliveries_closed_once BEFORE UPDATE ON deliveries "
        "WHEN OLD.acknowledged_at IS NOT NULL OR OLD.set_aside_at IS NOT NULL "
        "BEGIN SELECT RAISE(ABORT, 'a delivery is closed once'); END"
    ),
    # FDP_RIP.2: a password goes with its account, and so does what was tried; a newer version brings its own or none.
    (
        "CREATE TRIGGER han_credentials_withdrawn AFTER INSERT ON withdrawals WHEN NEW.kind = 'account' "
        "BEGIN DELETE FROM han_credentials WHERE account = NEW.id AND version <= NEW.version; "
        "DELETE FROM han_lock_outs WHERE account = NEW.id; END"
    ),
    (
        "CREATE TRIGGER han_credentials_renewed AFTER INSERT ON profiles WHEN NEW.kind = 'account' "
        "BEGIN DELETE FROM han_credentials WHERE account = NEW.id AND version < NEW.version; END"
    ),
    (
        "CREATE TRIGGER han_credentials_held BEFORE INSERT ON han_credentials WHEN NOT EXISTS "
        "(SELECT 1 FROM profiles AS held WHERE held.kind = 'account' AND held.id = NEW.account "
        "AND held.version = NEW.version) OR EXISTS (SELECT 1 FROM withdrawals AS over "
        "WHERE over.kind = 'account' AND over.id = NEW.account AND over.version >= NEW.version) "
        "BEGIN SELECT RAISE(ABORT, 'a password belongs to an account that holds'); END"
    ),
    (
        "CREATE TRIGGER deliveries_gapless BEFORE INSERT ON deliveries "
        "WHEN NEW.sequence <> 1 + COALESCE((SELECT MAX(sequence) FROM deliveries WHERE profile = NEW.profile), 0) "
        "BEGIN SELECT RAISE(ABORT, 'delivery sequences are gapless'); END"
    ),
)
"""Statements that make the tables keep their word; ``recursive_triggers`` makes them hold for INSERT OR REPLACE too."""


def create(connection: sa.Connection) -> None:
    """Make all tables, indexes and triggers in an empty database, inside the caller's transaction."""
    metadata.create_all(connection)
    for statement in TRIGGERS:
        connection.exec_driver_sql(statement)
    log_tables.create(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
