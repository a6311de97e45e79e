"""What may be forgotten, and when: one rule for each kind of data, as the words that the database itself applies.

Decides how long each kind is kept, and what keeps a row although it is old: that something is owed to somebody, that a
billing period still runs, that the continuity of a register or a row of numbers rests on it. Each rule stands here once
and is used twice: by the triggers that refuse every earlier deletion, whoever asks (FAU_STG.2, FDP_RIP.2), and by the
sweep that chooses what to delete (``sweep.py``). Entries of logs leave by the rules of the logs, because a checkpoint
must say so (``smgw/logs/sealing.py``). What has no rule here is never deleted by age: above all the
calibration log; withdrawals, which hold nobody's data; and wake-ups, which are bounded by number, because forgetting
them by a clock would let one be believed again by a clock that was set back.

Age is counted by a clock of its own, ``retention-clock`` in the settings: it is moved by a sweep under a trusted time
only, and by :data:`LONGEST_STEP` at most. Rows of the database are compared with it and never with the machine's time.
A rule that meets something unknown (no clock yet, a device of which nobody said what is needed) permits nothing.
"""
# ruff: noqa: S608 - these are the words of triggers, which take no parameters, put together from constants only.

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from smgw.access.requested import SIX_WEEKS
from smgw.store.erasure import ENDED_ROWS, guard

CLOCK_SETTING: Final = "retention-clock"
READINGS_SETTING: Final = "readings-days"
"""Names in the table of settings (``settings.py``)."""

LONGEST_STEP: Final = timedelta(days=1)
"""How far one sweep moves the clock of retention. Sweeps are an hour apart, so a gateway that was switched off for a
year has caught up after two weeks, while a clock that jumps ten years ahead deletes a few weeks of the oldest data on
its first day instead of everything, and somebody has time to see it."""

READINGS_DAYS: Final = 730
"""Values are kept for their consumer for up to 24 months (TR-03109-1, retention, as TRuDI's specification tells it)."""
LONGEST_READINGS_DAYS: Final = 1096
"""No order keeps values longer: MsbG section 60 (6) has a ceiling of three years."""
ORDERS_DAYS: Final = 730
"""Orders are the evidence for profiles, and profiles explain values: as long as values by default."""
NOTIFICATIONS_DAYS: Final = 365
"""What was told is kept for people to look at; a year shows what happens once a year."""
DAILY_VALUES_DAYS: Final = SIX_WEEKS.days
"""TR-03109-1, TAF-6: older daily values are deleted; nobody could get them by a request any more."""
DAY: Final = int(timedelta(days=1).total_seconds())

_CLOCK: Final = f"COALESCE((SELECT CAST(value AS INTEGER) FROM settings WHERE name = '{CLOCK_SETTING}'), 0)"
_OF_READINGS: Final = (
    "MAX(1, COALESCE((SELECT CAST(value AS INTEGER) FROM settings "
    f"WHERE name = '{READINGS_SETTING}'), {READINGS_DAYS}))"
)


class Kind(StrEnum):
    """The kinds of data that age, in the order in which they must be deleted: what refers to something goes first."""

    GRANTS = "grants"
    READINGS = "readings"
    DAILY_VALUES = "daily_values"
    TARIFF_EVENTS = "tariff_events"
    DELIVERIES = "deliveries"
    PROFILES = "profiles"
    ORDERS = "orders"
    NOTIFICATIONS = "notifications"


@dataclass(frozen=True, slots=True)
class Rule:
    """When rows of a table may go.

    ``key`` are the columns that name a row, ``age`` the one that orders them. ``days`` is SQL for how long they are
    kept at least, ``permits`` SQL for everything that must hold, with ``{row}`` for the row in question and
    ``{horizon}`` for the second before which a row is old enough.
    """

    key: tuple[str, ...]
    age: str
    days: str
    permits: str

    def permitted(self, row: str) -> str:
        """SQL that is true for a ``row`` (a table's alias, or OLD in a trigger) that is old; else 0 or NULL."""
        return self.permits.format(row=row, horizon=f"({_CLOCK} - {self.days} * {DAY})")


