"""The order book: what gateways are to do, in which order, and what became of it.

Decides when an order gets its sequence number (when it is first signed, at the tunnel: numbers rise in the order in
which the gateway sees them), that only the oldest open order of a gateway is signed, and that the very bytes that were
signed are sent again after a broken tunnel, expired or not: what the gateway answered once it answers again, so that
nothing is done twice. Only what it never saw, or says that it saw too late, is signed anew under a new number. Lists
that the server brings by itself count as older than whatever has no number yet. Every change and its entry in the audit
log are one transaction.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from admin.audit import Action, Audit
from admin.database import from_seconds, from_seconds_or_none, reading, to_seconds, writing
from admin.errors import OrderBookError, OrderReason
from admin.installed import Holding, holding, keep
from admin.inventory import Inventory, require_reachable
from admin.life_cycle import OPEN, ORDER_TRANSITIONS, OrderState, refusal
from admin.schema import gateways, orders
from wire.orders import Command, InstallRevocationLists, Order, Reply, ReplyOutcome
from wire.reading import DeviceId

__all__ = ["OrderBook", "OrderRecord", "OrderState"]

VALIDITY = timedelta(hours=1)
"""How long a signed order may be carried out: longer than any tunnel needs, far below the 24 hours that are allowed."""
CLOCK_ALLOWANCE = timedelta(seconds=60)
"""An order is valid from a minute ago: the gateway's clock may be behind ours (27 s by law, before it is set)."""
REMAINDER = timedelta(seconds=60)
"""An order that expires sooner than this, and was never sent, is signed anew before it is."""
TOO_LATE = "expired"
"""The gateway's reason for refusing an order whose validity is over (smgw/administration/order_gate.py)."""
MAXIMUM_REASON = 500
MAXIMUM_LEAP = 10**12
"""How far the number of a gateway's next order may follow what the gateway says. A gateway itself takes leaps of a
million (smgw/administration/order_gate.py); a million of these, and still too few to use the numbers up with lies."""
_SERVER = "smgw-admin serve"


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One order. ``reason`` says why it failed; ``document`` are the signed bytes, once there are some."""

    number: int
    gateway: DeviceId
    kind: str
    state: OrderState
    by: str
    queued_at: datetime
    woken_at: datetime | None
    delivered_at: datetime | None
    finished_at: datetime | None
    sequence: int | None
    valid_until: datetime | None
    document: bytes | None
    reply: Reply | None
    reason: str
    content: bytes

    @property
    def command(self) -> Command:
        """What the gateway is to do."""
        return Order.from_bytes(self.content).command


class OrderBook:
    """The orders in the database."""

    def __init__(self, engine: sa.Engine, audit: Audit, inventory: Inventory) -> None:
        """A view on the database; changes are told to ``audit``."""
        self._engine = engine
        self._audit = audit
        self._inventory = inventory

    def queue(self, gateway: DeviceId, command: Command, by: str, at: datetime) -> int:
        """Enter an order; gives its number. Raises InventoryError: UNKNOWN, STATE."""
        with writing(self._engine) as connection:
            return self.queue_within(connection, gateway, command, by, at)

    def queue_within(
        self, connection: sa.Connection, gateway: DeviceId, command: Command, by: str, at: datetime
    ) -> int:
        """As :meth:`queue`, in a transaction that looked at something before."""
        require_reachable(self._inventory.within(connection, gateway))
        second = at.replace(microsecond=0)
        # Sequence and validity stand for nothing here: they are given when the order is signed.
        unsigned = Order(gateway=gateway, sequence=1, valid_from=second, valid_until=second + VALIDITY, command=command)
        row = {
            "gateway": gateway.text,
            "kind": command.KIND,
            "content": unsigned.to_bytes(),
            "state": OrderState.QUEUED.value,
            "by": by,
            "queued_at": to_seconds(at),
        }
        key = connection.execute(orders.insert(), row).inserted_primary_key
        assert key is not None  # noqa: S101 - an insert of one row has one
        number = int(key[0])
        self._audit.enter(connection, Action.ORDER_QUEUED, gateway.text, by, at, order=number, kind=command.KIND)
        return number

    def get(self, number: int) -> OrderRecord:
        """One order. Raises OrderBookError(UNKNOWN)."""
        with reading(self._engine) as connection:
            return _get(connection, number)

    def open(self, gateway: DeviceId) -> list[OrderRecord]:
        """What ``gateway`` is still to do, oldest first."""
        with reading(self._engine) as connection:
            return _open(connection, gateway)

    def all(
        self, gateway: DeviceId | None = None, state: OrderState | None = None, *, limit: int = 1000
    ) -> list[OrderRecord]:
        """The latest orders (of one gateway, in one state), oldest first."""
        query = sa.select(orders).order_by(orders.c.number.desc()).limit(limit)
        if gateway is not None:
            query = query.where(orders.c.gateway == gateway.text)
        if state is not None:
            query = query.where(orders.c.state == state.value)
        with reading(self._engine) as connection:
            return [_record(row) for row in connection.execute(query)][::-1]

    def counts(self) -> dict[DeviceId, int]:
        """How many orders every gateway that has any is still to do: one question for a whole inventory."""
        query = (
            sa.select(orders.c.gateway, sa.func.count())
            .where(orders.c.finished_at.is_(None))
            .group_by(orders.c.gateway)
        )
        with reading(self._engine) as connection:
            return {DeviceId(row[0]): row[1] for row in connection.execute(query)}

    def latest(self, gateway: DeviceId, kind: str, limit: int) -> list[OrderRecord]:
        """The latest orders of one kind, newest first."""
        query = sa.select(orders).where(orders.c.gateway == gateway.text, orders.c.kind == kind)
        with reading(self._engine) as connection:
            return [_record(row) for row in connection.execute(query.order_by(orders.c.number.desc()).limit(limit))]

    def states(self, numbers: Iterable[int]) -> dict[int, OrderState]:
        """Where several orders stand, in one question."""
        query = sa.select(orders.c.number, orders.c.state).where(orders.c.number.in_(list(numbers)))
        with reading(self._engine) as connection:
            return {row.number: OrderState(row.state) for row in connection.execute(query)}

    def holding(self, gateway: DeviceId) -> Holding:
        """The profiles that ``gateway`` holds by our confirmed orders."""
        with reading(self._engine) as connection:
            return holding(connection, gateway)

    def expected(self, gateway: DeviceId) -> Holding:
        """The profiles that ``gateway`` will hold once every open order is done."""
        with reading(self._engine) as connection:
            return self.expected_within(connection, gateway)

    def expected_within(self, connection: sa.Connection, gateway: DeviceId) -> Holding:
        """As :meth:`expected`, in a transaction."""
        commands = [record.command for record in _open(connection, gateway)]
        return holding(connection, gateway).after_all(commands)

    def sign_next(self, number: int, sign: Callable[[Order], bytes], at: datetime) -> bytes:
        """The signed document of order ``number``, to be sent now.

        1. The order is open, and the oldest open one of its gateway.
        2. Its gateway may still be given orders.
        3. What may have reached the gateway is sent again, to the byte, and so is what is valid for a while yet.
        4. Else it gets the next sequence number of its gateway, and a new validity, and is signed.

        Raises OrderBookError: UNKNOWN, TRANSITION, NOT_NEXT; InventoryError(STATE); what ``sign`` raises.
        """
        with writing(self._engine) as connection:
            # 1
            record = _get(connection, number)
            _require(record, OrderState.DELIVERED)
            oldest = _open(connection, record.gateway)[0].number
            if oldest != number:
                raise OrderBookError(OrderReason.NOT_NEXT, f"order {oldest} of {record.gateway} comes before {number}")
            # 2
            gateway = require_reachable(self._inventory.within(connection, record.gateway))
            # 3
            if record.document is not None and record.valid_until is not None:
                may_be_known = record.state is OrderState.DELIVERED
                if may_be_known or at + REMAINDER < record.valid_until:
                    return record.document
            # 4. The transaction holds the only write lock: no other process reads this number before it was raised.
            second = at.replace(microsecond=0)
            order = Order(
                gateway=record.gateway,
                sequence=gateway.next_sequence,
                valid_from=second - CLOCK_ALLOWANCE,
                valid_until=second + VALIDITY,
                command=record.command,
            )
            document = sign(order)
            connection.execute(
                gateways.update()
                .where(gateways.c.gateway == record.gateway.text)
                .values(next_sequence=order.sequence + 1)
            )
            _update(
                connection,
                number,
                sequence=order.sequence,
                valid_until=to_seconds(order.valid_until),
                document=document,
            )
            self._audit.enter(
                connection, Action.ORDER_SIGNED, record.gateway.text, _SERVER, at, order=number, sequence=order.sequence
            )
            return document

    def catch_up(self, gateway: DeviceId, taken: int, at: datetime) -> None:
        """``gateway`` says that it took the order with the number ``taken``: the next one it gets has a higher one.

        A database that was restored from a copy would else number its orders as it did before, and the gateway would
        refuse each of them. A leap of more than MAXIMUM_LEAP is not followed. Raises InventoryError(UNKNOWN).
        """
        with writing(self._engine) as connection:
            record = self._inventory.within(connection, gateway)
            if not 0 <= taken - record.next_sequence < MAXIMUM_LEAP:
                return
            connection.execute(
                gateways.update().where(gateways.c.gateway == gateway.text).values(next_sequence=taken + 1)
            )
            # What was signed under a number that the gateway took already, and never sent, is signed anew.
            connection.execute(
                orders.update()
                .where(
                    orders.c.gateway == gateway.text,
                    orders.c.state.in_((OrderState.QUEUED.value, OrderState.WOKEN.value)),
                    orders.c.sequence <= taken,
                )
                .values(sequence=None, valid_until=None, document=None)
            )
            self._audit.enter(
                connection, Action.ORDER_NUMBERS, gateway.text, _SERVER, at, before=record.next_sequence, taken=taken
            )

    def woken(self, gateway: DeviceId, at: datetime) -> None:
        """Every order that waits for a tunnel of ``gateway`` was followed by a wake-up."""
        waiting = (OrderState.QUEUED.value, OrderState.WOKEN.value)
        with writing(self._engine) as connection:
            connection.execute(
                orders.update()
                .where(orders.c.gateway == gateway.text, orders.c.state.in_(waiting))
                .values(state=OrderState.WOKEN.value, woken_at=to_seconds(at))
            )

    def delivered(self, number: int, at: datetime) -> None:
        """The signed order was sent. Raises OrderBookError: UNKNOWN, TRANSITION."""
        with writing(self._engine) as connection:
            _require(_get(connection, number), OrderState.DELIVERED)
            _update(connection, number, state=OrderState.DELIVERED.value, delivered_at=to_seconds(at))

    def confirmed(self, number: int, reply: Reply, at: datetime) -> None:
        """The gateway replied: the order is confirmed where it was done, else it failed.

        Where it came too late by our clock too, it was not done, and is queued to be signed anew.

        Raises OrderBookError: UNKNOWN, TRANSITION, REPLY where the reply is to another order.
        """
        done = reply.outcome is ReplyOutcome.DONE
        with writing(self._engine) as connection:
            record = _get(connection, number)
            _require(record, OrderState.CONFIRMED if done else OrderState.FAILED)
            # A gateway that could not read the order at all names no sequence in its refusal.
            if reply.sequence != record.sequence and (done or reply.sequence != 0):
                raise OrderBookError(
                    OrderReason.REPLY, f"a reply to sequence {reply.sequence}, not to {record.sequence}"
                )
            if reply.reason == TOO_LATE and record.valid_until is not None and at >= record.valid_until:
                self._queue_again(connection, record, at)
                return
            _update(connection, number, reply=reply.to_bytes())
            if done:
                keep(connection, record.gateway, record.command, number)
                self._finish(connection, record, OrderState.CONFIRMED, "", _SERVER, at)
            else:
                self._finish(connection, record, OrderState.FAILED, f"{reply.reason}: {reply.sentence}", _SERVER, at)

    def failed(self, number: int, reason: str, at: datetime, by: str = _SERVER) -> None:
        """The order will not be done. Raises OrderBookError: UNKNOWN, TRANSITION."""
        with writing(self._engine) as connection:
            record = _get(connection, number)
            _require(record, OrderState.FAILED)
            self._finish(connection, record, OrderState.FAILED, reason, by, at)

    def cancel(self, number: int, by: str, at: datetime) -> None:
        """Take back an order that no gateway has seen. Raises OrderBookError: UNKNOWN, TRANSITION, STATE."""
        with writing(self._engine) as connection:
            record = _get(connection, number)
            _require(record, OrderState.FAILED)
            if record.state is OrderState.DELIVERED:
                raise OrderBookError(
                    OrderReason.STATE,
                    f"order {number} was delivered: the gateway may have done it; wake it again for its reply",
                )
            self._finish(connection, record, OrderState.FAILED, f"cancelled by {by}", by, at)

    def _queue_again(self, connection: sa.Connection, record: OrderRecord, at: datetime) -> None:
        _require(record, OrderState.QUEUED)
        _update(
            connection, record.number, state=OrderState.QUEUED.value, sequence=None, valid_until=None, document=None
        )
        self._audit.enter(
            connection, Action.ORDER_EXPIRED, record.gateway.text, _SERVER, at, order=record.number,
            sequence=record.sequence or 0,
        )  # fmt: skip

    def _finish(  # noqa: PLR0917 - four callers, here
        self, connection: sa.Connection, record: OrderRecord, state: OrderState, reason: str, by: str, at: datetime
    ) -> None:
        shown = reason[:MAXIMUM_REASON]
        _update(connection, record.number, state=state.value, reason=shown, finished_at=to_seconds(at))
        action = Action.ORDER_CONFIRMED if state is OrderState.CONFIRMED else Action.ORDER_FAILED
        told = {"reason": shown} if shown else {}
        self._audit.enter(connection, action, record.gateway.text, by, at, order=record.number, **told)


def _require(record: OrderRecord, wanted: OrderState) -> None:
    why = refusal(f"order {record.number}", record.state, wanted, ORDER_TRANSITIONS)
    if why is not None:
        raise OrderBookError(OrderReason.TRANSITION, why)


def _get(connection: sa.Connection, number: int) -> OrderRecord:
    row = connection.execute(sa.select(orders).where(orders.c.number == number)).first()
    if row is None:
        raise OrderBookError(OrderReason.UNKNOWN, f"there is no order {number}: smgw-admin orders list")
    return _record(row)


def _open(connection: sa.Connection, gateway: DeviceId) -> list[OrderRecord]:
    """What is still to be done, the next one first."""
    # What has its number already, since numbers only rise; lists that the server brings by itself; then the oldest.
    brought = (orders.c.kind == InstallRevocationLists.KIND) & (orders.c.by == _SERVER)
    query = (
        sa.select(orders)
        .where(
            orders.c.gateway == gateway.text,
            orders.c.finished_at.is_(None),
            orders.c.state.in_([state.value for state in OPEN]),
        )
        .order_by(orders.c.sequence.is_(None), orders.c.sequence, sa.not_(brought), orders.c.number)
    )
    return [_record(row) for row in connection.execute(query)]


def _update(connection: sa.Connection, number: int, **values: object) -> None:
    connection.execute(orders.update().where(orders.c.number == number).values(**values))


def _record(row: sa.Row[tuple[object, ...]]) -> OrderRecord:
    return OrderRecord(
        number=row.number,
        gateway=DeviceId(row.gateway),
        kind=row.kind,
        state=OrderState(row.state),
        by=row.by,
        queued_at=from_seconds(row.queued_at),
        woken_at=from_seconds_or_none(row.woken_at),
        delivered_at=from_seconds_or_none(row.delivered_at),
        finished_at=from_seconds_or_none(row.finished_at),
        sequence=row.sequence,
        valid_until=from_seconds_or_none(row.valid_until),
        document=row.document,
        reply=None if row.reply is None else Reply.from_bytes(row.reply),
        reason=row.reason,
        content=row.content,
    )
