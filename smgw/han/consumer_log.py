"""A consumer's own log, as she reads it at IF_GW_CON (PP-0073 FAU_SAR.1/CON, FDP_ACF.1).

Decides that she gets hers and nobody else's, and that her reading is an entry of it too: who looked stands in the log
of the consumer whose data it is (FAU_GEN.1/CON, accesses). Whoever calls has proven who she is. A log that was found
whole is not looked through anew for ten minutes: it may have a hundred thousand entries, and she many pages to turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from pki.certificates import TrustStore
from proof.log_export import Export
from smgw.logs.errors import LogAccessError, LogIntegrityError
from smgw.logs.exporting import export_logs
from smgw.logs.readers import Reader, Role, require_reader
from smgw.logs.stored import Judge, verify_log
from smgw.logs.texts import Language, render
from smgw.store import log_chain
from smgw.store.consumer_log import PAGE, ConsumerLog
from smgw.store.database import Database
from smgw.store.events import Event, Log, Outcome
from smgw.store.log_entry import Entry
from smgw.store.logs import SystemLog

SUBJECT: Final = "consumer-log"
BELIEVED: Final = timedelta(minutes=10)
"""How long a log that was found whole is one."""


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry with its text."""

    entry: Entry
    text: str


@dataclass(frozen=True, slots=True)
class ConsumerLogs:
    """The consumer logs of one gateway, each for its consumer."""

    database: Database
    log: SystemLog
    whole_at: dict[str, datetime] = field(default_factory=dict)
    """When each log was last looked through and found whole."""

    def page(
        self, reader: Reader, consumer: str, language: Language, at: datetime, *, after: int = 0, limit: int = PAGE
    ) -> Sequence[ShownEntry]:
        """The entries of ``consumer`` with a record number above ``after``, oldest first.

        Raises LogAccessError for everybody but her, StoreError.
        """
        self._admit(reader, consumer, at)
        entries = ConsumerLog(self.database, consumer).entries(after=after, limit=min(limit, PAGE))
        return [ShownEntry(entry, render(entry, language)) for entry in entries]

    def wrong(self, connection: sa.Connection, consumer: str, judge: Judge, at: datetime) -> str:
        """What is wrong with the chain of her log, in a sentence; nothing where it is whole (FAU_STG.2).

        A change is found ten minutes after it at the latest, and from then on each time. Raises StoreError.
        """
        last = self.whole_at.get(consumer)
        if last is not None and timedelta() <= at - last < BELIEVED:
            return ""
        try:
            verify_log(connection, (Log.CONSUMER, consumer), judge)
        except LogIntegrityError as error:
            self.whole_at.pop(consumer, None)
            return str(error)
        self.whole_at[consumer] = at
        return ""

    def export(self, reader: Reader, consumer: str, trust: TrustStore, at: datetime) -> Export:
        """Her log as a file that proves itself; the caller has made a checkpoint right before.

        Raises LogAccessError for everybody but her, LogIntegrityError, CertificateError, StoreError.
        """
        self._admit(reader, consumer, at)
        return export_logs(self.database, trust, [(Log.CONSUMER, consumer)])

    def _admit(self, reader: Reader, consumer: str, at: datetime) -> None:
        """Let her in; what is refused stands in the log of her whose it is."""
        try:
            require_reader(reader, Log.CONSUMER, consumer)
        except LogAccessError as error:
            self._note(reader, consumer, Outcome.FAILURE, at, {"what": SUBJECT, "reason": error.reason.value})
            raise
        self._note(reader, consumer, Outcome.SUCCESS, at, {"what": SUBJECT})

    def _note(
        self, reader: Reader, consumer: str, outcome: Outcome, at: datetime, parameters: dict[str, str | int]
    ) -> None:
        # Asking begins no log: names could be tried without end, and one that was erased would be back (FDP_RIP.2).
        with self.database.read() as connection:
            if not consumer or not log_chain.is_told(connection, consumer):
                return
        # Another consumer's name is nothing for her log: the role says enough.
        herself = reader.role is Role.CONSUMER and reader.identity == consumer
        user = consumer if herself else reader.role.value
        self.log.record_for(
            Event.CONSUMER_ACCESS,
            SUBJECT,
            outcome,
            at=at,
            user=user,
            consumers=(consumer,),
            parameters=parameters,
        )
