"""The checkpoints of the logs as they lie in the store (``proof/checkpoint.py`` says what they are).

Decides how many are kept, and nothing about their truth: what lies here is verified by whoever reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from smgw.store.log_tables import log_checkpoints

KEPT: Final = 500
"""Checkpoints; a third of a year, and some 1 MB. The newest covers all entries; older ones tell when what stood."""


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """One row; ``states`` is the JSON text of where each log began and ended, empty in all but the newest."""

    number: int
    content: bytes
    states: str
    certificate: bytes
    signature: bytes


def newest(connection: sa.Connection) -> StoredCheckpoint | None:
    """The last one, if there is any."""
    query = sa.select(log_checkpoints).order_by(log_checkpoints.c.number.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else StoredCheckpoint(*row)


def every(connection: sa.Connection) -> Iterator[StoredCheckpoint]:
    """All that are kept, oldest first."""
    for row in connection.execute(sa.select(log_checkpoints).order_by(log_checkpoints.c.number)):
        yield StoredCheckpoint(*row)


def put(connection: sa.Connection, checkpoint: StoredCheckpoint) -> None:
    """Keep one more; the oldest go. Raises StoreError(CONFLICT) where another took its number."""
    connection.execute(
        log_checkpoints.insert(),
        {
            "number": checkpoint.number,
            "content": checkpoint.content,
            "states": checkpoint.states,
            "certificate": checkpoint.certificate,
            "signature": checkpoint.signature,
        },
    )
    # Of older ones the signature counts, not which logs there were, and above all not whose (FDP_RIP.2).
    connection.execute(
        log_checkpoints.update()
        .where(log_checkpoints.c.number < checkpoint.number, log_checkpoints.c.states != "")
        .values(states="")
    )
    connection.execute(log_checkpoints.delete().where(log_checkpoints.c.number <= checkpoint.number - KEPT))
