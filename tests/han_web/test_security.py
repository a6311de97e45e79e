"""What every answer carries, and what other sites cannot do (PP-0073 FTP_ITC.1/USR)."""

import pytest

from han_web.security import FORM_COOKIE, HEADERS, MAXIMUM_ADDRESS, TOKEN_FIELD
from tests.han_web.empty import HOST, empty_client
from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import PASSWORDS, House


@pytest.mark.parametrize("path", ["/login", "/nothing-here", "/", "/static/frame.css", "/api/v1/now"])
def test_every_answer_carries_the_rules(path: str) -> None:
    answer = empty_client().get(path, base_url=HOST)
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/", "/data", "/live", "/account", "/data/export/file?form=csv&first=2026-10-29&last=2026-10-29"]
)
def test_nothing_personal_is_kept_anywhere(consumer: Browser, path: str) -> None:
    assert consumer.get(path).headers["Cache-Control"] == "no-store"


def test_an_address_beyond_measure_is_refused() -> None:
    assert empty_client().get("/login?" + "a" * MAXIMUM_ADDRESS, base_url=HOST).status_code == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_another_sites_page_sends_is_refused(site: str) -> None:
    answer = empty_client().post("/login", base_url=HOST, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 403


FORMS = ["/logout", "/account", "/costs/prices", "/costs/prices/remove", "/device/self-test"]


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_does_nothing(house: House, consumer: Browser, path: str) -> None:
    other = browser(house.port, "flat")
    for token in ("", "0" * 64, token_of(other)):
        assert consumer.bare_post(path, {TOKEN_FIELD: token}).status_code == 400
    assert consumer.get("/account").status_code == 200


def test_every_address_that_takes_a_form_is_held_to_it(consumer: Browser) -> None:
    """One that is new and forgets the token is found here."""
    rules = consumer.client.application.url_map.iter_rules()
    pages = {one.rule for one in rules if "POST" in (one.methods or ()) and is_page(one.rule)}
    assert pages == {*FORMS, "/login", "/language"}


def is_page(rule: str) -> bool:
    return not rule.startswith(("/api/", "/smgw/", "/json/", "/cgi-bin/")) and ".cgi" not in rule


@pytest.mark.parametrize("path", ["/login", "/language"])
def test_the_forms_of_strangers_have_a_token_too(house: House, path: str) -> None:
    made = browser(house.port)
    form = {"name": "flat", "password": PASSWORDS["flat"], "language": "en"}
    cookie = made.get("/login").headers["Set-Cookie"]
    assert cookie.startswith(f"{FORM_COOKIE}=")
    for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Strict"):
        assert word in cookie
    assert made.bare_post(path, form).status_code == 400
    assert made.bare_post(path, {**form, TOKEN_FIELD: "0" * 64}).status_code == 400


def token_of(made: Browser) -> str:
    return made.get("/account").text.partition(f'name="{TOKEN_FIELD}" value="')[2][:64]
