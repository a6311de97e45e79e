"""Whether the entries of one log are those that the gateway wrote, all of them, in their order. Does no IO.

Decides by the hashes between entries and by the last checkpoint, which says where the log began and ended then. What
was written after it is chained but not signed: whoever can write into the store could have written it anew
(:attr:`Verified.unsigned`). TR-03109-1; PP-0073 FAU_STG.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from proof.checkpoint import ChainState
from proof.entry import GENESIS, Entry
from proof.errors import IntegrityReason, LogIntegrityError
from proof.events import Log
from wire.errors import CanonicalJsonError


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found to be as it was written."""

    log: Log
    owner: str
    first: int
    last: int
    sealed: int
    """Up to this record number it is signed."""

    @property
    def unsigned(self) -> int:
        """Entries at the end that no checkpoint covers."""
        return self.last - max(self.sealed, self.first - 1)


def name_of(log: Log) -> str:
    """What a log is called in a sentence: never by whose it is, because sentences are told to everybody (OSP.Log)."""
    return f"{log} log"


def verify_chain(
    log: Log, owner: str, found: Iterable[Entry], state: ChainState | None, *, capacity: int = 0
) -> Verified:
    """The entries of one log against the state that was signed; without one the log began after the last checkpoint.

    ``capacity`` is that of a log without a state; 0 where nothing is ever overwritten.

    1. Every entry is of this log.
    2. Record numbers are consecutive, and rise.
    3. Every entry has the hash that its fields give, and follows on the one before it. The log's own time never goes
       back.
    4. An entry that says that another happened again names one before it.
    5. The log begins where it must: with the first entry, or where the state says, or later only as far as newer
       entries took the room of older ones.
    6. It ends with the last entry of the state or later, and fits both ends of the state unless they were overwritten.

    Raises LogIntegrityError.
    """
    name, entries = name_of(log), list(found)
    # 1
    for entry in entries:
        if (entry.log, entry.owner) != (log, owner):
            sentence = f"{name}: record {entry.record_number} belongs to another log"
            raise LogIntegrityError(IntegrityReason.ORDER, sentence)
    # 2
    for before, entry in pairwise(entries):
        _require_next(name, before.record_number, entry.record_number)
    # 3 and 4
    for entry in entries:
        _require_hash(name, entry)
    for before, entry in pairwise(entries):
        if entry.previous != before.hash or entry.seconds_index < before.seconds_index:
            raise _altered(name, before.record_number, f"record {entry.record_number} does not follow on it")
    # 5 and 6
    if state is None:
        _require_start(name, entries, ChainState(log, owner, 1, GENESIS, 0, GENESIS, capacity))
    else:
        _require_start(name, entries, state)
        _require_end(name, entries, state)
    if entries:
        first, last = entries[0].record_number, entries[-1].record_number
    else:
        first, last = (1, 0) if state is None else (state.first, state.last)
    return Verified(log, owner, first, last, 0 if state is None else state.last)


def _require_next(name: str, before: int, number: int) -> None:
    if number == before + 1:
        return
    if number <= before:
        raise LogIntegrityError(IntegrityReason.ORDER, f"{name}: record {number} stands after record {before}")
    missing = f"record {before + 1} is" if number == before + 2 else f"records {before + 1} to {number - 1} are"
    raise LogIntegrityError(IntegrityReason.GAP, f"{name}: {missing} missing")


def _require_hash(name: str, entry: Entry) -> None:
    try:
        computed = entry.computed_hash()
    except CanonicalJsonError as error:
        raise _altered(name, entry.record_number, "it holds what no entry can hold") from error
    if computed != entry.hash:
        raise _altered(name, entry.record_number, "its hash is not that of its fields")
    if entry.parent_record_number is not None and not 1 <= entry.parent_record_number < entry.record_number:
        raise _altered(name, entry.record_number, "it continues an entry that is not before it")


def _require_start(name: str, entries: list[Entry], state: ChainState) -> None:
    """Check 5."""
    if not entries:
        if state.last >= state.first:
            raise LogIntegrityError(IntegrityReason.CUT_TAIL, f"{name}: records from {state.first} on are missing")
        return
    first, last = entries[0], entries[-1].record_number
    latest = max(state.first, last - state.capacity + 1) if state.capacity else state.first
    if first.record_number > latest:
        sentence = f"{name}: the records before {first.record_number} are missing, from {latest} on they must be there"
        raise LogIntegrityError(IntegrityReason.CUT_START, sentence)
    if first.record_number < state.first:
        sentence = f"{name}: record {first.record_number} was overwritten, and stands there again"
        raise LogIntegrityError(IntegrityReason.ORDER, sentence)
    if first.record_number == state.first and first.previous != state.anchor:
        raise _altered(name, first.record_number, "it does not follow on what was overwritten before it")


def _require_end(name: str, entries: list[Entry], state: ChainState) -> None:
    """Check 6."""
    last = entries[-1].record_number if entries else state.first - 1
    if last < state.last:
        raise LogIntegrityError(
            IntegrityReason.CUT_TAIL, f"{name}: records {last + 1} to {state.last} are missing at the end"
        )
    for entry in entries:
        known = {state.last: entry.hash, state.last + 1: entry.previous}.get(entry.record_number, state.head)
        if known != state.head:
            raise _altered(name, state.last, "it is not the one that was signed")


def _altered(name: str, number: int, why: str) -> LogIntegrityError:
    return LogIntegrityError(IntegrityReason.ALTERED, f"{name}: record {number} was altered: {why}")