_CLOSED: Final = (
    "{row}.withdrawn_at IS NOT NULL OR EXISTS (SELECT 1 FROM deliveries AS carrier "
    "WHERE carrier.profile = {row}.profile AND carrier.sequence = {row}.sequence "
    "AND (carrier.acknowledged_at IS NOT NULL OR carrier.set_aside_at IS NOT NULL))"
)
"""A grant that nobody waits for."""
_NEEDED_BY_ANY: Final = "COALESCE((SELECT MIN(since) FROM needed), 0)"
_NAMED_BY_PROFILE: Final = (
    "EXISTS (SELECT 1 FROM profiles AS evidenced WHERE evidenced.order_sequence = {row}.sequence)"
)
_NAMED_BY_WITHDRAWAL: Final = "EXISTS (SELECT 1 FROM withdrawals AS ended WHERE ended.order_sequence = {row}.sequence)"

RULES: Final[Mapping[Kind, Rule]] = MappingProxyType(
    {
        # A grant whose values are gone could not be granted again, one that is gone before them could: same age.
        Kind.GRANTS: Rule(
            key=("id",),
            age="period_end",
            days=_OF_READINGS,
            permits=f"{{row}}.period_end < {{horizon}} AND ({_CLOSED})",
        ),
        Kind.READINGS: Rule(
            key=("id",),
            age="captured_at",
            days=_OF_READINGS,
            permits="{row}.captured_at < {horizon} "
            "AND {row}.captured_at < (SELECT since FROM needed WHERE needed.device = {row}.device) "
            "AND EXISTS (SELECT 1 FROM readings AS newer WHERE newer.device = {row}.device "
            "AND newer.obis = {row}.obis AND newer.captured_at > {row}.captured_at) "
            "AND NOT EXISTS (SELECT 1 FROM grant_readings WHERE reading_id = {row}.id)",
        ),
        Kind.DAILY_VALUES: Rule(
            key=("device", "obis", "day"),
            age="captured_at",
            days=str(DAILY_VALUES_DAYS),
            permits="{row}.captured_at < {horizon}",
        ),
        # Of a name stays what is needed by some billing period, and the state that held when that began.
        Kind.TARIFF_EVENTS: Rule(
            key=("name", "at"),
            age="at",
            days=_OF_READINGS,
            permits="{row}.at < {horizon} AND EXISTS (SELECT 1 FROM tariff_events AS next_state "
            "WHERE next_state.name = {row}.name AND next_state.at > {row}.at AND next_state.at < {horizon} "
            f"AND next_state.at < {_NEEDED_BY_ANY})",
        ),
        # The newest number stays: the next one follows it without a gap.
        Kind.DELIVERIES: Rule(
            key=("profile", "sequence"),
            age="created_at",
            days=_OF_READINGS,
            permits="{row}.created_at < {horizon} "
            "AND ({row}.acknowledged_at IS NOT NULL OR {row}.set_aside_at IS NOT NULL) "
            "AND {row}.sequence < (SELECT MAX(sequence) FROM deliveries AS row WHERE row.profile = {row}.profile) "
            "AND NOT EXISTS (SELECT 1 FROM grants AS carried WHERE carried.profile = {row}.profile "
            "AND carried.sequence = {row}.sequence)",
        ),
        # Former versions, and what was withdrawn long ago, but none that explains a grant. An administrator's document
        # is known again by its row, and whose contract has ended by the profiles of meters (``contracts.py``).
        Kind.PROFILES: Rule(
            key=("kind", "id", "version"),
            age="imported_at",
            days=_OF_READINGS,
            permits="{row}.kind <> 'administrator' "
            "AND (EXISTS (SELECT 1 FROM profiles AS later WHERE later.kind = {row}.kind AND later.id = {row}.id "
            "AND later.version > {row}.version AND later.imported_at < {horizon}) "
            "OR {row}.kind <> 'meter' AND EXISTS (SELECT 1 FROM withdrawals AS last WHERE last.kind = {row}.kind "
            "AND last.id = {row}.id AND last.version >= {row}.version AND last.at < {horizon})) "
            "AND NOT EXISTS (SELECT 1 FROM grants AS made WHERE {row}.kind = 'evaluation' "
            "AND made.profile = {row}.id AND made.profile_version = {row}.version)",
        ),
        # The highest number stays: orders' numbers rise.
        Kind.ORDERS: Rule(
            key=("sequence",),
            age="received_at",
            days=str(ORDERS_DAYS),
            permits="{row}.received_at < {horizon} "
            "AND {row}.sequence < (SELECT MAX(sequence) FROM orders AS all_of) "
            f"AND NOT {_NAMED_BY_PROFILE} AND NOT {_NAMED_BY_WITHDRAWAL}",
        ),
        Kind.NOTIFICATIONS: Rule(
            key=("number",),
            age="number",
            days=str(NOTIFICATIONS_DAYS),
            permits="{row}.sent_at < {horizon}",
        ),
    }
)


