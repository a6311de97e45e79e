"""A console over a real office in a folder: users of every role, one gateway, and people who click."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from os import urandom

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from admin.database import to_seconds, writing
from admin.office import Office
from admin.schema import users
from admin.session import Environment
from admin.users import UserRole
from admin.web.app import create_app
from admin.web.desk import Console
from tests.admin import samples
from tests.admin.bureau import BY, GATEWAY, NOW, Bureau, StandingTime
from tests.admin.passwords import PASSWORD, hastily
from tests.admin.server_world import until
from wire.orders import Reply, ReplyOutcome
from wire.reading import DeviceId

HOST = "https://localhost"
NAMES = {UserRole.VIEWER: "vera", UserRole.OPERATOR: "otto", UserRole.SUPERVISOR: "susi"}


@dataclass
class Moved:
    """A clock that a test moves."""

    shift: timedelta = timedelta()

    def now(self) -> datetime:
        return NOW + self.shift


@dataclass
class Person:
    """Somebody with a browser."""

    client: FlaskClient
    last: TestResponse | None = field(default=None)

    def get(self, path: str) -> TestResponse:
        self.last = self.client.get(path, base_url=HOST, buffered=True)
        return self.last

    def post(self, path: str, data: Mapping[str, object] | None = None, *, page: str = "/account") -> TestResponse:
        """Send a form with the token that stands on ``page``."""
        found = re.search(r'name="form_token" value="([^"]+)"', self.client.get(page, base_url=HOST).text)
        token = {"form_token": found[1]} if found else {}
        return self.bare(path, {**token, **(data or {})})

    def bare(self, path: str, data: Mapping[str, object] | None = None) -> TestResponse:
        """Send a form exactly like this."""
        self.last = self.client.post(path, base_url=HOST, data=dict(data or {}))
        return self.last

    def log_in(self, name: str, password: str = PASSWORD) -> TestResponse:
        return self.post("/login", {"name": name, "password": password}, page="/login")


@dataclass
class Place:
    """The console and what a test needs to look behind it."""

    bureau: Bureau
    office: Office
    app: Flask
    clock: Moved
    waiting: StandingTime
    """For whoever waits for a gateway no time passes, until :meth:`in_vain`."""

    @property
    def console(self) -> Console:
        found = self.app.extensions["console"]
        assert isinstance(found, Console)
        return found

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def in_vain(self) -> None:
        """Whoever waits for the gateway has waited in vain, and tells it."""
        self.waiting.goes = lambda: True
        until(lambda: (one := self.console.errands.of(GATEWAY)) is not None and one.over)
        self.waiting.goes = lambda: False

    def nobody(self) -> Person:
        return Person(self.app.test_client())

    def person(self, role: UserRole = UserRole.OPERATOR) -> Person:
        """Somebody of this role who is logged in already."""
        made = self.nobody()
        key = self.console.sessions.open(self.office.users.get(NAMES[role]), self.now)
        made.client.set_cookie("__Host-session", key, domain="localhost", secure=True)
        return made

    def confirm(self, number: int) -> None:
        """Play the server and the gateway for one order: signed, delivered, done."""
        document = self.office.orders.sign_next(number, self.office.sign_order, self.now)
        assert document
        self.office.orders.delivered(number, self.now)
        sequence = self.office.orders.get(number).sequence
        assert sequence is not None
        self.office.orders.confirmed(number, Reply(sequence, ReplyOutcome.DONE), self.now)

    def give(self, *texts: str, gateway: DeviceId = GATEWAY) -> None:
        """Let the gateway hold these profiles."""
        names = []
        for place, text in enumerate(texts):
            names.append(f"given-{place}")
            self.office.drafts.save(names[-1], text, BY, self.now)
        self.confirm(self.office.drafts.issue_together(names, gateway, BY, self.now))
        for name in names:
            self.office.drafts.delete(name, BY, self.now)

    def house(self) -> None:
        """A meter and a party at the gateway."""
        self.give(samples.METER, samples.NETZ)

    def actions(self) -> list[str]:
        return [entry.action for entry in self.office.audit.entries()]


@contextmanager
def furnished(bureau: Bureau) -> Iterator[Place]:
    """The console; a gateway that is woken here never comes."""
    clock, waiting = Moved(), StandingTime()
    bureau.file.write_text(bureau.toml(timeout="1", resend="1"))
    with bureau.office(GATEWAY, port=9) as office:
        with writing(office.engine) as connection:
            for role, name in NAMES.items():
                row = {"name": name, "role": role.value, "password": hastily(), "added_at": to_seconds(NOW)}
                connection.execute(users.insert(), row)
        environment = Environment(clock.now, waiting.monotonic, waiting.sleep, urandom)
        app = create_app(office, environment)
        app.testing = False
        place = Place(bureau, office, app, clock, waiting)
        try:
            yield place
        finally:
            place.console.errands.stop()
    bureau.close()


def words(response: TestResponse) -> str:
    """The text of a page, as somebody reads it."""
    body = re.sub(r"(?s)^.*?<main[^>]*>", "", response.text)
    body = re.sub(r"</?(?:b|code|small|span|a)\b[^>]*>", "", body)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
