"""The consumer log: what was done with the data of one consumer, for her alone (PP-0073 FAU_GEN.1/CON).

Decides nothing but how it is read: one consumer's entries, never another's. Who may ask for them is decided in
``smgw/logs/readers.py``, what stands in them in ``event_table.py``.
"""

from typing import Final

from smgw.store import log_chain
from smgw.store.database import Database
from smgw.store.events import Log
from smgw.store.log_entry import Entry

PAGE: Final = 1000
"""Entries that are read at once; certified gateways show 1000 or 1500 in one answer (CONEXA, PPC)."""


class ConsumerLog:
    """The consumer log (Letztverbraucher-Log) of one consumer."""

    def __init__(self, database: Database, consumer: str) -> None:
        """A view on what is ``consumer``'s."""
        if not consumer:
            raise ValueError("a consumer log is somebody's")
        self._database = database
        self._chain = (Log.CONSUMER, consumer)

    def entries(self, *, after: int = 0, limit: int = PAGE) -> list[Entry]:
        """Her entries with a record number above ``after``, oldest first. Raises StoreError."""
        with self._database.read() as connection:
            return list(log_chain.read(connection, self._chain, after=after, limit=limit))
