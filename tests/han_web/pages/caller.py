"""A browser without a script: logs in, keeps its cookies, sends the forms that it was given."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from han_web.app import create_app
from han_web.auth import keep_pace
from smgw.han.port import HanPort
from tests.smgw.han.house import PASSWORDS

HOST = "https://gateway.local"
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')
_VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})


@dataclass
class Browser:
    """One browser; ``language`` is what it asks for."""

    client: FlaskClient
    language: str = "en"

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, base_url=HOST, headers={"Accept-Language": self.language, **headers})

    def post(self, path: str, form: dict[str, str], *, seen_at: str) -> TestResponse:
        """Send a form with the token of the page that was seen at ``seen_at``."""
        token = _TOKEN.search(self.get(seen_at).text)
        assert token is not None, f"no form at {seen_at}"
        return self.bare_post(path, {"form_token": token.group(1), **form})

    def bare_post(self, path: str, form: dict[str, str]) -> TestResponse:
        return self.client.post(path, base_url=HOST, data=form, headers={"Accept-Language": self.language})

    def log_in(self, name: str, password: str | None = None) -> TestResponse:
        form = {"name": name, "password": PASSWORDS[name] if password is None else password}
        return self.post("/login", form, seen_at="/login")

    def page(self, path: str) -> "Page":
        """A page that is there and well made."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return read(answer.text)


@dataclass
class Page(HTMLParser):
    """What a page holds, once it was found to be well made."""

    open: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    labelled: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    language: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert "style" not in given, f"a style inside the page: {tag}"
        assert not any(name.startswith("on") for name in given), f"a script inside the page: {tag}"
        assert tag != "script" or given.get("src"), "a script inside the page"
        self.language = given.get("lang") or "" if tag == "html" else self.language
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "label" and given.get("for"):
            self.labelled.add(str(given["for"]))
        wants_label = tag in {"select", "textarea"} or (
            tag == "input" and given.get("type") not in {"hidden", "radio", "checkbox"} and "hidden" not in given
        )
        if wants_label:
            self.fields.add(str(given.get("id")))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"script", "title"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(html: str) -> Page:
    """Read a page and hold it to what every page is held to."""
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    steps = zip(page.headings, page.headings[1:], strict=False)
    assert all(after - before <= 1 for before, after in steps), f"a heading is skipped: {page.headings}"
    assert len(set(page.ids)) == len(page.ids), "two parts of a page have one id"
    assert page.fields <= page.labelled, f"fields without a label: {page.fields - page.labelled}"
    assert not [link for link in page.links if link.startswith(("http:", "https:", "//"))], "a link leads elsewhere"
    return page


def browser(port: HanPort, name: str = "", language: str = "en") -> Browser:
    """A browser of its own, and somebody logged in."""
    app = application(port)
    # The clock of the house stands still, and nobody who saw too many pages would see another one.
    keep_pace(app)
    made = Browser(app.test_client(), language)
    if name:
        answer = made.log_in(name)
        assert answer.status_code == 303, answer.text
    return made


@lru_cache(maxsize=4)
def application(port: HanPort) -> Flask:
    """One for all browsers of a house."""
    return create_app(port)
