"""What every request goes through, and what every answer carries."""

import pytest

from admin.errors import StorageError
from admin.users import UserRole
from admin.web.app import MAXIMUM_BODY
from tests.admin.bureau import GATEWAY
from tests.admin.web.desk import HOST, Place, words

pytestmark = pytest.mark.token


@pytest.mark.parametrize("path", ["/login", "/", "/nothing", "/static/console.css", "/static/live.js", "/orders/7"])
def test_every_answer_is_guarded(place: Place, path: str) -> None:
    headers = place.person().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == ("private, max-age=3600" if path.startswith("/static") else "no-store")


def test_pages_hold_no_script_and_no_style_of_their_own(place: Place) -> None:
    place.house()
    person = place.person(UserRole.SUPERVISOR)
    for path in ("/", f"/gateways/{GATEWAY}", f"/drafts/access?gateway={GATEWAY}", "/users", "/orders/1", "/audit"):
        text = person.get(path).text
        assert "<style" not in text, path
        assert " style=" not in text, path
        assert text.count("<script") == text.count("<script src=") == 1, path
        assert "http://" not in text, path
        assert "https://" not in text, path


def test_text_of_others_is_text(place: Place) -> None:
    place.office.inventory.set_note(GATEWAY, "<script>alert(1)</script>", "otto", place.now)
    text = place.person().get("/").text
    assert "&lt;script&gt;alert" in text
    assert "<script>alert" not in text


@pytest.mark.parametrize("token", [None, "", "wrong", "of another session"])
def test_a_form_without_the_token_of_its_session_does_nothing(place: Place, token: str | None) -> None:
    person, other = place.person(), place.person(UserRole.SUPERVISOR)
    before = len(place.office.audit.entries())
    if token == "of another session":
        text = other.get("/account").text
        token = text.split('name="form_token" value="')[1].split('"')[0]
    data = {} if token is None else {"form_token": token}
    found = person.bare(f"/gateways/{GATEWAY}/self-test", dict(data))
    assert found.status_code == 400
    assert "this form was not sent from a page of yours" in words(found)
    assert place.office.orders.all() == []
    assert len(place.office.audit.entries()) == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_none(place: Place, method: str) -> None:
    assert place.person().client.open("/", method=method, base_url=HOST).status_code == 405


def test_a_form_is_no_query(place: Place) -> None:
    found = place.person().get(f"/gateways/{GATEWAY}/self-test")
    assert found.status_code == 405


def test_a_large_body_is_refused(place: Place) -> None:
    found = place.person().post("/drafts/text", {"name": "x", "text": "x" * MAXIMUM_BODY})
    assert found.status_code == 413


def test_a_refusal_is_a_sentence(place: Place) -> None:
    place.person().post(f"/gateways/{GATEWAY}/lock")
    found = place.person().post(f"/gateways/{GATEWAY}/self-test")
    assert found.status_code == 409
    assert f"{GATEWAY} is locked" in words(found)


def test_a_defect_shows_no_trace(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(place.office.inventory, "all", broken)
    found = place.person().get("/")
    assert found.status_code == 500
    assert "secret detail" not in found.text


def test_a_database_that_does_not_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise StorageError("the database does not answer")

    monkeypatch.setattr(place.office.inventory, "all", broken)
    found = place.person().get("/")
    assert (found.status_code, "does not answer" in words(found)) == (503, True)
