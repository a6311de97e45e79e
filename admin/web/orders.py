"""Pages of orders: all of them, and one with how it goes on."""

from flask import Response, request
from werkzeug.exceptions import NotFound

from admin.errors import OrderBookError, OrderReason
from admin.life_cycle import OPEN, REACHABLE, OrderState
from admin.orders import OrderRecord
from admin.web.desk import Desk

LIMIT = 200


def orders(desk: Desk) -> Response:
    """The latest orders, of one gateway or in one state where that was asked for."""
    state, gateway = request.args.get("state", ""), request.args.get("gateway", "")
    chosen = OrderState(state) if state in set(OrderState) else None
    of = desk.gateway(gateway) if gateway else None
    found = desk.office.orders.all(of, chosen, limit=LIMIT)[::-1]
    return desk.page("orders.html", orders=found, states=list(OrderState), chosen=chosen, gateway=of)


def order(desk: Desk, *, number: int) -> Response:
    """One order."""
    return _order(desk, number, "order.html")


def order_progress(desk: Desk, *, number: int) -> Response:
    """The part of an order's page that changes while somebody looks."""
    return _order(desk, number, "_order_progress.html")


def _order(desk: Desk, number: int, template: str) -> Response:
    found = _found(desk, number)
    errand = desk.console.errands.of(found.gateway)
    return desk.page(
        template,
        order=found,
        command=found.command,
        known=list(desk.office.orders.expected(found.gateway).profiles.values()),
        open=found.state in OPEN,
        errand=errand,
        running=found.state in OPEN,
        reachable=desk.office.inventory.get(found.gateway).state in REACHABLE,
        serving=desk.office.tunnels.running(desk.now),
    )


def wake_for(desk: Desk, *, number: int) -> Response:
    """Wake the gateway of an order again."""
    return desk.carry_out(_found(desk, number).number)


def cancel(desk: Desk, *, number: int) -> Response:
    """Take an order back that no gateway has seen."""
    desk.office.orders.cancel(_found(desk, number).number, desk.by, desk.now)
    return desk.go("order", number=number)


def _found(desk: Desk, number: int) -> OrderRecord:
    try:
        return desk.office.orders.get(number)
    except OrderBookError as error:
        if error.reason is OrderReason.UNKNOWN:
            raise NotFound from error
        raise
