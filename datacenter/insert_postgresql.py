"""PostgreSQL: claim a delivery's number and insert its rows in one statement, one round trip.

Decides nothing: it is one statement, built once from the tables, and the packing of its parameters. Its strict form
fails as a whole unless the number was free and every row new, or the number was taken and it did nothing; so it needs
no transaction around it, and one round trip writes and commits. Rows travel as one text array per column and one string
of signatures, cheaper for both ends than a parameter per value, so the statement is the same for one reading and for a
thousand and is planned once. All numbers come out of ``int``, so no text of a sender gets into an array.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import ARRAY, BigInteger, Integer, LargeBinary, SmallInteger, Text, TypeEngine

from datacenter import schema
from wire.reading import INNER_SIGNATURE_SIZE

_ARRAYS: dict[str, type[TypeEngine[Any]]] = {
    "device_no": Integer,
    "obis_no": Integer,
    "captured_at": BigInteger,
    "value": BigInteger,
    "status": BigInteger,
    "scaler": SmallInteger,
    "unit": SmallInteger,
}
_ROW_COLUMNS = ("gateway_no", "profile_no", *_ARRAYS, "signature")


def array(numbers: Iterable[int]) -> str:
    """The text form of a PostgreSQL array of integers."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _statement(*, strict: bool) -> sa.Select[Any]:
    delivery = schema.delivery
    claim = (
        postgresql.insert(delivery)
        .values({column.name: sa.bindparam(f"delivery_{column.name}", type_=column.type) for column in delivery.c})
        .on_conflict_do_nothing()
        .returning(sa.literal_column("1").label("one"))
        .cte("claim")
    )
    incoming = (
        sa.func.unnest(
            *(sa.cast(sa.bindparam(f"rows_{name}", type_=Text), ARRAY(kind)) for name, kind in _ARRAYS.items())
        )
        .table_valued(*_ARRAYS, with_ordinality="position", name="incoming")
        .render_derived()
    )
    first_byte = (incoming.c.position - 1) * INNER_SIGNATURE_SIZE + 1
    source = sa.select(
        sa.bindparam("gateway_no", type_=Integer),
        sa.bindparam("delivery_profile_no", type_=Integer),
        *(incoming.c[name] for name in _ARRAYS),
        sa.func.substring(
            sa.bindparam("signatures", type_=LargeBinary), sa.cast(first_byte, Integer), INNER_SIGNATURE_SIZE
        ),
    ).where(sa.exists(sa.select(claim.c.one)))
    rows = (
        postgresql.insert(schema.reading)
        .from_select(_ROW_COLUMNS, source)
        .on_conflict_do_nothing()
        .returning(sa.literal_column("1").label("one"))
        .cte("rows")
    )
    claimed = sa.select(sa.func.count()).select_from(claim).scalar_subquery()
    inserted = sa.select(sa.func.count()).select_from(rows).scalar_subquery()
    if not strict:
        return sa.select(claimed, inserted)
    complete = sa.or_(claimed == 0, inserted == sa.bindparam("delivery_readings", type_=Integer))
    # Not 1/0 in a branch: the planner computes constants in advance, whichever branch is taken.
    return sa.select(claimed, inserted, sa.literal_column("1").op("/")(sa.case((complete, 1), else_=0)))


class Insert:
    """The statement, compiled once for a driver; run it with :meth:`on`."""

    def __init__(self, dialect: sa.Dialect, *, strict: bool) -> None:
        """``strict``: fail with a division by zero (sqlalchemy.exc.DataError) unless every row was new."""
        compiled = _statement(strict=strict).compile(dialect=dialect)
        self._text = compiled.string
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)

    def on(self, connection: sa.Connection, parameters: dict[str, Any]) -> tuple[int, int]:
        """How many deliveries (0 where its number was taken) and how many rows were inserted.

        ``parameters``: ``gateway_no``, ``delivery_<column>``, ``rows_<column>`` (:func:`array`) and ``signatures``, all
        of them one after the other.
        """
        # Past SQLAlchemy's compiler, which would spend a fifth of a millisecond on finding what it compiled before.
        named = self._constants | parameters
        given: Any = named if self._order is None else tuple(named[name] for name in self._order)
        claimed, inserted, *_ = connection.exec_driver_sql(self._text, given).one()
        return int(claimed), int(inserted)
