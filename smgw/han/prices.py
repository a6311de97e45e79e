"""Her own prices: what she typed in, kept for her alone (table ``han_prices``).

Decides what a price may be, and that it is hers: nobody else reads it, no delivery and no report holds it, and it is
erased with her contract (``smgw/store/erasure.py``, FDP_RIP.2).
"""

import json
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from smgw.han.contracts import stages_of
from smgw.han.hers import HerContract, not_found
from smgw.han.parts import EARLIEST, LATEST
from smgw.han.port import HanError, HanReason
from smgw.han.shown import Prices
from smgw.store.schema import han_prices

ALL: Final = 0
"""Stage number of a price for everything that has none of its own."""
HIGHEST_BASE: Final = 10_000_000
"""A thousand euro a month, in hundredths of a cent."""
HIGHEST: Final = 1_000_000
"""A hundred euro a kilowatt-hour."""
LOWEST: Final = -HIGHEST
"""Prices below zero are paid too."""
MAXIMUM_CHANGES: Final = 200
"""Of one contract: a price a month for sixteen years."""


def every(connection: sa.Connection, consumer: str) -> list[Prices]:
    """All that ``consumer`` entered, by contract and begin."""
    query = sa.select(han_prices).where(han_prices.c.consumer == consumer)
    found = connection.execute(query.order_by(han_prices.c.contract, han_prices.c.since))
    return [
        Prices(row.contract, row.since, row.base_per_month, tuple((int(a), int(b)) for a, b in json.loads(row.stages)))
        for row in found
    ]


def put(connection: sa.Connection, consumer: str, contract: HerContract, prices: Prices) -> None:
    """Keep ``prices`` in place of those of the same begin. Raises HanError BAD_QUESTION."""
    known = {ALL, *(stage.number for stage in stages_of(contract.profile.rule))}
    _require(EARLIEST <= prices.since <= LATEST, "prices begin at a time that is known")
    _require(0 <= prices.base_per_month <= HIGHEST_BASE, "a base price is between 0 and 1000 euro a month")
    stages = [number for number, _ in prices.per_kilowatt_hour]
    _require(len(stages) == len(set(stages)), "a stage has one price")
    _require(set(stages) <= known, "prices are those of the stages of the contract")
    amounts = [price for _, price in prices.per_kilowatt_hour]
    _require(all(LOWEST <= price <= HIGHEST for price in amounts), "a price is at most 100 euro a kilowatt-hour")
    others = [one for one in every(connection, consumer) if one.contract == prices.contract]
    changes = {one.since for one in others} | {prices.since}
    _require(len(changes) <= MAXIMUM_CHANGES, f"at most {MAXIMUM_CHANGES} changes of price are kept for a contract")
    key = {"consumer": consumer, "contract": prices.contract, "since": prices.since}
    values = {"base_per_month": prices.base_per_month, "stages": _text(prices.per_kilowatt_hour)}
    statement = insert(han_prices).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def remove(connection: sa.Connection, consumer: str, contract: str, since: int) -> None:
    """Take back what was entered. Raises HanError NOT_FOUND."""
    key = {"consumer": consumer, "contract": contract, "since": since}
    gone = connection.execute(han_prices.delete().filter_by(**key))
    if not gone.rowcount:
        raise not_found()


def _require(good: bool, sentence: str) -> None:
    if not good:
        raise HanError(HanReason.BAD_QUESTION, sentence)


def _text(stages: Iterable[tuple[int, int]]) -> str:
    return json.dumps(sorted([number, price] for number, price in stages))
