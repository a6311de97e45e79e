"""The customer's page as she uses it: log in over TLS, look, take a proof away. What came of it, a line each.

Decides what shows that the page does its work: it lets her in with the password of her letter and under the certificate
that the gateway names; what it shows of the last minute is what lies in the gateway's store; her proof is verified with
the root certificate alone; and of another consumer's contract it knows nothing. Nothing is asked that a browser or a
program in her home could not ask.
"""

import hashlib
import http.client
import json
import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa

from han_web.api.routes import PREFIX as API
from pki.errors import TrustError
from smgw.composition import open_store
from smgw.config import Configuration
from smgw.han.shown import Verdict
from smgw.status import StatusError, read_status
from smgw.store.errors import StoreError
from smgw.store.rows import to_seconds
from smgw.store.schema import readings
from testbed.demo.drafts import REGISTER
from testbed.demo.observe import Shown
from testbed.demo.people import address_of, password_of
from testbed.demo.scene import Scene, program
from wire.instant import format_instant
from wire.obis import Obis

LAST: Final = timedelta(minutes=1)
PROVEN: Final = timedelta(days=2)
"""How much of her time the proof is about."""
TIMEOUT_SECONDS: Final = 60.0
PROOF: Final = "proof.json"
_TOKEN: Final = re.compile(r'name="form_token" value="([^"]+)"')
_FAILURES: Final = (
    OSError, ssl.SSLError, http.client.HTTPException, subprocess.SubprocessError, StatusError, StoreError, TrustError,
    ValueError,
)  # fmt: skip


Row: TypeAlias = tuple[str, int, int, str]
"""Meter, UTC seconds, value, signature."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What the page showed of a minute."""

    end: datetime
    meters: frozenset[str]
    rows: frozenset[Row]
    genuine: bool
    """Whether it called every signature genuine."""


class PageError(Exception):
    """The page did not do what it should; the text says what it did."""


