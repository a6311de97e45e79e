"""``smgw-admin orders``: what gateways are to do, and what became of it."""

import click

from admin.commands.done import carry_out, order_row, timeout_option
from admin.life_cycle import OrderState
from admin.session import GatewayType, Session, administers
from wire.orders import BreakUp
from wire.reading import DeviceId

_COLUMNS = ("order", "gateway", "kind", "state", "by", "queued_at", "finished_at", "sequence", "reason")


@click.group(epilog="Example: smgw-admin orders list --state failed")
def orders() -> None:
    """Show orders, carry out what waits, take back what nobody has seen."""


@orders.command("list", epilog="Example: smgw-admin orders list --gateway EABC0012345678 --state failed")
@click.option("--gateway", type=GatewayType(), help="Only of this gateway.")
@click.option("--state", type=click.Choice([str(state) for state in OrderState]), help="Only in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many.")
@administers
def list_(session: Session, *, gateway: DeviceId | None, state: str | None, limit: int) -> None:
    """List the latest orders, oldest first."""
    with session.office() as office:
        chosen = None if state is None else OrderState(state)
        rows = [order_row(record) for record in office.orders.all(gateway, chosen, limit=limit)]
    session.rows(_COLUMNS, rows, "no such orders")


@orders.command(epilog="Example: smgw-admin orders show 17")
@click.argument("number", type=int)
@administers
def show(session: Session, *, number: int) -> None:
    """Show one order and its reply."""
    with session.office() as office:
        record = office.orders.get(number)
    row = order_row(record) | {
        "woken_at": record.woken_at,
        "delivered_at": record.delivered_at,
        "valid_until": record.valid_until,
    }
    session.one(row)


@orders.command(epilog="Example: smgw-admin orders run EABC0012345678")
@click.argument("gateway", type=GatewayType())
@click.option("--break-up", is_flag=True, help="End its tunnel behind them.")
@timeout_option
@administers
def run(session: Session, *, gateway: DeviceId, break_up: bool, timeout: int | None) -> None:
    """Wake GATEWAY and wait until its open orders are done."""
    with session.office() as office:
        waiting = office.orders.open(gateway)
        if break_up and not (waiting and waiting[-1].kind == BreakUp.KIND):
            office.orders.queue(gateway, BreakUp(), session.operator, session.now)
            waiting = office.orders.open(gateway)
        if not waiting:
            office.inventory.get(gateway)
            session.one({"gateway": gateway.text, "open": 0}, f"no order waits for {gateway}")
        for record in waiting:
            carry_out(session, office, record.number, no_wait=False, timeout=timeout)


@orders.command(epilog="Example: smgw-admin orders cancel 17")
@click.argument("number", type=int)
@administers
def cancel(session: Session, *, number: int) -> None:
    """Take back an order that was not delivered yet."""
    with session.office() as office:
        office.orders.cancel(number, session.operator, session.now)
        row = order_row(office.orders.get(number))
    session.one(row, f"order {number} is cancelled")
