"""What the administrator may read: pages of the system log and of the calibration log, as canonical JSON.

Decides how an entry is told and how long a page is. The consumer log is not among them, and neither is anything that a
meter said (TR-03109-1, PP-0073 FAU_SAR.1/SYS, FAU_SAR.1/CAL): this file reads two logs that hold no consumption value
by their own law, and nothing else of the store.
"""

from smgw.logs.texts import Language, render
from smgw.store.calibration_log import CalibrationLog
from smgw.store.log_entry import Entry
from smgw.store.logs import SystemLog
from wire.canonical_json import JsonObject, JsonValue, encode
from wire.errors import CanonicalJsonError
from wire.instant import format_instant
from wire.management import MAX_ANSWER_BYTES, PAGE_ENTRIES


def system_page(log: SystemLog, after: int) -> bytes:
    """Entries of the system log with a record number above ``after``, oldest first. Raises StoreError."""
    return _page([told(entry) for entry in log.entries(after=after, limit=PAGE_ENTRIES)])


def calibration_page(log: CalibrationLog, after: int) -> bytes:
    """Entries of the calibration log with a record number above ``after``, oldest first. Raises StoreError."""
    return _page([told(entry) for entry in log.entries(after=after, limit=PAGE_ENTRIES)])


def report(document: JsonObject) -> bytes:
    """The bytes of one answer. Raises CanonicalJsonError where it is too large or has no such form."""
    return encode(document, maximum_bytes=MAX_ANSWER_BYTES)


def told(entry: Entry) -> JsonValue:
    """One entry: every field, first and last occurrence, its hash and its text in both languages."""
    return {
        "record_number": entry.record_number,
        "event": entry.event.value,
        "event_id": entry.event_id,
        "event_sub_id": entry.event_sub_id,
        "vendor_id": entry.vendor_id,
        "level": int(entry.level),
        "outcome": int(entry.outcome),
        "subject": entry.subject,
        "user": entry.user,
        "parameters": dict(entry.parameters),
        "first_at": format_instant(entry.first_at),
        "last_at": format_instant(entry.last_at),
        "seconds_index": entry.seconds_index,
        "repetition_count": entry.repetition_count,
        "parent_record_number": entry.parent_record_number,
        "repetition_counter": entry.repetition_counter,
        "hash": entry.hash.hex(),
        "text": {language.value: render(entry, language) for language in Language},
    }


def _page(entries: list[JsonValue]) -> bytes:
    """As many of ``entries`` as fit: a log must never become unreadable because some entries of it are long."""
    while len(entries) > 1:
        try:
            return report({"entries": entries})
        except CanonicalJsonError:
            entries = entries[: len(entries) // 2]
    return report({"entries": entries})
