"""Pages of orders."""

from datetime import timedelta

import pytest

from admin.inventory import LifeCycle
from admin.life_cycle import OrderState
from admin.users import UserRole
from tests.admin.bureau import BY, GATEWAY
from tests.admin.web.desk import Place, words
from wire.orders import Reply, ReplyOutcome

pytestmark = pytest.mark.token


def test_how_an_order_goes_on(place: Place) -> None:
    number = place.bureau.queue(place.office)
    person = place.person(UserRole.VIEWER)
    fragment = f"/orders/{number}/progress"
    assert words(person.get(fragment)).startswith("queued Queued 2026-01-15 12:00:00 by anna")
    page = person.get(f"/orders/{number}").text
    assert f'data-live="{fragment}"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    place.office.orders.woken(GATEWAY, place.now)
    assert words(person.get(fragment)).startswith("woken")
    place.office.orders.sign_next(number, place.office.sign_order, place.now)
    place.office.orders.delivered(number, place.now)
    assert "data-over" not in person.get(fragment).text
    reply = Reply(1, ReplyOutcome.DONE, result={"storage": "good"})
    place.office.orders.confirmed(number, reply, place.now)
    assert words(person.get(fragment)).startswith("confirmed")
    assert "data-over" in person.get(fragment).text
    whole = person.get(f"/orders/{number}")
    assert "http-equiv" not in whole.text
    assert "storage good" in words(whole)
    assert "sequence number 1" in words(whole)


def test_a_failure_has_its_reason(place: Place) -> None:
    number = place.bureau.queue(place.office)
    place.office.orders.sign_next(number, place.office.sign_order, place.now)
    place.office.orders.delivered(number, place.now)
    reply = Reply(1, ReplyOutcome.REFUSED, "clock", "the clock <is> wrong")
    place.office.orders.confirmed(number, reply, place.now)
    found = place.person().get(f"/orders/{number}")
    assert "clock: the clock &lt;is&gt; wrong" in found.text
    assert "Failed" in words(found)
    assert "Confirmed by the gateway" not in words(found)


def test_an_order_is_taken_back_until_it_was_delivered(place: Place) -> None:
    first, second = place.bureau.queue(place.office), place.bureau.queue(place.office)
    person = place.person()
    assert person.post(f"/orders/{first}/cancel").status_code == 303
    assert place.office.orders.get(first).reason == "cancelled by otto"
    place.office.orders.sign_next(second, place.office.sign_order, place.now)
    place.office.orders.delivered(second, place.now)
    assert "Take the order back" not in words(person.get(f"/orders/{second}"))
    refused = person.post(f"/orders/{second}/cancel")
    assert (refused.status_code, "was delivered" in words(refused)) == (409, True)


def test_waking_again(place: Place) -> None:
    number = place.bureau.queue(place.office)
    person = place.person()
    assert "Wake it again" in words(person.get(f"/orders/{number}"))
    person.post(f"/orders/{number}/wake")
    place.in_vain()
    assert place.office.orders.get(number).state is OrderState.WOKEN
    shown = words(person.get(f"/orders/{number}"))
    assert "The gateway did not come" in shown
    assert "Wake it again" in shown
    place.office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, place.now)
    assert "Wake it again" not in words(person.get(f"/orders/{number}"))


def test_all_of_them_and_some(place: Place) -> None:
    first, second = place.bureau.queue(place.office), place.bureau.queue(place.office)
    place.office.orders.cancel(first, "otto", place.now + timedelta(seconds=1))
    person = place.person(UserRole.VIEWER)
    rows = [line for line in person.get("/orders").text.splitlines() if '<tr><th scope="row"' in line]
    assert [f"/orders/{one}" in row for one, row in zip((second, first), rows, strict=True)] == [True, True]
    assert f'href="/orders/{first}"' not in person.get("/orders?state=queued").text
    assert f'href="/orders/{second}"' in person.get(f"/orders?state=queued&gateway={GATEWAY}").text
    assert "None." in words(person.get("/orders?gateway=EABC0099999999"))
    assert person.get("/orders?gateway=nonsense").status_code == 404
