"""The frame of every page, in both languages; and the files of its look."""

import re

import pytest

from han_web.frame import KEPT, assets
from tests.han_web.empty import HOST, empty_client
from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import House

PAGES = [
    "/",
    "/history",
    "/history?by=month",
    "/history?by=year",
    "/history?by=all",
    "/costs",
    "/data",
    "/data/sent",
    "/data/log",
    "/data/export",
    "/readings",
    "/device",
    "/account",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_well_made_in_both_languages(consumer: Browser, german: Browser, path: str) -> None:
    english, in_german = consumer.page(path), german.page(path)
    assert (english.language, in_german.language) == ("en", "de")
    assert "Log out" in english.text
    assert "Abmelden" in in_german.text
    assert "%(" not in english.text + in_german.text
    assert "None" not in english.text


def test_every_link_of_every_page_leads_somewhere(consumer: Browser) -> None:
    """One of each kind: what differs in its date or its place in a list is the same link."""
    kinds = {re.sub(r"\d+", "0", link): link for path in PAGES for link in consumer.page(path).links}
    assert len(kinds) > 20
    for link in kinds.values():
        if not link.startswith("#"):
            assert consumer.get(link).status_code in {200, 303}, link


def test_where_one_is_is_told_to_who_cannot_see_it(consumer: Browser) -> None:
    text = consumer.get("/data/sent").text
    assert re.search(r'href="/data/sent" aria-current="page"', text)
    assert re.search(r'href="/data" class="here" aria-current="true"', text)


def test_a_language_leads_back_to_a_page_that_is_there(consumer: Browser) -> None:
    assert 'name="back" value="/history?by=month"' in consumer.get("/history?by=month").text
    refused = consumer.post("/costs/prices/remove", {"contract": "none", "since": "x"}, seen_at="/account")
    assert refused.status_code == 400
    assert 'name="back" value="/"' in refused.text


def test_a_stranger_has_no_navigation(house: House) -> None:
    page = browser(house.port).page("/login")
    assert "Costs" not in page.text
    assert "Log out" not in page.text


def test_a_file_of_the_look_is_kept_as_long_as_it_stays_the_same() -> None:
    client = empty_client()
    address = re.search(r'href="(/static/frame\.css\?v=[0-9a-f]{12})"', client.get("/login", base_url=HOST).text)
    assert address is not None
    answer = client.get(address.group(1), base_url=HOST)
    assert answer.headers["Cache-Control"] == KEPT
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert client.get("/static/frame.css?v=other", base_url=HOST).headers["Cache-Control"] == "no-cache"


def test_nothing_of_the_look_comes_from_elsewhere() -> None:
    assert set(assets()) >= {"frame.css", "live.js", "history.js", "vendor/uplot-1.6.32.min.js"}
    for name, content in assets().items():
        if not name.startswith("vendor/"):
            assert len(content.splitlines()) < 400, name
            links = re.findall(rb"https?://[^\s\"')]+", content)
            assert [link for link in links if b"www.w3.org" not in link] == [], name
            assert b"@import" not in content
            assert b"innerHTML" not in content


@pytest.mark.parametrize("name", ["", "app.py", "vendor/uplot-LICENSE", "../app.py", "vendor", "%2e%2e/app.py"])
def test_nothing_else_lies_there(name: str) -> None:
    assert empty_client().get(f"/static/{name}", base_url=HOST).status_code == 404


def test_paper_is_no_small_screen() -> None:
    """A sheet is narrower than most screens; the tables on it are tables all the same."""
    assert b"@media (max-width" not in assets()["parts.css"]
    assert b"@media screen and (max-width" in assets()["parts.css"]
