"""What the store keeps of wrong attempts, so that a restart frees nobody (PP-0073 FIA_AFL.1).

Decides the form, and that nothing stays longer than it counts. Times are the wall clock's, because no other outlives a
restart; what a clock that was set makes of them is decided where they are read (``smgw/han/lock_out.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from smgw.store.rows import to_seconds
from smgw.store.schema import han_lock_outs

NOBODY: Final = ""
"""Stands for all names that do not exist: an attempt under one of them costs what any other costs."""


@dataclass(frozen=True, slots=True)
class LockOutRecord:
    """Wrong attempts at one version of an account."""

    version: int
    attempts: int
    last_at: int
    """Seconds since 1970."""


def load(connection: sa.Connection) -> Mapping[str, LockOutRecord]:
    """What an earlier run left, by account. Raises StoreError."""
    rows = connection.execute(sa.select(han_lock_outs).where(han_lock_outs.c.account != NOBODY))
    return {row.account: LockOutRecord(row.version, row.attempts, row.last_at) for row in rows}


def keep(
    connection: sa.Connection, account: str, version: int, attempts: int, at: datetime, *, forgotten_seconds: int
) -> None:
    """Keep that ``account`` has had so many wrong attempts, the last one at ``at``; what is forgotten goes.

    Raises StoreError.
    """
    second = to_seconds(at)
    values = {"version": version, "attempts": attempts, "last_at": second}
    connection.execute(han_lock_outs.delete().where(han_lock_outs.c.last_at < second - forgotten_seconds))
    connection.execute(
        insert(han_lock_outs)
        .values(account=account, **values)
        .on_conflict_do_update(index_elements=["account"], set_=values)
    )


def forget(connection: sa.Connection, account: str) -> None:
    """Forget the wrong attempts at ``account``. Raises StoreError."""
    connection.execute(han_lock_outs.delete().where(han_lock_outs.c.account == account))
