"""One entry of a log, and the hash that chains it to the one before (PP-0073 FCS_COP.1/HASH).

Decides what an entry consists of and over which bytes its hash goes: canonical JSON of every field, so that no field
can be altered, left out or moved into another log, and of the hash of the entry before. Does no IO.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from proof.events import Event, Level, Log, Outcome
from wire.canonical_json import JsonObject, encode

HASH_SIZE: Final = 32
"""Octets of SHA-256."""
GENESIS: Final = bytes(HASH_SIZE)
"""What stands for the hash before the first entry of a log."""

Parameters = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry (Log-Eintrag; TR-03109-1, log entries).

    ``first_at`` is when it happened; the two counts grow while it happens again.

    ``repetition_counter`` is that of the log schema: in an entry of level EXTENSION how often the entry
    ``parent_record_number`` happened again, the last time at ``first_at``; else 0.
    """

    log: Log
    owner: str
    """The consumer whose log it is; else empty."""
    record_number: int
    event: Event
    event_id: int
    event_sub_id: int
    vendor_id: str
    level: Level
    outcome: Outcome
    subject: str
    user: str
    first_at: datetime
    seconds_index: int
    """Seconds of this log's own time: never goes back, whatever becomes of the clock."""
    parameters: dict[str, str | int]
    parent_record_number: int | None = None
    repetition_counter: int = 0
    previous: bytes = GENESIS
    hash: bytes = b""
    last: datetime | None = None
    """When it happened again, if it did; not under the hash, because it changes."""
    repetition_count: int = 0
    """How often it happened again; not under the hash either: entries of level EXTENSION tell it there."""

    @property
    def last_at(self) -> datetime:
        """When it happened last."""
        return self.last or self.first_at

    def signed_fields(self) -> JsonObject:
        """What the hash is about, except the hash before."""
        return {
            "log": self.log.value,
            "owner": self.owner,
            "record_number": self.record_number,
            "event": self.event.value,
            "event_id": self.event_id,
            "event_sub_id": self.event_sub_id,
            "vendor_id": self.vendor_id,
            "level": int(self.level),
            "outcome": int(self.outcome),
            "subject": self.subject,
            "user": self.user,
            "at": int(self.first_at.timestamp()),
            "seconds_index": self.seconds_index,
            "parameters": dict(self.parameters),
            "parent_record_number": self.parent_record_number,
            "repetition_counter": self.repetition_counter,
        }

    def computed_hash(self) -> bytes:
        """What :attr:`hash` must be. Raises CanonicalJsonError for what no entry can hold."""
        return hashlib.sha256(encode({**self.signed_fields(), "previous": self.previous.hex()})).digest()

    def chained(self, previous: bytes) -> Self:
        """The entry as it stands after one whose hash is ``previous``."""
        linked = replace(self, previous=previous)
        return replace(linked, hash=linked.computed_hash())
