"""Making checkpoints: what was written since the last one is looked at, counted, signed, and what is old goes.

Decides when the logs are sealed and what leaves them by its age; signs nothing that does not follow on what was signed
before, so that an alteration is never covered by a newer signature. The token signs outside of every transaction: one
that hangs stops nobody who writes. Entries of consumer logs leave when they are older than their retention, between two
checkpoints only for want of room (FAU_STG.4/CON), and only while the time can be relied on; those of a consumer whose
contract has ended leave all at once.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from pki.certificates import Purpose
from proof.chain import name_of, verify_chain
from proof.checkpoint import ChainState, Checkpoint, SignedCheckpoint, sign
from smgw.identity import Identity
from smgw.logs.errors import IntegrityReason, LogIntegrityError, unreadable_is_altered
from smgw.logs.stored import last_states, read_entries, require_head, signed
from smgw.store import log_chain, log_checkpoints
from smgw.store.database import Database
from smgw.store.erasure import Ended
from smgw.store.errors import StoreError, StoreReason
from smgw.store.events import Log
from smgw.store.log_chain import Chain, ring
from smgw.store.log_checkpoints import StoredCheckpoint
from smgw.store.log_entry import GENESIS
from smgw.store.log_tables import log_entries
from smgw.store.rows import to_seconds
from smgw.store.schema import ended
from smgw.store.settings import Setting, get

CONSUMER_RETENTION: Final = timedelta(days=15 * 31)
"""Fifteen months: how long a consumer finds in her log what was done with her data."""
ATTEMPTS: Final = 3
"""Another process (an export) may seal at the same moment; one of both begins again."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Makes the checkpoints of one gateway."""

    database: Database
    identity: Callable[[], Identity]
    capacities: Mapping[Log, int] = field(default_factory=lambda: dict(log_chain.CAPACITY))

    def seal(self, at: datetime, *, time_valid: bool) -> Checkpoint:
        """Make a checkpoint.

        1. What was counted comes into the logs.
        2. What was written since the last checkpoint follows on it.
        3. The token signs.
        4. The checkpoint is kept, and what it says is not there any more goes.

        Raises LogIntegrityError, StoreError, TokenError.
        """
        for attempt in range(ATTEMPTS):
            # 1
            with unreadable_is_altered(), self.database.write() as connection:
                log_chain.fold(connection, at, self.capacities)
            # 2
            with unreadable_is_altered(), self.database.read() as connection:
                before = log_checkpoints.newest(connection)
                states = self._states(connection, last_states(before), at if time_valid else None)
            # A log that ended is not spoken of any more, nor whose it was.
            over = [state for state in states if self._over(state)]
            states = [state for state in states if state not in over]
            # 3
            identity = self.identity()
            certificate = identity.certificates[Purpose.SIG].certificate
            number, previous = (1, GENESIS) if before is None else (before.number + 1, signed(before).hash)
            checkpoint = Checkpoint.of(identity.gateway.text, number, at, previous, certificate, states)
            made = sign(checkpoint, certificate, identity.keys[Purpose.SIG])
            # 4
            try:
                self._keep(number, made, states, [(state.log, state.owner) for state in over])
            except StoreError as error:
                if error.reason is not StoreReason.CONFLICT or attempt + 1 == ATTEMPTS:
                    raise
            else:
                return checkpoint
        raise AssertionError("unreachable")

    def _states(
        self, connection: sa.Connection, known: Mapping[Chain, ChainState], at: datetime | None
    ) -> list[ChainState]:
        chains = log_chain.chains(connection)
        for chain in known.keys() - set(chains):
            raise LogIntegrityError(IntegrityReason.CUT_TAIL, f"the {name_of(chain[0])} is gone as a whole")
        return [self._state(connection, chain, known.get(chain), at) for chain in chains]

    def _state(
        self, connection: sa.Connection, chain: Chain, known: ChainState | None, at: datetime | None
    ) -> ChainState:
        """Where one log begins and ends now; only what is new is looked at, the rest when all is verified."""
        log, owner = chain
        number, head = log_chain.head(connection, chain)
        capacity = ring(log) and self.capacities[log]
        begin = known or ChainState(log, owner, 1, GENESIS, 0, GENESIS, capacity)
        first = self._oldest(connection, chain, number)
        # A cut at the old end must not become what is signed.
        if first > max(begin.first, number - capacity + 1 if capacity else 0):
            sentence = f"{name_of(log)}: the records before {first} are missing"
            raise LogIntegrityError(IntegrityReason.CUT_START, sentence)
        # What is new follows on the end of what was signed, as if nothing older were there.
        end = ChainState(log, owner, begin.last + 1, begin.head, begin.last, begin.head, capacity)
        new = read_entries(connection, chain, after=begin.last)
        verified = verify_chain(log, owner, new, end)
        require_head(chain, new[-1].hash if new else begin.head, verified.last, (number, head))
        count = connection.scalar(sa.select(sa.func.count()).select_from(log_entries).where(_of(chain)))
        if count != number - first + 1:
            sentence = f"{name_of(log)}: of the records {first} to {number} only {count} are there"
            raise LogIntegrityError(IntegrityReason.GAP, sentence)
        if log is Log.CONSUMER and self._has_ended(connection, owner):
            first = number + 1
        elif at is not None and (age := self._age(connection, log)) is not None:
            first = max(first, self._young(connection, chain, number, at - age))
        anchor = head if first > number else self._previous(connection, chain, first)
        return ChainState(log, owner, first, anchor, number, head, capacity)

    def _over(self, state: ChainState) -> bool:
        """Whether nothing of this log is left because its consumer's contract ended."""
        if state.log is not Log.CONSUMER or state.first <= state.last:
            return False
        with self.database.read() as connection:
            return self._has_ended(connection, state.owner)

    def _keep(self, number: int, made: SignedCheckpoint, states: list[ChainState], over: list[Chain]) -> None:
        text = json.dumps([state.to_json() for state in states], sort_keys=True)
        with self.database.write() as connection:
            row = StoredCheckpoint(number, made.content, text, made.certificate, made.signature)
            log_checkpoints.put(connection, row)
            for state in states:
                if state.log is not Log.CALIBRATION:
                    log_chain.cut(connection, (state.log, state.owner), state.first)
            for chain in over:
                log_chain.end(connection, chain)

    def _oldest(self, connection: sa.Connection, chain: Chain, number: int) -> int:
        query = sa.select(sa.func.min(log_entries.c.record_number)).where(_of(chain))
        return connection.scalar(query) or number + 1

    def _age(self, connection: sa.Connection, log: Log) -> timedelta | None:
        """How old an entry of ``log`` becomes; None where none leaves by its age."""
        match log:
            case Log.CONSUMER:
                return CONSUMER_RETENTION
            case Log.SYSTEM:
                ordered = get(connection, Setting.SYSTEM_LOG_DAYS)
                return None if ordered is None else timedelta(days=ordered)
            case Log.CALIBRATION:
                return None

    def _young(self, connection: sa.Connection, chain: Chain, number: int, limit: datetime) -> int:
        """The first entry that is not older than ``limit``, or the next to be written."""
        query = sa.select(sa.func.min(log_entries.c.record_number)).where(
            _of(chain), log_entries.c.at >= to_seconds(limit)
        )
        return connection.scalar(query) or number + 1

    def _has_ended(self, connection: sa.Connection, consumer: str) -> bool:
        """Whether everything of hers is being erased (``smgw/store/contracts.py``, FDP_RIP.2): her log goes with it."""
        hers = sa.and_(ended.c.kind == Ended.CONSUMER, ended.c.name == consumer)
        return connection.scalar(sa.select(sa.literal(1)).where(hers)) is not None

    def _previous(self, connection: sa.Connection, chain: Chain, number: int) -> bytes:
        query = sa.select(log_entries.c.previous).where(_of(chain), log_entries.c.record_number == number)
        found: bytes | None = connection.scalar(query)
        if found is None:
            sentence = f"{chain[0]} log: record {number} is missing"
            raise LogIntegrityError(IntegrityReason.CUT_START, sentence)
        return found


def _of(chain: Chain) -> sa.ColumnElement[bool]:
    return sa.and_(log_entries.c.log == chain[0].value, log_entries.c.owner == chain[1])
