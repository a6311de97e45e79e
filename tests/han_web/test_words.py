"""Every text of the pages stands in German too, with the same places for what is put in."""

import re

import pytest
from flask import Flask

from han_web import words
from han_web.words import catalogue, language, say, say_many
from smgw.logs.texts import Language
from tests.han_web.messages import used

GERMAN = catalogue(Language.GERMAN)
PLACE = re.compile(r"%\((\w+)\)s")


def test_every_text_is_translated_and_no_translation_is_of_no_use() -> None:
    """English is the language of the texts themselves."""
    keys = {text if isinstance(text, str) else text[0] for text in used()}
    assert sorted(keys - set(GERMAN)) == []
    assert sorted(set(GERMAN) - keys) == []
    assert catalogue(Language.ENGLISH) == {}


def test_no_text_stands_for_one_and_for_itself() -> None:
    """One text with two meanings would have one translation."""
    single = {text for text in used() if isinstance(text, str)}
    assert [text for text in used() if not isinstance(text, str) and text[0] in single] == []


def test_a_translation_has_the_places_and_forms_of_its_text() -> None:
    assert [text for text in used() if not _fits(text)] == []


def _fits(text: str | tuple[str, ...]) -> bool:
    forms = (text,) if isinstance(text, str) else text
    translated = GERMAN[forms[0]]
    return len(translated) == len(forms) and all(
        other
        and sorted(PLACE.findall(one)) == sorted(PLACE.findall(other))
        and "%" not in PLACE.sub("", other)
        and "<" not in other
        for one, other in zip(forms, translated, strict=True)
    )


@pytest.mark.parametrize(
    ("cookie", "asked", "expected"),
    [
        ("", "", "de"),
        ("", "fr", "de"),
        ("", "en-US,en;q=0.9,de;q=0.8", "en"),
        ("", "fr, de;q=0.5, en;q=0.4", "de"),
        ("en", "de", "en"),
        ("de", "en", "de"),
        ("xx", "en", "en"),
    ],
)
def test_whoever_chose_a_language_has_it(cookie: str, asked: str, expected: str) -> None:
    headers = {"Accept-Language": asked, "Cookie": f"{words.LANGUAGE_COOKIE}={cookie}"}
    with Flask("empty").test_request_context(headers=headers):
        assert language().value == expected


@pytest.mark.parametrize(("count", "expected"), [(0, "0 Tage"), (1, "1 Tag"), (2, "2 Tage"), (1000, "1000 Tage")])
def test_a_number_has_its_noun(count: int, expected: str) -> None:
    with Flask("empty").test_request_context():
        assert say_many("%(num)s day", "%(num)s days", count) == expected


def test_an_unknown_text_stays_as_it_is() -> None:
    with Flask("empty").test_request_context(headers={"Accept-Language": "en"}):
        assert say("100 % of %(what)s") == "100 % of %(what)s"
        assert say_many("%(num)s fox", "%(num)s foxes", 2) == "2 foxes"
