from dataclasses import fields, replace
from datetime import timedelta

import pytest

from proof.entry import GENESIS, Entry
from proof.events import Event, Level, Log, Outcome
from tests.smgw.store.samples import START
from wire.errors import CanonicalJsonError

ENTRY = Entry(
    Log.CONSUMER, "anna", 7, Event.ORDER_DONE, 50056, 0, "OPEN", Level.EXTENSION, Outcome.EXTENSION, "s", "u", START,
    12, {"a": 1, "b": "x"}, 3, 4,
).chained(b"\1" * 32)  # fmt: skip
OTHERS = {
    "log": Log.SYSTEM, "owner": "bert", "record_number": 8, "event": Event.ORDER_REFUSED, "event_id": 1,
    "event_sub_id": 1, "vendor_id": "BSI", "level": Level.INFO, "outcome": Outcome.FAILURE, "subject": "t", "user": "v",
    "first_at": START + timedelta(seconds=1), "seconds_index": 13, "parameters": {"a": "1", "b": "x"},
    "parent_record_number": None, "repetition_counter": 5, "previous": GENESIS,
}  # fmt: skip


def test_every_field_is_under_the_hash() -> None:
    """FCS_COP.1/HASH, FAU_STG.2: whatever is changed, the hash is another."""
    counted = {"hash", "last", "repetition_count"}
    assert OTHERS.keys() == {field.name for field in fields(Entry)} - counted
    for name, value in OTHERS.items():
        assert replace(ENTRY, **{name: value}).computed_hash() != ENTRY.hash, name  # type: ignore[arg-type]
    assert replace(ENTRY, last=START, repetition_count=9).computed_hash() == ENTRY.hash


def test_what_happened_again_has_a_last_time() -> None:
    assert ENTRY.last_at == START
    assert replace(ENTRY, last=START + timedelta(days=1)).last_at == START + timedelta(days=1)


def test_what_no_entry_can_hold_has_no_hash() -> None:
    with pytest.raises(CanonicalJsonError):
        replace(ENTRY, subject="\ud800").computed_hash()
