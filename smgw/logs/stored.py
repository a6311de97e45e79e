"""Whether the logs in a store are those that the gateway wrote (PP-0073 FAU_STG.2, FDP_SDI.2).

Decides for a whole store what ``chain.py`` decides for one log: besides, that no log is missing, that each ends where
the store says, that checkpoints follow on one another, and that what was counted beside the entries is not less than
what they tell. Reads only; holds one log in memory at a time.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import sqlalchemy as sa
from cryptography import x509

from proof.chain import Verified, name_of, verify_chain
from proof.checkpoint import ChainState, Checkpoint, SignedCheckpoint, require_following, verify
from smgw.logs.errors import IntegrityReason, LogIntegrityError, unreadable_is_altered
from smgw.store import log_checkpoints
from smgw.store.database import Database
from smgw.store.events import Log
from smgw.store.log_chain import NO_ENTRY, Chain, chains, head, read, ring
from smgw.store.log_checkpoints import StoredCheckpoint
from smgw.store.log_entry import Entry, text_of
from smgw.store.log_tables import log_entries, log_repetitions
from smgw.store.rows import to_seconds

Judge = Callable[[Checkpoint, x509.Certificate], None]
"""Raises LogIntegrityError for the signer of a checkpoint whom the caller does not believe."""


@dataclass(frozen=True, slots=True)
class VerifiedStore:
    """What was found to be as it was written."""

    chains: tuple[Verified, ...]
    sealed_at: datetime | None
    """When the last checkpoint was made, if one was."""


def verify_logs(database: Database, judge: Judge | None = None) -> None:
    """All logs in ``database``; without a ``judge``, signers are believed by the certificates that lie there.

    Raises LogIntegrityError, StoreError.
    """
    with database.read() as connection:
        verify_store(connection, judge)


@unreadable_is_altered()
def verify_store(connection: sa.Connection, judge: Judge | None = None) -> VerifiedStore:
    """All logs as ``connection`` sees them.

    1. Every checkpoint that is kept can be read, is signed by the certificate that lies with it and follows on the one
       before; ``judge`` believes the signer of the last. What it says of each log is what lies beside it.
    2. Every log of the last checkpoint is there, and no entry belongs to a log that is not known.
    3. The entries of each log hold (``verify_chain``), and it ends where the store says.
    4. Nothing was counted for an entry that is not there, and not less than its continuations tell.

    Raises LogIntegrityError, StoreError.
    """
    # 1
    checkpoint, states = _checkpoints(connection, judge)
    # 2
    known = chains(connection)
    for chain in (*states, *_with_entries(connection)):
        if chain not in known:
            sentence = f"the store does not know where the {name_of(chain[0])} ends"
            raise LogIntegrityError(IntegrityReason.CUT_TAIL, sentence)
    found = []
    for chain in known:
        entries = read_entries(connection, chain)
        # 3
        found.append(verify_chain(*chain, entries, states.get(chain), capacity=ring(chain[0])))
        end = head(connection, chain)
        require_head(chain, entries[-1].hash if entries else end[1], found[-1].last, end)
        # 4
        _require_counts(connection, chain, entries)
    return VerifiedStore(tuple(found), None if checkpoint is None else checkpoint.at)


@unreadable_is_altered()
def verify_log(connection: sa.Connection, chain: Chain, judge: Judge) -> Verified:
    """One log as ``connection`` sees it, by the last checkpoint, whose signer ``judge`` believes.

    Nothing of any other log is looked at, and none is named in what is raised: what is told of it is its owner's.
    Raises LogIntegrityError, StoreError.
    """
    newest = log_checkpoints.newest(connection)
    if newest is not None:
        judge(*verify(signed(newest)))
    entries, end = read_entries(connection, chain), head(connection, chain)
    found = verify_chain(*chain, entries, last_states(newest).get(chain), capacity=ring(chain[0]))
    require_head(chain, entries[-1].hash if entries else end[1], found.last, end)
    _require_counts(connection, chain, entries)
    return found


@unreadable_is_altered()
def last_states(stored: StoredCheckpoint | None) -> dict[Chain, ChainState]:
    """Where each log began and ended at this checkpoint. Raises LogIntegrityError."""
    if stored is None:
        return {}
    try:
        values = json.loads(stored.states)
    except ValueError as error:
        sentence = f"checkpoint {stored.number}: what it says of the logs cannot be read"
        raise LogIntegrityError(IntegrityReason.CHECKPOINT, sentence) from error
    states = [ChainState.from_json(value) for value in values] if isinstance(values, list) else []
    marks = tuple(sorted(state.mark() for state in states))
    if marks != Checkpoint.from_bytes(stored.content).marks:
        sentence = f"checkpoint {stored.number} was signed over other logs than those that lie with it"
        raise LogIntegrityError(IntegrityReason.CHECKPOINT, sentence)
    return {(state.log, state.owner): state for state in states}


def signed(stored: StoredCheckpoint) -> SignedCheckpoint:
    """The part of a row that is verified by itself."""
    return SignedCheckpoint(stored.content, stored.certificate, stored.signature)


@unreadable_is_altered()
def read_entries(connection: sa.Connection, chain: Chain, *, after: int = 0) -> list[Entry]:
    """The entries of one log as they lie there. Raises LogIntegrityError for a row that holds no entry."""
    query = sa.select(log_entries.c.record_number, log_entries.c.parameters).where(
        log_entries.c.log == chain[0].value, log_entries.c.owner == chain[1], log_entries.c.record_number > after
    )
    texts = {row.record_number: row.parameters for row in connection.execute(query)}
    entries = list(read(connection, chain, after=after))
    for entry in entries:
        try:
            written = text_of(entry.parameters)
        except NO_ENTRY as error:
            raise _altered(chain, entry.record_number) from error
        if written != texts.get(entry.record_number):
            raise _altered(chain, entry.record_number)
    return entries


def _altered(chain: Chain, number: int) -> LogIntegrityError:
    sentence = f"{name_of(chain[0])}: record {number} was altered: it is not written as an entry is"
    return LogIntegrityError(IntegrityReason.ALTERED, sentence)


def _checkpoints(connection: sa.Connection, judge: Judge | None) -> tuple[Checkpoint | None, dict[Chain, ChainState]]:
    """Check 1; the last checkpoint and what it says."""
    rows = list(log_checkpoints.every(connection))
    found = [verify(signed(row)) for row in rows]
    for row, (checkpoint, _) in zip(rows, found, strict=True):
        if checkpoint.number != row.number:
            sentence = f"checkpoint {checkpoint.number} lies in the place of checkpoint {row.number}"
            raise LogIntegrityError(IntegrityReason.CHECKPOINT, sentence)
    for row, (after, _) in zip(rows, found[1:], strict=False):
        require_following(after, signed(row))
    for (before, _), (after, _) in pairwise(found):
        if before.gateway != after.gateway:
            raise LogIntegrityError(IntegrityReason.GATEWAY, f"checkpoint {after.number} is of another gateway")
    if not rows:
        return None, {}
    if found[0][0].number == 1:
        require_following(found[0][0], None)
    if judge is not None:
        judge(*found[-1])
    return found[-1][0], last_states(rows[-1])


def _with_entries(connection: sa.Connection) -> Collection[Chain]:
    query = sa.select(log_entries.c.log, log_entries.c.owner).distinct()
    return [(Log(row.log), row.owner) for row in connection.execute(query)]


def require_head(chain: Chain, found: bytes, last: int, end: tuple[int, bytes]) -> None:
    """The last entry, or what was signed of it, is where the store says that the log ends. Raises LogIntegrityError."""
    number, known = end
    if last != number:
        sentence = f"{name_of(chain[0])}: records {last + 1} to {number} are missing at the end"
        if last > number:
            sentence = f"{name_of(chain[0])}: record {last} stands after the end of the log"
        raise LogIntegrityError(IntegrityReason.CUT_TAIL, sentence)
    if found != known:
        raise _altered(chain, number)


def _require_counts(connection: sa.Connection, chain: Chain, entries: list[Entry]) -> None:
    """Check 4."""
    told: dict[int, int] = {}
    again: dict[int, int] = {}
    for entry in entries:
        if entry.parent_record_number is not None:
            told[entry.parent_record_number] = told.get(entry.parent_record_number, 0) + entry.repetition_counter
            again[entry.parent_record_number] = to_seconds(entry.first_at)
    counted = {
        row.record_number: row
        for row in connection.execute(
            sa.select(log_repetitions).where(
                log_repetitions.c.log == chain[0].value, log_repetitions.c.owner == chain[1]
            )
        )
    }
    there = {entry.record_number for entry in entries if entry.parent_record_number is None}
    for number in counted.keys() - there:
        sentence = f"{name_of(chain[0])}: record {number} was counted, and is none that can be"
        raise LogIntegrityError(IntegrityReason.COUNT, sentence)
    for number in there:
        row = counted.get(number)
        folded = 0 if row is None else row.folded
        if folded != told.get(number, 0):
            sentence = (
                f"{name_of(chain[0])}: record {number} was counted {folded} times, the log tells {told.get(number, 0)}"
            )
            raise LogIntegrityError(IntegrityReason.COUNT, sentence)
        if row is not None and row.count == folded and row.last_at != again.get(number):
            sentence = f"{name_of(chain[0])}: record {number} happened last at another time than the log tells"
            raise LogIntegrityError(IntegrityReason.COUNT, sentence)
