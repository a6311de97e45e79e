"""How entries come into a log and leave it: the end of each chain, counting, overwriting, and the time of the logs.

Decides when something is an entry of its own and when it is counted, what is overwritten, and when the calibration log
takes nothing more. Everything here happens inside the caller's transaction. Repetitions are counted beside the entries,
so that a flood stays cheap, and come into the chain as entries of level EXTENSION (:func:`fold`).

System and consumer logs are rings (FAU_STG.4/SYS, FAU_STG.4/CON): the oldest entry gives way to the newest beyond
their capacity, and by nothing else between two checkpoints, so that whoever verifies can tell it from a cut. The
calibration log is none (FAU_STG.4/CAL).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from smgw.store.errors import AlteredEntryError, StoreError, StoreReason
from smgw.store.event_table import DURING_STOP, kind_of, told
from smgw.store.events import Event, Level, Log, Outcome
from smgw.store.log_entry import GENESIS, Entry, Parameters, columns_of, entry_of, text_of
from smgw.store.log_tables import log_concerns, log_entries, log_heads, log_repetitions, log_time
from smgw.store.rows import from_seconds, to_seconds

CAPACITY: Final = MappingProxyType({Log.SYSTEM: 20_000, Log.CONSUMER: 100_000, Log.CALIBRATION: 100_000})
"""Entries of each log; some 400 octets each. System: months, repetitions counted. Consumer: more than the 15 months of
one delivery a quarter-hour and what else there is. Calibration: some 25 a day for ten years; never overwritten."""
RESERVE: Final = 100
"""Entries of the calibration log beyond its capacity, for the stop itself (``event_table.DURING_STOP``)."""
DAY: Final = 24 * 3600
WINDOW: Final = MappingProxyType({Log.SYSTEM: DAY, Log.CONSUMER: DAY, Log.CALIBRATION: 7 * DAY})
"""Seconds after its first occurrence within which the same is counted; later it is told anew, so that an old entry does
not hide a fault of today. A week in the log that is never overwritten."""
CLOCK_WENT_BACK: Final = 3600
"""Seconds: events are written with the time at which they happened, and some are told a while later. What lies further
back is a clock that was set."""
NO_ENTRY: Final = (ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError)
"""What reading a row raises that holds another type, a name or time that there is not, or text that is no JSON."""
GATEWAY_WIDE: Final = ""
"""Subject under which those are found whom everything concerns."""

Chain = tuple[Log, str]
"""One chain: which log, and whose."""


def ring(log: Log) -> int:
    """The capacity that stands in a state: 0 for the log that is never overwritten."""
    return 0 if log is Log.CALIBRATION else CAPACITY[log]


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened, before it is an entry."""

    event: Event
    subject: str
    outcome: Outcome
    at: datetime
    user: str
    parameters: Parameters
    times: int = 1


def append(connection: sa.Connection, chain: Chain, happening: Happening, capacity: int) -> bool:
    """Write ``happening`` into ``chain`` or count it there; whether it was written.

    1. Where the same stands already and is recent, it is counted.
    2. A full calibration log takes only what stops operation. Raises StoreError(LOG_FULL). Where its reserve is used up
       too, such events stand in the other logs alone: nothing is measured any more, and whoever may mend the gateway
       must not be locked out for want of an entry.
    3. It becomes the last entry.
    4. A ring overwrites its oldest.
    """
    log, owner = chain
    kind = kind_of(happening.event)
    parameters = told(happening.event, log, happening.parameters)
    second = to_seconds(happening.at)
    # 1
    if log is not Log.CALIBRATION or kind.counted:
        same = _same(connection, chain, happening, text_of(parameters), second)
        if same is not None:
            _count(connection, chain, same, second, happening.times)
            return False
    number, previous = head(connection, chain)
    # 2
    if log is Log.CALIBRATION and number >= capacity and not _has_room(happening.event, number, capacity):
        return True
    # 3
    entry = Entry(
        log=log,
        owner=owner,
        record_number=number + 1,
        event=happening.event,
        event_id=kind.number,
        event_sub_id=int(happening.outcome),
        vendor_id=kind.vendor,
        level=kind.level(happening.outcome),
        outcome=happening.outcome,
        subject=happening.subject,
        user=happening.user or kind.actor.value,
        first_at=from_seconds(second),
        seconds_index=_seconds_index(connection, second),
        parameters=parameters,
    ).chained(previous)
    _write(connection, entry)
    if happening.times > 1:
        _count(connection, chain, entry.record_number, second, happening.times - 1)
    # 4
    if log is not Log.CALIBRATION:
        cut(connection, chain, entry.record_number - capacity + 1)
    return True


