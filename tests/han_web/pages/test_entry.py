"""Coming in and going out (PP-0073 FIA_UAU.2, FIA_UAU.5)."""

import pytest

from han_web.auth import SESSION_COOKIE
from han_web.words import LANGUAGE_COOKIE
from tests.han_web.pages.caller import browser
from tests.han_web.place import digest_answer
from tests.smgw.han.house import PASSWORDS, House


def test_name_and_password_open_a_session_that_logging_out_ends(house: House) -> None:
    made = browser(house.port)
    answer = made.log_in("house")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith(SESSION_COOKIE))
    for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Strict"):
        assert word in cookie
    assert made.get("/login").status_code == 303
    kept = made.client.get_cookie(SESSION_COOKIE, domain="gateway.local")
    assert kept is not None
    left = made.post("/logout", {}, seen_at="/account")
    assert left.headers["Location"] == "/login?left=1"
    # The secret is worth nothing any more, not only forgotten by the browser.
    made.client.set_cookie(SESSION_COOKIE, kept.value, domain="gateway.local", secure=True)
    assert made.get("/").status_code == 303
    assert "You are logged out." in made.page("/login?left=1").text


def test_a_session_from_before_is_not_taken_over(house: House) -> None:
    made = browser(house.port, "flat")
    first = made.client.get_cookie(SESSION_COOKIE, domain="gateway.local")
    token = made.get("/account").text.partition('name="form_token" value="')[2][:64]
    made.bare_post("/login", {"name": "house", "password": PASSWORDS["house"], "form_token": token})
    second = made.client.get_cookie(SESSION_COOKIE, domain="gateway.local")
    assert first is not None
    assert second is not None
    assert first.value != second.value
    made.client.set_cookie(SESSION_COOKIE, first.value, domain="gateway.local", secure=True)
    assert made.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [("house", "wrong"), ("nobody", "wrong"), ("", ""), ("house", ""), ("h" * 300, "x"), ("house", "x" * 300)],
)
def test_what_is_wrong_is_not_told(house: House, name: str, password: str) -> None:
    answer = browser(house.port).log_in(name, password)
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert SESSION_COOKIE not in str(answer.headers)
    assert "x" * 300 not in answer.text


def test_the_browsers_own_dialogue(house: House) -> None:
    """HKS2: answered once, and a session from then on, so that somebody can log out."""
    made = browser(house.port)
    asked = made.get("/login/digest")
    assert asked.status_code == 401
    challenge = asked.headers["WWW-Authenticate"]
    assert "algorithm=SHA-256" in challenge
    answer = digest_answer(challenge, "flat", PASSWORDS["flat"], "GET", "/login/digest")
    assert made.get("/login/digest", Authorization=answer).headers["Location"] == "/"
    assert made.get("/").status_code == 200
    # The pages themselves take no such answer: a browser sends it for as long as it runs.
    again = digest_answer(challenge, "flat", PASSWORDS["flat"], "GET", "/")
    assert browser(house.port).get("/", Authorization=again).status_code == 303


def test_a_wrong_answer_is_challenged_anew(house: House) -> None:
    made = browser(house.port)
    challenge = made.get("/login/digest").headers["WWW-Authenticate"]
    answer = digest_answer(challenge, "flat", "wrong", "GET", "/login/digest")
    refused = made.get("/login/digest", Authorization=answer)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] != challenge
    assert made.get("/login/digest", Authorization="Digest garbage").status_code == 400


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        ("/history?by=day", "/history?by=day"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_a_language_is_kept_and_leads_back_to_this_page_only(house: House, back: str, expected: str) -> None:
    made = browser(house.port)
    answer = made.post("/language", {"language": "de", "back": back}, seen_at="/login")
    assert (answer.status_code, answer.headers["Location"]) == (303, expected)
    assert made.page("/login").language == "de"


def test_a_language_that_there_is_not_is_not_kept(house: House) -> None:
    answer = browser(house.port).post("/language", {"language": "tlh", "back": "/"}, seen_at="/login")
    assert LANGUAGE_COOKIE not in str(answer.headers)
