"""The tables of the three logs, and what they refuse by themselves (TR-03109-1; PP-0073 FAU_STG.2).

Decides where an entry lies and that nobody changes one: entries are written in sequence, never altered, and leave only
at the old end; those of the calibration log never leave (FAU_STG.4/CAL). A checkpoint is never altered, and the newest
never leaves. What counts repetitions and where a chain ends are beside the entries, and are checked against them.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

log_entries = sa.Table(
    "log_entries",
    metadata,
    sa.Column("log", sa.String, primary_key=True),
    sa.Column("owner", sa.String, primary_key=True),
    sa.Column("record_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("event_id", sa.Integer, nullable=False),
    sa.Column("event_sub_id", sa.Integer, nullable=False),
    sa.Column("vendor_id", sa.String, nullable=False),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Integer, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("user", sa.String, nullable=False),
    sa.Column("at", sa.Integer, nullable=False),
    sa.Column("seconds_index", sa.Integer, nullable=False),
    sa.Column("parameters", sa.String, nullable=False),
    sa.Column("parent_record_number", sa.Integer, nullable=True),
    sa.Column("repetition_counter", sa.Integer, nullable=False),
    sa.Column("previous", sa.LargeBinary(32), nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.CheckConstraint("log IN ('system', 'consumer', 'calibration')"),
    sa.CheckConstraint("(log = 'consumer') = (owner <> '')"),
    sqlite_with_rowid=False,
)
"""Every entry of every log; ``owner`` is the consumer whose log it is, else empty. Record numbers are consecutive."""

sa.Index(
    "log_entries_same",
    log_entries.c.log,
    log_entries.c.owner,
    log_entries.c.event,
    log_entries.c.subject,
    log_entries.c.parameters,
    log_entries.c.record_number,
)

log_repetitions = sa.Table(
    "log_repetitions",
    metadata,
    sa.Column("log", sa.String, primary_key=True),
    sa.Column("owner", sa.String, primary_key=True),
    sa.Column("record_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last_at", sa.Integer, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("folded", sa.Integer, nullable=False),
    sa.CheckConstraint("0 <= folded AND folded <= count"),
    sqlite_with_rowid=False,
)
"""How often an entry happened again, and how many of these the chain tells already (entries of level EXTENSION)."""

sa.Index(
    "log_repetitions_unfolded",
    log_repetitions.c.log,
    sqlite_where=log_repetitions.c.folded < log_repetitions.c["count"],
)

log_heads = sa.Table(
    "log_heads",
    metadata,
    sa.Column("log", sa.String, primary_key=True),
    sa.Column("owner", sa.String, primary_key=True),
    sa.Column("last_number", sa.Integer, nullable=False),
    sa.Column("last_hash", sa.LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)
"""Where each chain ends."""

log_time = sa.Table(
    "log_time",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("shift", sa.Integer, nullable=False),
    sa.Column("last_index", sa.Integer, nullable=False),
    sa.CheckConstraint("id = 1"),
)
"""What added to a time gives the seconds index, and its last value: it goes on over restarts and clock changes."""

log_concerns = sa.Table(
    "log_concerns",
    metadata,
    sa.Column("consumer", sa.String, primary_key=True),
    sa.Column("subject", sa.String, primary_key=True),
    sqlite_with_rowid=False,
)
"""Which consumer is concerned by what happens to a device or to a profile; the empty subject is the gateway itself."""

sa.Index("log_concerns_subject", log_concerns.c.subject)

log_checkpoints = sa.Table(
    "log_checkpoints",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("states", sa.String, nullable=False),
    sa.Column("certificate", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary(64), nullable=False),
)
"""What the token signed, how far each chain went then, and the certificate of the key."""

TABLES = tuple(table.name for table in metadata.sorted_tables)

TRIGGERS = (
    (
        "CREATE TRIGGER log_entries_update BEFORE UPDATE ON log_entries "
        "BEGIN SELECT RAISE(ABORT, 'an entry of a log is never altered'); END"
    ),
    (
        "CREATE TRIGGER log_entries_delete BEFORE DELETE ON log_entries WHEN OLD.log = 'calibration' OR EXISTS "
        "(SELECT 1 FROM log_entries WHERE log = OLD.log AND owner = OLD.owner AND record_number < OLD.record_number) "
        "BEGIN SELECT RAISE(ABORT, 'only the oldest entry of a log goes, and none of the calibration log'); END"
    ),
    (
        "CREATE TRIGGER log_entries_insert BEFORE INSERT ON log_entries WHEN NEW.record_number <> 1 + "
        "COALESCE((SELECT last_number FROM log_heads WHERE log = NEW.log AND owner = NEW.owner), 0) "
        "BEGIN SELECT RAISE(ABORT, 'record numbers are consecutive'); END"
    ),
    (
        "CREATE TRIGGER log_heads_update BEFORE UPDATE ON log_heads WHEN NEW.last_number < OLD.last_number "
        "BEGIN SELECT RAISE(ABORT, 'a log only grows'); END"
    ),
    (
        "CREATE TRIGGER log_heads_delete BEFORE DELETE ON log_heads WHEN OLD.log <> 'consumer' OR EXISTS "
        "(SELECT 1 FROM log_entries WHERE log = OLD.log AND owner = OLD.owner) "
        "BEGIN SELECT RAISE(ABORT, 'a log does not end'); END"
    ),
    (
        "CREATE TRIGGER log_time_update BEFORE UPDATE ON log_time WHEN NEW.last_index < OLD.last_index "
        "BEGIN SELECT RAISE(ABORT, 'the time of the logs never goes back'); END"
    ),
    (
        "CREATE TRIGGER log_time_delete BEFORE DELETE ON log_time "
        "BEGIN SELECT RAISE(ABORT, 'the time of the logs never goes back'); END"
    ),
    (
        "CREATE TRIGGER log_checkpoints_update BEFORE UPDATE ON log_checkpoints WHEN NEW.states <> '' "
        "OR OLD.number = (SELECT MAX(number) FROM log_checkpoints) OR NEW.number <> OLD.number "
        "OR NEW.content <> OLD.content OR NEW.certificate <> OLD.certificate OR NEW.signature <> OLD.signature "
        "BEGIN SELECT RAISE(ABORT, 'a checkpoint is never altered'); END"
    ),
    (
        "CREATE TRIGGER log_checkpoints_delete BEFORE DELETE ON log_checkpoints "
        "WHEN OLD.number = (SELECT MAX(number) FROM log_checkpoints) "
        "BEGIN SELECT RAISE(ABORT, 'the newest checkpoint stays'); END"
    ),
    (
        "CREATE TRIGGER log_checkpoints_insert BEFORE INSERT ON log_checkpoints "
        "WHEN NEW.number <> 1 + COALESCE((SELECT MAX(number) FROM log_checkpoints), 0) "
        "BEGIN SELECT RAISE(ABORT, 'checkpoints are numbered in sequence'); END"
    ),
)


def create(connection: sa.Connection) -> None:
    """Make tables, indexes and triggers, inside the caller's transaction."""
    metadata.create_all(connection)
    for statement in TRIGGERS:
        connection.exec_driver_sql(statement)
