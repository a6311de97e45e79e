"""Sessions: how long, how many, and nothing in the database that opens one."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from admin.database import reading
from admin.schema import sessions
from admin.users import UserRole
from admin.web.sessions import IDLE, LONGEST, MAXIMUM_PER_USER, same
from tests.admin.bureau import BY, GATEWAY
from tests.admin.web.desk import Place

pytestmark = pytest.mark.token

SECOND = timedelta(seconds=1)


def test_a_session_is_over_when_nobody_uses_it(place: Place) -> None:
    found = place.console.sessions
    key = found.open(place.office.users.get("otto"), place.now)
    used = place.now + IDLE - SECOND
    assert found.find(key, used) is not None
    assert found.find(key, used + IDLE - SECOND) is not None, "using it keeps it alive"
    assert found.find(key, used + 3 * IDLE) is None


def test_and_when_the_day_is_over(place: Place) -> None:
    found = place.console.sessions
    key = found.open(place.office.users.get("otto"), place.now)
    at = place.now
    while at < place.now + LONGEST:
        assert found.find(key, at) is not None
        at += IDLE / 3
    assert found.find(key, place.now + LONGEST - SECOND) is not None
    assert found.find(key, place.now + LONGEST) is None


def test_a_page_that_looks_by_itself_keeps_nobody_logged_in(place: Place) -> None:
    number = place.bureau.queue(place.office)
    person = place.person()
    place.clock.shift = IDLE - SECOND
    assert person.get(f"/orders/{number}/progress").status_code == 200
    assert person.get(f"/gateways/{GATEWAY}/progress").status_code == 200
    place.clock.shift = IDLE
    assert person.get("/orders").headers["Location"] == "/login"


@pytest.mark.parametrize("key", ["", "x", "ä" * 43, "\udcff"])
def test_a_key_of_nobody(place: Place, key: str) -> None:
    place.console.sessions.open(place.office.users.get("otto"), place.now)
    assert place.console.sessions.find(key, place.now) is None


def test_the_database_holds_nothing_that_opens_a_session(place: Place) -> None:
    key = place.console.sessions.open(place.office.users.get("otto"), place.now)
    with reading(place.office.engine) as connection:
        (row,) = connection.execute(sa.select(sessions)).all()
    assert key not in str(row)
    assert place.console.sessions.find(row.token, place.now) is None


def test_a_user_has_so_many_and_no_more(place: Place) -> None:
    user, found = place.office.users.get("otto"), place.console.sessions
    keys = [found.open(user, place.now + place_ * SECOND) for place_ in range(MAXIMUM_PER_USER + 1)]
    at = place.now + MAXIMUM_PER_USER * SECOND
    assert [found.find(key, at) is not None for key in keys] == [False] + [True] * MAXIMUM_PER_USER


def test_who_is_removed_or_demoted_is_so_at_once(place: Place) -> None:
    person = place.person(UserRole.OPERATOR)
    place.office.users.change_role("otto", UserRole.VIEWER, BY, place.now)
    assert person.get("/drafts/text").status_code == 403
    place.office.users.remove("otto", BY, place.now)
    assert person.get("/").headers["Location"] == "/login"


def test_tokens() -> None:
    assert same("a", "a")
    assert not same("a", "b")
    assert not same("", "")
    assert not same("ä", "a")
