"""Small numbers for long names: the dimension tables, remembered in memory.

Decides only how a name gets its number. Numbers are committed in a transaction of their own before anything refers to
them, so a remembered number is always a stored one, whatever becomes of the delivery that needed it.
"""

import threading
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from datacenter import schema
from datacenter.database import reading, writing

REMEMBERED = 1_000_000
"""Names per table kept in memory (about 100 bytes each); beyond it everything is forgotten and read again."""

Key = tuple[str | int, ...]


class Numbers:
    """The number of each name in one dimension table; thread-safe."""

    def __init__(self, engine: sa.Engine, table: sa.Table) -> None:
        """Remember nothing yet."""
        self._engine = engine
        self._number, *self._names = table.c
        self._table = table
        self._known: dict[Key, int] = {}
        self._lock = threading.Lock()

    def of(self, *key: str | int) -> int:
        """The number of ``key``, given to it now if it has none. Raises StorageError."""
        number = self._known.get(key)
        if number is not None:
            return number
        with self._lock:
            number = self._read(key)
            if number is None:
                self._insert(key)
                number = self._read(key)
            if number is None:
                raise RuntimeError(f"{self._table.name}: a number was given and is not there")
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = number
            return number

    def find(self, *key: str | int) -> int | None:
        """The number of ``key`` if it has one. Raises StorageError."""
        number = self._known.get(key)
        return self._read(key) if number is None else number

    def _read(self, key: Key) -> int | None:
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(self._number).where(*self._conditions(key))).scalar()
        return None if found is None else int(found)

    def _insert(self, key: Key) -> None:
        values = {column.name: part for column, part in zip(self._names, key, strict=True)}
        insert: Any = (postgresql if self._engine.dialect.name == "postgresql" else sqlite).insert(self._table)
        with writing(self._engine) as connection:
            connection.execute(insert.values(values).on_conflict_do_nothing())

    def _conditions(self, key: Key) -> list[sa.ColumnElement[bool]]:
        return [column == part for column, part in zip(self._names, key, strict=True)]


class Dimensions:
    """All dimension tables of one database."""

    def __init__(self, engine: sa.Engine) -> None:
        """One memory per table."""
        self.gateways = Numbers(engine, schema.gateway)
        self.devices = Numbers(engine, schema.device)
        self.codes = Numbers(engine, schema.obis)
        self.profiles = Numbers(engine, schema.profile)
