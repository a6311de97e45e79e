"""Who was refused and why: kept in the database, counted, bounded.

Decides what remains of a refusal: gateway as far as it was proven, the enum reason, a fixed word of detail, first and
last time, how often. No content and no value of a refused delivery is kept.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from datacenter import schema
from datacenter.database import reading, writing
from datacenter.errors import RefusedError, StorageError

MAXIMUM_ROWS = 10_000
"""Different refusals kept; beyond it those that last happened longest ago go first."""
_PRUNE_EVERY = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """One kind of refusal of one gateway; times in epoch seconds."""

    gateway: str
    reason: str
    detail: str
    first_at: int
    last_at: int
    times: int


class Refusals:
    """The table of refusals."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use a table that exists."""
        self._engine = engine
        self._recorded = 0
        insert: Any = (postgresql if engine.dialect.name == "postgresql" else sqlite).insert(schema.refusal)
        self._upsert = insert.on_conflict_do_update(
            index_elements=list(schema.refusal.primary_key.columns),
            set_={"times": schema.refusal.c.times + 1, "last_at": insert.excluded.last_at},
        )

    def record(self, refused: RefusedError, at: datetime) -> None:
        """Log and count; a database that is down does not make the refusal any less final."""
        _log.warning("refused %s: %s", refused.gateway or "(unknown)", refused)
        second = int(at.timestamp())
        row = {
            "gateway": refused.gateway,
            "reason": refused.reason.value,
            "detail": refused.detail,
            "first_at": second,
            "last_at": second,
            "times": 1,
        }
        try:
            with writing(self._engine) as connection:
                connection.execute(self._upsert, row)
                self._recorded += 1
                if self._recorded % _PRUNE_EVERY == 0:
                    self._prune(connection)
        except StorageError:
            _log.exception("a refusal could not be stored")

    def all(self) -> list[RefusalCount]:
        """Every kind of refusal, the latest first. Raises StorageError."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(schema.refusal).order_by(schema.refusal.c.last_at.desc()))
            return [RefusalCount(**row._mapping) for row in rows]  # noqa: SLF001 - the documented name in SQLAlchemy

    @staticmethod
    def _prune(connection: sa.Connection) -> None:
        table = schema.refusal
        oldest = sa.select(table.c.last_at).order_by(table.c.last_at.desc()).offset(MAXIMUM_ROWS).limit(1)
        connection.execute(sa.delete(table).where(table.c.last_at <= oldest.scalar_subquery()))
