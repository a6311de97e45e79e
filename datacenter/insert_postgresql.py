"""PostgreSQL: claim a delivery's number and insert its rows in one statement, one round trip.

Decides nothing: it is one statement, built once from the tables, and the packing of its parameters. Rows travel as one
text array per column and one string of signatures, cheaper for both ends than a parameter per value, so the statement
is the same for one reading and for a thousand and is planned once. It inserts rows only where the number was free;
whoever calls it looks at the two counts. All numbers come out of ``int``, so no text of a sender gets into an array.
"""

from collections.abc import Iterable
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


def _statement() -> sa.Select[Any]:
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
    return sa.select(
        sa.select(sa.func.count()).select_from(claim).scalar_subquery(),
        sa.select(sa.func.count()).select_from(rows).scalar_subquery(),
    )


STATEMENT = _statement()
"""Binds ``gateway_no``, ``delivery_<column>``, ``rows_<column>`` (:func:`array`) and ``signatures`` (all of them, one
after the other); returns how many deliveries and how many rows were inserted."""
