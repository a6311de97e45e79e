"""The desk: who stands at it, and where it leads."""

import pytest
from werkzeug.exceptions import NotFound

from admin.web.desk import Desk
from tests.admin.bureau import GATEWAY
from tests.admin.web.desk import Place
from wire.orders import RunSelfTest

pytestmark = pytest.mark.token


def test_who_is_not_logged_in_is_nobody(place: Place) -> None:
    with pytest.raises(RuntimeError):
        _ = Desk(place.console, place.now, None, "").user


def test_an_order_is_made_in_the_name_of_who_is_logged_in(place: Place) -> None:
    sessions = place.console.sessions
    visit = sessions.find(sessions.open(place.office.users.get("otto"), place.now), place.now)
    desk = Desk(place.console, place.now, visit, "")
    with place.app.test_request_context("/"):
        found = desk.order(GATEWAY, RunSelfTest())
    assert (found.status_code, found.headers["Location"]) == (303, "/orders/1")
    assert (place.office.orders.get(1).by, desk.office) == ("otto", place.office)


@pytest.mark.parametrize("text", ["", "x", "eabc0012345678", "EABC00123456789"])
def test_what_names_no_gateway_is_not_there(place: Place, text: str) -> None:
    with pytest.raises(NotFound):
        Desk(place.console, place.now, None, "").gateway(text)
