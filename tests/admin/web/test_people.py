"""The page of users."""

import pytest

from admin.users import UserRole
from tests.admin.passwords import PASSWORD
from tests.admin.web.desk import Place, words

pytestmark = pytest.mark.token


def test_somebody_is_let_in_and_out(place: Place) -> None:
    boss = place.person(UserRole.SUPERVISOR)
    new = {"name": "nina", "role": "viewer", "password": PASSWORD}
    assert boss.post("/users", new).status_code == 303
    assert "nina" in words(boss.get("/users"))
    assert boss.post("/users/nina/role", {"role": "operator"}).status_code == 303
    assert place.office.users.get("nina").role is UserRole.OPERATOR
    assert boss.post("/users/nina/password", {"password": "another long secret"}).status_code == 303
    assert place.nobody().log_in("nina", "another long secret").status_code == 303
    assert boss.post("/users/nina/remove").status_code == 303
    assert "nina" not in [one.name for one in place.office.users.all()]
    assert place.actions()[-1] == "operator-removed"
    assert place.office.audit.latest(1)[0].by == "susi"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"name": "Nina", "role": "viewer", "password": PASSWORD}, "is no name"),
        ({"name": "nina", "role": "viewer", "password": "short"}, "a password has"),
        ({"name": "otto", "role": "viewer", "password": PASSWORD}, "a user already"),
        ({"name": "nina", "role": "boss", "password": PASSWORD}, "name and role"),
    ],
)
def test_who_is_not_let_in(place: Place, data: dict[str, object], told: str) -> None:
    found = place.person(UserRole.SUPERVISOR).post("/users", data)
    assert (found.status_code, told in words(found)) == (422, True)
    assert len(place.office.users.all()) == 3


def test_the_last_supervisor_stays(place: Place) -> None:
    found = place.person(UserRole.SUPERVISOR).post("/users/susi/remove")
    assert (found.status_code, "last supervisor" in words(found)) == (409, True)
    strange = place.person(UserRole.SUPERVISOR).post("/users/otto/role", {"role": "boss"})
    assert strange.status_code == 400
    assert place.office.users.get("otto").role is UserRole.OPERATOR
