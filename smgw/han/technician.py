"""What a service technician sees: the system log, read only, and how the gateway is (TR-03109-1, technician).

Decides that this is all: no meter, no consumer, nothing measured (PP-0073 FAU_SAR.1/SYS, FDP_ACF.1). It is served in
every state, because a gateway that serves nobody is what he comes for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from smgw.han.consumer_log import ShownEntry
from smgw.han.port import HanError, HanReason, Visitor
from smgw.han.shown import GatewayStatus
from smgw.logs.errors import LogAccessError
from smgw.logs.readers import require_reader
from smgw.logs.texts import Language, render
from smgw.store.consumer_log import PAGE
from smgw.store.database import Database
from smgw.store.events import Log
from smgw.store.log_chain import head
from smgw.store.logs import SYSTEM, SystemLog

_FOR_TECHNICIANS: Final = "this is for service technicians"


@dataclass(frozen=True, slots=True)
class TechnicianPage:
    """The view of one technician."""

    database: Database
    system_log: SystemLog
    how: Callable[[datetime], GatewayStatus]
    visitor: Visitor

    def __post_init__(self) -> None:
        """Raises HanError NOT_ALLOWED for anybody else."""
        try:
            require_reader(self.visitor.reader, Log.SYSTEM)
        except LogAccessError as error:
            raise HanError(HanReason.NOT_ALLOWED, _FOR_TECHNICIANS) from error

    def log(self, language: Language, *, after: int, limit: int) -> Sequence[ShownEntry]:
        """The system log, oldest first, above record number ``after`` (FAU_SAR.1/SYS). Raises StoreError."""
        entries = self.system_log.entries(after=after, limit=max(0, min(limit, PAGE)))
        return [ShownEntry(entry, render(entry, language)) for entry in entries]

    def last_record(self) -> int:
        """The number of its newest entry."""
        with self.database.read() as connection:
            return head(connection, SYSTEM)[0]

    def status(self, at: datetime) -> GatewayStatus:
        """How the gateway is."""
        return self.how(at)
