"""Every address has a least role, and nobody below it gets anything."""

import re

import pytest

from admin.users import RANK, UserRole
from admin.web.routes import PUBLIC, ROUTES, Route
from tests.admin.bureau import GATEWAY
from tests.admin.web.desk import Place

pytestmark = pytest.mark.token

PARTS = {"identifier": GATEWAY.text, "number": "1", "subject": "system", "name": "console.css"}


def address(route: Route) -> str:
    return re.sub(r"<(?:int[^:]*:)?(\w+)>", lambda match: PARTS[match[1]], route.path)


def test_no_address_is_outside_the_table(place: Place) -> None:
    built = {
        (method, rule.rule) for rule in place.app.url_map.iter_rules() for method in (rule.methods or set()) - {"HEAD"}
    }
    assert built == {(route.method, route.path) for route in ROUTES}
    assert len(ROUTES) == len(built) > 40


def test_only_the_way_in_is_public() -> None:
    assert {(one.method, one.path) for one in ROUTES if one.least is PUBLIC} == {
        ("GET", "/static/<name>"),
        ("GET", "/login"),
        ("POST", "/login"),
    }


def test_a_viewer_changes_nothing_but_the_own_account() -> None:
    changing = {one.path for one in ROUTES if one.method == "POST" and one.least is UserRole.VIEWER}
    assert changing == {"/logout", "/account"}


@pytest.mark.parametrize("part", ["users", "state", "renew", "enrol", "firmware"])
def test_what_only_a_supervisor_does(part: str) -> None:
    found = [one for one in ROUTES if part in one.path.split("/") and one.method == "POST"]
    assert found
    assert {one.least for one in found} == {UserRole.SUPERVISOR}


def test_nobody_gets_anything_without_a_session(place: Place) -> None:
    nobody = place.nobody()
    before = len(place.office.audit.entries())
    for route in ROUTES:
        if route.least is PUBLIC:
            continue
        found = nobody.get(address(route)) if route.method == "GET" else nobody.bare(address(route))
        assert (found.status_code, found.headers["Location"]) == (303, "/login"), route
    assert len(place.office.audit.entries()) == before


@pytest.mark.parametrize("role", list(UserRole))
def test_whose_role_is_not_enough_gets_nothing(place: Place, role: UserRole) -> None:
    person = place.person(role)
    before = len(place.office.audit.entries())
    for route in ROUTES:
        if not isinstance(route.least, UserRole) or RANK[role] >= RANK[route.least]:
            continue
        found = person.get(address(route)) if route.method == "GET" else person.post(address(route))
        assert found.status_code == 403, route
    assert len(place.office.audit.entries()) == before


def test_whose_role_is_enough_may_look_at_every_page(place: Place) -> None:
    place.house()
    person = place.person(UserRole.SUPERVISOR)
    for route in ROUTES:
        if route.method == "GET":
            assert person.get(address(route)).status_code == 200, route


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/gateways/x",
        "/orders/99",
        "/orders/9223372036854775808",
    ],
)
def test_what_is_not_there(place: Place, path: str) -> None:
    assert place.person(UserRole.SUPERVISOR).get(path).status_code == 404
