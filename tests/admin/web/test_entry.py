"""Coming in and going out."""

from datetime import timedelta

import pytest

from admin.users import UserRole
from tests.admin.passwords import PASSWORD
from tests.admin.web.desk import Place, words

pytestmark = pytest.mark.token


def test_in_and_out_again(place: Place) -> None:
    person = place.nobody()
    assert person.get("/").headers["Location"] == "/login"
    assert person.log_in("otto").headers["Location"] == "/"
    assert "otto (operator)" in person.get("/").text
    assert person.post("/logout").headers["Location"] == "/login"
    assert person.get("/").headers["Location"] == "/login"
    assert place.actions()[-2:] == ["login", "logout"]


def test_cookies_are_for_this_host_over_tls_and_for_no_script(place: Place) -> None:
    person = place.nobody()
    person.get("/login")
    before = person.last
    assert before is not None
    cookies = [before.headers["Set-Cookie"], person.log_in("otto").headers["Set-Cookie"]]
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            assert word in cookie
        assert "Domain" not in cookie


def test_a_session_of_before_is_not_taken_over(place: Place) -> None:
    person = place.nobody()
    person.client.set_cookie("__Host-session", "chosen-by-somebody", domain="localhost", secure=True)
    person.log_in("otto")
    cookie = person.client.get_cookie("__Host-session", domain="localhost")
    assert cookie is not None
    assert len(cookie.value) == 43
    assert place.nobody().get("/").status_code == 303


@pytest.mark.parametrize(("name", "password"), [("otto", "wrong"), ("nobody", PASSWORD), ("", ""), ("x" * 500, "y")])
def test_a_wrong_log_in_says_not_what_is_wrong(place: Place, name: str, password: str) -> None:
    found = place.nobody().log_in(name, password)
    assert found.status_code == 422
    assert "this name and this password do not belong together" in words(found)
    assert place.actions()[-1] == "login-refused"


def test_the_log_in_form_carries_a_token_too(place: Place) -> None:
    person = place.nobody()
    person.get("/login")
    assert person.bare("/login", {"name": "otto", "password": PASSWORD}).status_code == 400
    assert person.bare("/login", {"name": "otto", "password": PASSWORD, "form_token": "x" * 43}).status_code == 400
    stranger = place.nobody()
    own = {"name": "otto", "password": PASSWORD, "form_token": "y" * 43}
    assert stranger.bare("/login", dict(own)).status_code == 400, "a token without its cookie"


def test_a_right_password_waits_out_the_lock_like_a_wrong_one(place: Place) -> None:
    for _ in range(3):
        place.nobody().log_in("otto", "wrong")
    locked = place.nobody().log_in("otto")
    assert locked.status_code == 429
    assert "possible in 5 s" in words(locked)
    assert place.nobody().log_in("susi").status_code == 303, "nobody else is locked out"
    place.clock.shift = timedelta(seconds=5)
    assert place.nobody().log_in("otto").status_code == 303


def test_ones_own_password(place: Place) -> None:
    person = place.person(UserRole.VIEWER)
    new = "another long secret"
    assert "differ" in words(person.post("/account", {"present": PASSWORD, "new": new, "again": "x"}))
    assert person.post("/account", {"present": "wrong", "new": new, "again": new}).status_code == 422
    assert "12 to 256" in words(person.post("/account", {"present": PASSWORD, "new": "short", "again": "short"}))
    assert person.post("/account", {"present": PASSWORD, "new": new, "again": new}).status_code == 303
    assert person.get("/").headers["Location"] == "/login", "every session ended"
    assert place.nobody().log_in("vera").status_code == 422
    assert place.nobody().log_in("vera", new).status_code == 303