def deletion(kind: Kind, limit: int) -> str:
    """The statement that deletes the oldest rows of ``kind`` that may go, ``limit`` at most."""
    rule = RULES[kind]
    key = ", ".join(rule.key)
    return (
        f"DELETE FROM {kind} WHERE ({key}) IN (SELECT {key} FROM {kind} AS old "
        f"WHERE {rule.permitted('old')} ORDER BY {rule.age} LIMIT {limit})"
    )


_GUARDED: Final = tuple(kind for kind in Kind if kind is not Kind.NOTIFICATIONS)
"""Notifications also go by number, and have a trigger of their own (``schema.py``)."""
_PARTS_OF_GRANTS: Final = ("grant_readings", "derived_readings")


def _may_go(kind: Kind) -> str:
    """SQL for a row that is old, or belongs to a contract that ended (``erasure.py``), and is owed to nobody."""
    aged = RULES[kind].permitted("OLD")
    if kind not in ENDED_ROWS:
        return f"({aged})"
    ended = ENDED_ROWS[kind].format(row="OLD")
    closed = f" AND ({_CLOSED.format(row='OLD')})" if kind is Kind.GRANTS else ""
    return f"(({aged}) OR ({ended}{closed}))"


DELETION_TRIGGERS: Final = (
    guard(_CLOCK),
    (
        "CREATE TRIGGER ended_update BEFORE UPDATE ON ended "
        "BEGIN SELECT RAISE(ABORT, 'what is being erased is written down once'); END"
    ),
    *(
        f"CREATE TRIGGER {kind}_delete BEFORE DELETE ON {kind} WHEN COALESCE({_may_go(kind)}, 0) = 0 "
        f"BEGIN SELECT RAISE(ABORT, '{kind} are kept until they are old and owed to nobody'); END"
        for kind in _GUARDED
    ),
    *(
        f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} "
        "WHEN EXISTS (SELECT 1 FROM grants WHERE id = OLD.grant_id) "
        f"BEGIN SELECT RAISE(ABORT, '{table} go with their grant'); END"
        for table in _PARTS_OF_GRANTS
    ),
    (
        f"CREATE TRIGGER retention_clock_begins BEFORE INSERT ON settings WHEN NEW.name = '{CLOCK_SETTING}' "
        f"AND NOT EXISTS (SELECT 1 FROM settings WHERE name = '{CLOCK_SETTING}') "
        f"AND CAST(NEW.value AS INTEGER) > (SELECT MIN(captured_at) FROM readings) + {DAY} "
        "BEGIN SELECT RAISE(ABORT, 'the clock of retention begins with the oldest reading'); END"
    ),
    (
        f"CREATE TRIGGER retention_clock_steps BEFORE UPDATE ON settings WHEN OLD.name = '{CLOCK_SETTING}' "
        f"AND (NEW.name <> OLD.name OR CAST(NEW.value AS INTEGER) > CAST(OLD.value AS INTEGER) + {DAY}) "
        "BEGIN SELECT RAISE(ABORT, 'the clock of retention goes in steps'); END"
    ),
    (
        f"CREATE TRIGGER retention_clock_stays BEFORE DELETE ON settings WHEN OLD.name = '{CLOCK_SETTING}' "
        "BEGIN SELECT RAISE(ABORT, 'the clock of retention stays'); END"
    ),
)
"""What makes the tables keep their word about deletion. A grant's parts have a foreign key that cascades: they can go
only when the grant is gone, and the grant only by its rule."""
