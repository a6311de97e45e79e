"""Which orders of the administrator were taken, and what each was answered.

Decides that a number is taken once and for good: numbers rise, the highest stays when old rows go (``ages.py``), and an
answer is written once (triggers refuse anything else). An order is written down before it is carried out, so that power
lost in the middle leaves a trace; its answer follows when it is known. Whether an order is believed is decided in
``smgw/administration/order_gate.py``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.rows import from_seconds, to_seconds
from smgw.store.schema import orders


class OrderProgress(StrEnum):
    """How far an order has come."""

    ONCE = "being-done-once"
    """Taken, not answered; it may have been carried out, wholly or not at all, and is not begun again."""
    REPEATABLE = "being-done-repeatable"
    """Taken, not answered; carrying it out a second time does no harm."""
    DONE = "done"
    REFUSED = "refused"


ANSWERED = (OrderProgress.DONE, OrderProgress.REFUSED)


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """One row; ``reply`` are the bytes of the answer, None while there is none."""

    sequence: int
    digest: bytes
    received_at: datetime
    progress: OrderProgress
    reply: bytes | None


class OrderStore:
    """The orders in the database."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def last(self) -> int:
        """The highest number that was taken; 0 before the first. Raises StoreError."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.max(orders.c.sequence), 0))) or 0)

    def find(self, digest: bytes) -> StoredOrder | None:
        """The order that came in the very document with this digest. Raises StoreError."""
        query = sa.select(orders).where(orders.c.digest == digest).order_by(orders.c.sequence.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return StoredOrder(
            row.sequence, row.digest, from_seconds(row.received_at), OrderProgress(row.outcome), row.reply
        )

    def take(self, sequence: int, digest: bytes, *, repeatable: bool, at: datetime) -> None:
        """Write down that the order is about to be carried out.

        Raises StoreError(CONFLICT) where ``sequence`` is not higher than every number before it.
        """
        progress = OrderProgress.REPEATABLE if repeatable else OrderProgress.ONCE
        self._insert(sequence, digest, progress, None, at)

    def refuse(self, sequence: int, digest: bytes, reply: bytes, *, at: datetime) -> None:
        """Take the number of an order that is not carried out, with its answer. Raises StoreError as :meth:`take`."""
        self._insert(sequence, digest, OrderProgress.REFUSED, reply, at)

    def answer(self, sequence: int, progress: OrderProgress, reply: bytes) -> None:
        """Write the answer of an order that was taken; ``progress`` is DONE or REFUSED.

        Raises StoreError(CONFLICT) where it was never taken or is answered already.
        """
        if progress not in ANSWERED:
            raise RuntimeError("an answer says what became of the order")
        with self._database.write() as connection:
            changed = connection.execute(
                orders.update()
                .where(orders.c.sequence == sequence, orders.c.reply.is_(None))
                .values(outcome=progress.value, reply=reply)
            ).rowcount
            if changed != 1:
                raise StoreError(StoreReason.CONFLICT, f"order {sequence} waits for no answer")

    def _insert(self, sequence: int, digest: bytes, progress: OrderProgress, reply: bytes | None, at: datetime) -> None:
        with self._database.write() as connection:
            highest = connection.scalar(sa.select(sa.func.max(orders.c.sequence)))
            if highest is not None and sequence <= highest:
                raise StoreError(StoreReason.CONFLICT, f"order {sequence} comes after order {highest}")
            connection.execute(
                orders.insert(),
                {
                    "sequence": sequence,
                    "digest": digest,
                    "received_at": to_seconds(at),
                    "outcome": progress.value,
                    "reply": reply,
                },
            )