def fold(connection: sa.Connection, at: datetime, capacities: Mapping[Log, int]) -> None:
    """Bring what was counted into the chains, one entry of level EXTENSION for each that happened again.

    So the first and the last time stay under the hash (TR-03109-1, log repetitions). In the calibration log only once
    what is counted is over, or every checkpoint would cost it an entry.
    """
    waiting = connection.execute(
        sa.select(log_repetitions, log_entries.c.at)
        .join(log_entries, _beside(log_repetitions))
        .where(log_repetitions.c.folded < log_repetitions.c["count"])
        .order_by(log_repetitions.c.log, log_repetitions.c.owner, log_repetitions.c.record_number)
    ).all()
    now = to_seconds(at)
    for row in waiting:
        chain = (Log(row.log), row.owner)
        lasting = abs(now - row.at) < WINDOW[Log.CALIBRATION]
        if chain[0] is Log.CALIBRATION and lasting:
            continue
        parent = _entry(connection, chain, row.record_number)
        if parent is None:  # overwritten by an entry of this loop
            continue
        number, previous = head(connection, chain)
        if chain[0] is Log.CALIBRATION and number >= capacities[Log.CALIBRATION]:
            continue  # it stays counted beside the entry
        connection.execute(
            log_repetitions.update().where(_at(log_repetitions, chain, row.record_number)).values(folded=row.count)
        )
        extension = replace(
            parent,
            record_number=number + 1,
            level=Level.EXTENSION,
            outcome=Outcome.EXTENSION,
            first_at=from_seconds(row.last_at),
            seconds_index=_seconds_index(connection, row.last_at),
            parent_record_number=parent.record_number,
            repetition_counter=row.count - row.folded,
        ).chained(previous)
        _write(connection, extension)
        if chain[0] is not Log.CALIBRATION:
            cut(connection, chain, extension.record_number - capacities[chain[0]] + 1)


def cut(connection: sa.Connection, chain: Chain, first: int) -> None:
    """Overwrite what lies before record number ``first``, and what was counted for it."""
    if first <= 1:
        return
    for table in (log_repetitions, log_entries):
        connection.execute(
            table.delete().where(
                table.c.log == chain[0].value, table.c.owner == chain[1], table.c.record_number < first
            )
        )


def end(connection: sa.Connection, chain: Chain) -> None:
    """Forget a consumer log as a whole, and whose it was; only with a checkpoint that speaks of it no more."""
    cut(connection, chain, head(connection, chain)[0] + 1)
    connection.execute(log_heads.delete().where(log_heads.c.log == chain[0].value, log_heads.c.owner == chain[1]))


def head(connection: sa.Connection, chain: Chain) -> tuple[int, bytes]:
    """Record number and hash of the last entry ever written; 0 and GENESIS before there is one.

    Raises AlteredEntryError where something else lies there.
    """
    row = connection.execute(
        sa.select(log_heads.c.last_number, log_heads.c.last_hash).where(
            log_heads.c.log == chain[0].value, log_heads.c.owner == chain[1]
        )
    ).first()
    if row is None:
        return (0, GENESIS)
    if not (isinstance(row.last_number, int) and isinstance(row.last_hash, bytes)):
        raise AlteredEntryError(chain[0].value, "after the last")
    return (row.last_number, row.last_hash)


def chains(connection: sa.Connection) -> list[Chain]:
    """Every chain that was ever begun, in order, and the gateway's own two, so that they are proven to be empty too."""
    query = sa.select(log_heads.c.log, log_heads.c.owner).order_by(log_heads.c.log, log_heads.c.owner)
    begun = {(Log(row.log), row.owner) for row in connection.execute(query)}
    return sorted(begun | {(Log.SYSTEM, ""), (Log.CALIBRATION, "")})