@dataclass(slots=True)
class Browser:
    """One visitor with his cookies, who believes one certificate and no other (a context manager)."""

    address: str
    fingerprint: str
    """SHA-256 of the certificate, as the gateway names it."""
    cookies: dict[str, str] = field(default_factory=dict)
    version: str = ""
    _connection: http.client.HTTPSConnection | None = None

    def __enter__(self) -> Self:
        """Connect. Raises PageError for another certificate than the named one, OSError."""
        place = urlsplit(self.address)
        host, port = place.hostname or "", place.port or 443
        certificate = ssl.get_server_certificate((host, port), timeout=TIMEOUT_SECONDS)
        mark = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()
        if mark != self.fingerprint.replace(":", "").lower():
            raise PageError(f"{self.address} shows a certificate {mark[:16]}… that the gateway does not name")
        context = ssl.create_default_context(cadata=certificate)
        self._connection = http.client.HTTPSConnection(host, port, context=context, timeout=TIMEOUT_SECONDS)
        self._connection.connect()
        self.version = self._connection.sock.version() or ""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        if self._connection is not None:
            self._connection.close()

    def ask(self, path: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body of a page, or of a form that is sent."""
        if self._connection is None:
            raise PageError("nobody is connected")
        headers = {"Accept-Language": "en"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.address.rstrip("/")}
        method, body = ("GET", None) if form is None else ("POST", urlencode(form))
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.read()

    def log_in(self, name: str, password: str) -> None:
        """As with the form. Raises PageError where he is not let in."""
        _, form = self.ask("/login")
        token = _TOKEN.search(form.decode())
        if token is None:
            raise PageError("the log-in page has no form")
        given = {"form_token": token[1], "name": name, "password": password}
        status, _ = self.ask("/login", given)
        if status != HTTPStatus.SEE_OTHER:
            sentence = f"{name} is not let in ({status}); with another password than in the letter: accounts reset"
            raise PageError(sentence)

    def json(self, path: str, **asked: str) -> dict[str, Any]:
        """What the interface for programs answers. Raises PageError."""
        status, body = self.ask(f"{API}{path}?{urlencode(asked)}")
        if status != HTTPStatus.OK:
            raise PageError(f"{path} is answered with {status}: {body[:200].decode(errors='replace')}")
        document: dict[str, Any] = json.loads(body)
        return document


def look_at_page(scene: Scene, folder: Path) -> tuple[Shown, ...]:
    """What a consumer finds; what she takes away is kept in ``folder``."""
    try:
        page = read_status(scene.gateway / "store").get("han") or {}
        consumer = max(scene.consumers, key=lambda one: len(scene.meters_measuring(one)))
        with Browser(address_of(scene), str(page.get("sha256", ""))) as browser:
            browser.log_in(consumer, password_of(scene, consumer))
            status, _ = browser.ask("/")
            entry = f"page for consumers: {consumer} logged in over {browser.version}, {browser.address} answers"
            end = datetime.now(UTC).replace(microsecond=0)
            before = last_minute(browser, end)
            # Opening the token leaves something in a thread's queue of TLS errors: so it is opened on another.
            with ThreadPoolExecutor(1) as apart:
                kept = apart.submit(_stored, scene, before).result()
            shown = compared(before, kept, last_minute(browser, end))
            told = [_proof(scene, browser, folder), *secrecy(scene, browser, consumer)]
        return (Shown(f"{entry} {status}", status == HTTPStatus.OK), shown, *told)
    except PageError as error:
        return (Shown(f"page for consumers: {error}", good=False),)
    except _FAILURES as error:
        return (Shown(f"page for consumers: {type(error).__name__}: {error}", good=False),)


def secrecy(scene: Scene, browser: Browser, consumer: str) -> Iterator[Shown]:
    """What is another's is answered as what does not exist (FDP_ACF.1)."""
    other = others_contract(scene, consumer)
    if other is None:
        return
    own, _ = browser.ask(f"{API}/contracts/{own_contract(scene, consumer)}/billing-periods")
    hidden, _ = browser.ask(f"{API}/contracts/{other}/billing-periods")
    line = f"of another consumer's contract her page knows nothing: {hidden} for {other}"
    yield Shown(line, (own, hidden) == (HTTPStatus.OK, HTTPStatus.NOT_FOUND))


def own_contract(scene: Scene, consumer: str) -> str | None:
    """A contract about her meters alone."""
    return _contract(scene, scene.meters_measuring(consumer))


def others_contract(scene: Scene, consumer: str) -> str | None:
    """A contract about none of her meters; None where there is no other consumer."""
    return _contract(scene, {entry["meter"] for entry in scene.plan["meters"]} - scene.meters_measuring(consumer))


def _contract(scene: Scene, meters: set[str]) -> str | None:
    return next((name for name in scene.evaluations if set(scene.meters_of(name)) <= meters), None)


def last_minute(browser: Browser, end: datetime) -> Minute:
    """What the page says was read in the minute before ``end``."""
    asked = {"register": str(Obis.parse(REGISTER)), "begin": format_instant(end - LAST), "end": format_instant(end)}
    meters = [str(meter["meter"]) for meter in browser.json("/meters")["meters"]]
    found = [one for meter in meters for one in browser.json("/readings", meter=meter, **asked)["readings"]]
    rows = frozenset(
        (one["meter"], to_seconds(datetime.fromisoformat(one["captured_at"])), one["amount"]["value"], one["signature"])
        for one in found
    )
    return Minute(end, frozenset(meters), rows, all(one["verdict"] == Verdict.GENUINE.value for one in found))


def compared(before: Minute, kept: set[Row], after: Minute) -> Shown:
    """What is shown is what was stored, reading by reading and with its signature (PTB-A 50.8, display).

    What was read at the end of the minute may be stored only after somebody looked: so the page is looked at ``before``
    the store and ``after`` it.
    """
    line = f"her page shows what the gateway stored in the last minute: {len(after.rows)} readings, signatures genuine"
    return Shown(line, bool(kept) and before.rows <= kept <= after.rows and before.genuine and after.genuine)


def _stored(scene: Scene, seen: Minute) -> set[Row]:
    """The rows in the store that ``seen`` should be."""
    begin, end = to_seconds(seen.end - LAST), to_seconds(seen.end)
    query = (
        sa.select(readings)
        .where(readings.c.device.in_(seen.meters), readings.c.obis == Obis.parse(REGISTER).to_bytes())
        .where(readings.c.captured_at >= begin, readings.c.captured_at < end)
    )
    configuration = Configuration.load(scene.gateway_configuration)
    with open_store(configuration, time.monotonic) as (_, database), database.read() as connection:
        return {(row.device, row.captured_at, row.value, row.signature.hex()) for row in connection.execute(query)}


def _proof(scene: Scene, browser: Browser, folder: Path) -> Shown:
    """Her data as a file that proves itself, checked as anybody checks it: with the file and the root certificate."""
    end = datetime.now(UTC).replace(microsecond=0)
    asked = {"form": "proof", "begin": format_instant(end - PROVEN), "end": format_instant(end)}
    status, body = browser.ask(f"{API}/export?{urlencode(asked)}")
    if status != HTTPStatus.OK:
        return Shown(f"her proof is not handed out: {status} {body[:200].decode(errors='replace')}", good=False)
    file = folder / PROOF
    file.write_bytes(body)
    root = scene.pki / "trust" / "root.pem"
    command = [program("smgw-verify"), str(file), "--root", str(root), "--gateway", scene.gateway_id, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=120)
    line = f"her proof of the last {PROVEN.days} days is verified with the root certificate alone (smgw-verify {PROOF})"
    return Shown(line if done.returncode == 0 else (done.stderr or done.stdout)[-500:], done.returncode == 0)
