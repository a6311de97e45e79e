"""Every transmission: to whom, when, what, by which contract (FAU_GEN.1/CON)."""

import re

import pytest

from han_web.pages import transmissions
from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import House


def test_what_was_sent(consumer: Browser, german: Browser) -> None:
    english = consumer.page("/data/sent").text
    for text in ("Netz Nord 96 values", "100 values", "1 value 01/09/2026", "received", "not delivered", "on its way"):
        assert text in english
    assert "100 Werte" in german.page("/data/sent").text


def test_a_cover_is_nothing_and_values_of_the_moment_are_no_cover(consumer: Browser) -> None:
    text = consumer.page("/data/sent").text
    assert text.count("an empty cover") == 1
    assert text.count("Values of the moment") == 1


def test_paging_loses_and_doubles_nothing(consumer: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    line = re.compile(r'<tr>\s*<th scope="row".*?</tr>', re.DOTALL)
    whole = line.findall(consumer.get("/data/sent").text)
    monkeypatch.setattr(transmissions, "PAGE", 4)
    pages, path = [], "/data/sent"
    while path:
        text = consumer.get(path).text
        pages += line.findall(text)
        found = re.search(r'href="([^"]+)" rel="next"', text)
        path = found.group(1).replace("&amp;", "&") if found else ""
    assert pages == whole


@pytest.mark.parametrize("place", ["at=x", "at=1", "at=1&sequence=x", "at=1&contract=" + "a" * 70 + "&sequence=1"])
def test_a_place_that_is_none(consumer: Browser, place: str) -> None:
    assert consumer.get(f"/data/sent?{place}").status_code == 400


def test_nobody_sees_what_was_sent_of_somebody_else(house: House) -> None:
    assert "house-" not in browser(house.port, "flat").get("/data/sent").text
