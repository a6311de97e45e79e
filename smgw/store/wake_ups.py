"""Which wake-ups were believed already, so that none is believed twice (FPT_RPL.1), whatever happens in between.

Decides for how long a wake-up is remembered: not by a clock, because a clock can be set back. The newest
``CAPACITY`` ones are kept, and what is as old as the oldest of them or older counts as seen: it may be one of those
that were forgotten. Only wake-ups whose signature held come in here; garbage neither fills the memory nor pushes
anything out of it. What is remembered is on the disk before anybody is woken, and a restart begins with it.
"""

from datetime import datetime

import sqlalchemy as sa

from smgw.store.database import Database
from smgw.store.rows import to_seconds
from smgw.store.schema import wake_ups

CAPACITY = 1024
"""Wake-ups kept. An administrator who repeats his call every second has to do so for 17 minutes to fill it, while a
wake-up can be believed for one minute; in quiet times it reaches back for years. Some 50 kB."""


class WakeUpMemory:
    """The replay memory of one gateway; asked from memory, without the disk. Belongs to one thread at a time."""

    def __init__(self, database: Database, *, capacity: int = CAPACITY) -> None:
        """Begin with what ``database`` remembers. Raises StoreError."""
        self._database = database
        self._capacity = capacity
        with database.read() as connection:
            rows = connection.execute(sa.select(wake_ups.c.nonce, wake_ups.c.issued_at))
            self._keep({row.nonce: row.issued_at for row in rows})

    def seen(self, nonce: bytes, issued_at: datetime) -> bool:
        """Whether this wake-up was believed before, or is so old that nobody knows."""
        return nonce in self._known or (self._oldest is not None and to_seconds(issued_at) <= self._oldest)

    def remember(self, nonce: bytes, issued_at: datetime) -> None:
        """Keep a wake-up whose signature held; it is on the disk when this returns.

        Raises:
            StoreError: nothing was kept, and the caller wakes nobody. CONFLICT where it is kept already.
        """
        with self._database.write() as connection:
            connection.execute(wake_ups.insert(), {"nonce": nonce, "issued_at": to_seconds(issued_at)})
            newest = (
                sa.select(wake_ups.c.nonce)
                .order_by(wake_ups.c.issued_at.desc(), wake_ups.c.nonce)
                .limit(self._capacity)
            )
            connection.execute(wake_ups.delete().where(wake_ups.c.nonce.not_in(newest)))
            rows = connection.execute(sa.select(wake_ups.c.nonce, wake_ups.c.issued_at))
            known = {row.nonce: row.issued_at for row in rows}
        self._keep(known)

    def _keep(self, known: dict[bytes, int]) -> None:
        self._known = known
        self._oldest = min(known.values()) if len(known) >= self._capacity else None
