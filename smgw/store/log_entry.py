"""How an entry of a log lies in a row, and how it comes back exactly.

Decides the columns; what an entry is, and over which bytes its hash goes, stands in ``proof.entry``, because whoever
verifies an exported log has no store.
"""

import json

from proof.entry import GENESIS, HASH_SIZE, Entry, Parameters
from smgw.store.events import Event, Level, Log, Outcome
from smgw.store.rows import from_seconds

__all__ = ["GENESIS", "HASH_SIZE", "Entry", "EntryRow", "Parameters", "columns_of", "entry_of", "text_of"]


class EntryRow:
    """The columns of an entry, by name, as SQLAlchemy hands them out."""

    log: str
    owner: str
    record_number: int
    event: str
    event_id: int
    event_sub_id: int
    vendor_id: str
    level: int
    outcome: int
    subject: str
    user: str
    at: int
    seconds_index: int
    parameters: str
    parent_record_number: int | None
    repetition_counter: int
    previous: bytes
    hash: bytes


def entry_of(row: EntryRow, *, last_at: int | None = None, repetition_count: int = 0) -> Entry:
    """The entry that lies in ``row``. Raises ValueError for a name or a number that there is not."""
    return Entry(
        log=Log(row.log),
        owner=row.owner,
        record_number=row.record_number,
        event=Event(row.event),
        event_id=row.event_id,
        event_sub_id=row.event_sub_id,
        vendor_id=row.vendor_id,
        level=Level(row.level),
        outcome=Outcome(row.outcome),
        subject=row.subject,
        user=row.user,
        first_at=from_seconds(row.at),
        seconds_index=row.seconds_index,
        parameters=json.loads(row.parameters),
        parent_record_number=row.parent_record_number,
        repetition_counter=row.repetition_counter,
        previous=row.previous,
        hash=row.hash,
        last=None if last_at is None else from_seconds(last_at),
        repetition_count=repetition_count,
    )


def columns_of(entry: Entry) -> dict[str, str | bytes | int | None]:
    """The column values; ``previous`` and ``hash`` included."""
    fields = entry.signed_fields()
    return {**fields, "parameters": text_of(entry.parameters), "previous": entry.previous, "hash": entry.hash}  # type: ignore[dict-item]  # all others are plain


def text_of(parameters: Parameters) -> str:
    """Parameters as they lie in a row: one spelling for the same parameters."""
    return json.dumps(dict(parameters), sort_keys=True, ensure_ascii=True)