def read(connection: sa.Connection, chain: Chain, *, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
    """Entries with a record number above ``after``, oldest first, with what was counted for each.

    Raises AlteredEntryError for a row that holds none: whoever has the key of the database may write anything there.
    """
    query = (
        sa.select(log_entries, log_repetitions.c.last_at, log_repetitions.c["count"].label("repetition_count"))
        .outerjoin(log_repetitions, _beside(log_repetitions))
        .where(
            log_entries.c.log == chain[0].value, log_entries.c.owner == chain[1], log_entries.c.record_number > after
        )
        .order_by(log_entries.c.record_number)
        .limit(limit)
    )
    for row in connection.execute(query):
        try:
            entry = entry_of(row, last_at=row.last_at, repetition_count=row.repetition_count or 0)  # type: ignore[arg-type]  # its columns by name
        except NO_ENTRY as error:
            raise AlteredEntryError(chain[0].value, row.record_number) from error
        yield entry


def concerned(connection: sa.Connection, subject: str) -> list[str]:
    """The consumers whom ``subject`` concerns."""
    query = sa.select(log_concerns.c.consumer).where(log_concerns.c.subject == subject)
    return list(connection.scalars(query.order_by(log_concerns.c.consumer)))


def is_told(connection: sa.Connection, consumer: str) -> bool:
    """Whether there is somebody of that name: she has a log, or is concerned by something."""
    hers = (log_heads.c.owner == consumer, log_concerns.c.consumer == consumer)
    return any(connection.scalar(sa.select(sa.literal(1)).where(one).limit(1)) is not None for one in hers)


def set_concerns(connection: sa.Connection, concerns: Collection[tuple[str, str]]) -> None:
    """From now on these consumers are concerned by these subjects, (consumer, subject), and no others."""
    connection.execute(log_concerns.delete())
    wanted = {*concerns, *((consumer, GATEWAY_WIDE) for consumer, _ in concerns)}
    if wanted:
        connection.execute(
            log_concerns.insert(), [{"consumer": consumer, "subject": subject} for consumer, subject in sorted(wanted)]
        )


_SAME: Final = sa.text(
    "SELECT record_number, at FROM log_entries INDEXED BY log_entries_same WHERE log = :log AND owner = :owner "
    "AND event = :event AND subject = :subject AND parameters = :parameters AND outcome = :outcome AND user = :user "
    "ORDER BY record_number DESC LIMIT 1"
)
"""By its index: left alone, SQLite walks through the whole log from its end."""


def _same(connection: sa.Connection, chain: Chain, happening: Happening, text: str, second: int) -> int | None:
    """The number of the newest entry that says the same, if it is recent."""
    row = connection.execute(
        _SAME,
        {
            "log": chain[0].value,
            "owner": chain[1],
            "event": happening.event.value,
            "subject": happening.subject,
            "parameters": text,
            "outcome": int(happening.outcome),
            "user": happening.user or kind_of(happening.event).actor.value,
        },
    ).first()
    return row.record_number if row is not None and abs(second - row.at) < WINDOW[chain[0]] else None


def _count(connection: sa.Connection, chain: Chain, number: int, second: int, times: int) -> None:
    values = {"log": chain[0].value, "owner": chain[1], "record_number": number}
    connection.execute(
        insert(log_repetitions)
        .values(**values, last_at=second, count=times, folded=0)
        .on_conflict_do_update(
            index_elements=list(values), set_={"last_at": second, "count": log_repetitions.c["count"] + times}
        )
    )


def _write(connection: sa.Connection, entry: Entry) -> None:
    connection.execute(log_entries.insert(), columns_of(entry))
    values = {"last_number": entry.record_number, "last_hash": entry.hash}
    connection.execute(
        insert(log_heads)
        .values(log=entry.log.value, owner=entry.owner, **values)
        .on_conflict_do_update(index_elements=["log", "owner"], set_=values)
    )


def _has_room(event: Event, number: int, capacity: int) -> bool:
    """Raises StoreError(LOG_FULL) for what may not happen any more."""
    if event not in DURING_STOP:
        raise StoreError(StoreReason.LOG_FULL, "the calibration log is full: nothing that it must tell may happen")
    return number < capacity + RESERVE


def _seconds_index(connection: sa.Connection, second: int) -> int:
    """The time of the logs at ``second`` of the clock; where the clock went back, the logs' time goes on."""
    row = connection.execute(sa.select(log_time)).first()
    shift, last = (-second, 0) if row is None else (row.shift, row.last_index)
    if second + shift < last - CLOCK_WENT_BACK:
        shift = last - second
    index = max(last, second + shift)
    values = {"shift": shift, "last_index": index}
    connection.execute(
        insert(log_time).values(id=1, **values).on_conflict_do_update(index_elements=["id"], set_=values)
    )
    return index


def _entry(connection: sa.Connection, chain: Chain, number: int) -> Entry | None:
    return next(iter(read(connection, chain, after=number - 1, limit=1)), None)


def _at(table: sa.Table, chain: Chain, number: int) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.log == chain[0].value, table.c.owner == chain[1], table.c.record_number == number)


def _beside(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.log == log_entries.c.log,
        table.c.owner == log_entries.c.owner,
        table.c.record_number == log_entries.c.record_number,
    )
