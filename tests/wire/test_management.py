"""Names between gateway and administrator: each stands for itself, and the bounds fit what they bound."""

from wire import management
from wire.http_server import HttpServer
from wire.orders import MAX_ORDER_BYTES


def test_no_two_resources_share_a_name() -> None:
    names = [
        value
        for value in vars(management).values()
        if isinstance(value, str) and value.startswith("/") and "." not in value
    ]
    assert len(set(names)) == len(names) == 8


def test_the_largest_order_fits_with_its_signature() -> None:
    bounds = management.LARGER_BODIES
    assert bounds["POST", management.ORDERS] > MAX_ORDER_BYTES
    assert set(bounds) == {("POST", management.ORDERS), ("PUT", management.FIRMWARE)}
    assert HttpServer(larger_bodies=bounds).idle
