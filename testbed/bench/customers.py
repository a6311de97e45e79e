"""Twenty customers at once, and whether their gateway still reads its meters on time.

The gateway's side is a process of its own: three lines with their simulated meters (pseudo-terminals with the true
timing of 9600 Bd), each read every two seconds, every reading signed in the token and stored; and the customer's page
as it is served, nginx and its key in the same token included. The customers come over TLS, half of them with a session,
half answering a challenge with each question, each from an address of its own and as fast as they are answered: now, a
day of quarter hours, a month of days, readings with their checked signatures. The peer is the same gateway without
them, before and after. All share this machine, the customers' own work included.
"""

import http.client
import json
import os
import secrets
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TextIO
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ec

from han_web.api.routes import PREFIX
from han_web.serve import serve
from pki.token import Token, initialise_token, use_configuration
from pki.token_tls import TokenAddress
from smgw.config import Framing, LineConfiguration
from smgw.config_han import HanConfiguration
from smgw.han.certificate import HanCertificate, grouped_fingerprint, pem_of
from smgw.han.digest import Answer
from smgw.han.passwords import verifier_of
from smgw.han.settings import HanIdentity, HanSettings
from smgw.lmn.line import Line
from smgw.lmn.poll import Poller
from smgw.lmn.telegram import Telegram
from smgw.metering.tariffs.calendar import QUARTER_HOUR
from testbed.bench.figures import Figure
from testbed.bench.fronts import free_port, processor_seconds
from testbed.bench.homes import GATEWAY, IMPORT, PASSWORD, Homes, Person
from wire.profiles import MeterProfile
from wire.reading import DeviceId

CUSTOMERS: Final = 20
LINES: Final = 3
INTERVAL_SECONDS: Final = 2
SECONDS: Final = 16.0
"""Of each part: eight read-outs of each meter."""
HISTORY: Final = timedelta(days=35)
MODULE: Final = Path("/usr/lib/softhsm/libsofthsm2.so")
_LINE_SPEED: Final = 9600
_PIN: Final = "0123456789"
_SO_PIN: Final = "9876543210"
_LABEL: Final = "homes"
_READY_SECONDS: Final = 60.0
_AGAINST: Final = "the same gateway without customers"


def run() -> list[Figure]:
    """Measure for about a minute and a half."""
    with tempfile.TemporaryDirectory(prefix="smgw-customers-") as name, ExitStack() as ending:
        folder = Path(name)
        links = [folder / f"meter-{number}" for number in range(LINES)]
        for number, link in enumerate(links):
            ending.enter_context(_meter(number, link))
        command = [sys.executable, "-m", "testbed.bench.customers", name]
        gateway = ending.enter_context(_child(command))
        server = json.loads(_line(gateway))
        context = ssl.create_default_context(cadata=server["certificate"])
        context.check_hostname = False
        quiet = [_part(gateway, 0, context, server["port"])]
        busy = _part(gateway, CUSTOMERS, context, server["port"])
        quiet.append(_part(gateway, 0, context, server["port"]))
    return _figures(quiet, busy)


def _figures(quiet: Sequence[dict[str, list[float]]], busy: dict[str, list[float]]) -> list[Figure]:
    figures = []
    for what, key in (("begin of a read-out after its instant", "begun"), ("its readings stored", "stored")):
        without = [late for part in quiet for late in part[key]]
        middle, plain = statistics.median(busy[key]), statistics.median(without)
        note = f"{middle * 1e3:.0f} ms over {plain * 1e3:.0f} ms; latest {max(busy[key]) * 1e3:.0f} ms over "
        note += f"{max(without) * 1e3:.0f} ms"
        figures.append(Figure(f"{what}, {CUSTOMERS} customers", middle / plain, "ratio", _AGAINST, "about 1", note))
    expected = LINES * SECONDS / INTERVAL_SECONDS
    missed = f"of {expected:.0f} instants; {expected - len(quiet[0]['begun']):.0f} without customers"
    asked, spent = sum(busy["asked"]), sum(busy["spent"]) - sum(quiet[0]["spent"])
    took = sorted(busy["took"])
    return [
        *figures,
        Figure("instants without a read-out", expected - len(busy["begun"]), "", _AGAINST, "0", missed),
        Figure("requests per second", asked / SECONDS, "1/s", note=f"{asked:.0f} in {SECONDS:.0f} s, all answered"),
        Figure(
            "processor time of the gateway per request",
            1e3 * spent / asked,
            "ms",
            note="nginx, token and handshakes included; what reading meters costs is taken off",
        ),
        Figure(
            "answer after",
            1e3 * statistics.median(took),
            "ms",
            note=f"95 % within {1e3 * took[len(took) * 95 // 100]:.0f} ms",
        ),
    ]


@contextmanager
def _child(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def _meter(number: int, link: Path) -> Iterator[None]:
    words = ["meter", "--quiet", "--load", "flat", "--link", str(link), "--serial", f"{47110000 + number}"]
    words += ["--speed", str(_LINE_SPEED), "--top-speed", "none"]
    with _child([sys.executable, "-m", "testbed", *words]) as process:
        _line(process)
        yield


def _line(process: "subprocess.Popen[str]") -> str:
    if process.stdout is None or not (said := process.stdout.readline()):
        raise RuntimeError(f"{process.args!r} ended")
    return said


def _part(
    gateway: "subprocess.Popen[str]", customers: int, context: ssl.SSLContext, port: int
) -> dict[str, list[float]]:
    """What happened while ``customers`` asked for some seconds, whole instants from the begin on."""
    # Shortly before an instant.
    time.sleep(INTERVAL_SECONDS - (time.time() + 0.05) % INTERVAL_SECONDS)
    _say(gateway, "begin")
    deadline = time.monotonic() + SECONDS
    took: list[float] = []
    if customers:
        with ThreadPoolExecutor(customers) as pool:
            for one in [pool.submit(_customer, number, context, port, deadline) for number in range(customers)]:
                took += one.result()
    else:
        time.sleep(max(0.0, deadline - time.monotonic()))
    _say(gateway, "end")
    measured: dict[str, list[float]] = json.loads(_line(gateway))
    # The last read-out under way belongs to nobody.
    time.sleep(INTERVAL_SECONDS)
    return measured | {"took": took, "asked": [len(took)]}


def _say(process: "subprocess.Popen[str]", word: str) -> None:
    if process.stdin is None:
        raise RuntimeError("nobody listens")
    process.stdin.write(word + "\n")
    process.stdin.flush()


def _customer(number: int, context: ssl.SSLContext, port: int, deadline: float) -> list[float]:
    """Ask until ``deadline``; how long each answer took."""
    person = _people()[number]
    now = datetime.now(UTC)
    today, month = (quote((now - timedelta(days=days)).isoformat()) for days in (1, 30))
    asked = f"meter={person.meter}&register={quote(str(IMPORT))}&end={quote(now.isoformat())}"
    questions = [
        f"{PREFIX}/now",
        f"{PREFIX}/series?{asked}&begin={today}&resolution=quarter-hour",
        f"{PREFIX}/series?{asked}&begin={month}&resolution=day",
        f"{PREFIX}/readings?{asked}&begin={today}&limit=20",
    ]
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port, context=context, timeout=30, source_address=(f"127.0.0.{2 + number}", 0)
    )
    took: list[float] = []
    with closing(connection):
        visit = _Visit(connection, person, session=number % 2 == 0)
        while time.monotonic() < deadline:
            begin = time.monotonic()
            visit.ask(questions[len(took) % len(questions)])
            took.append(time.monotonic() - begin)
    return took


class _Visit:
    """One customer's way in: a session, or an answer to the challenge with each question."""

    def __init__(self, connection: http.client.HTTPSConnection, person: Person, *, session: bool) -> None:
        self._connection = connection
        self._person = person
        self._verifier = verifier_of(person.name, GATEWAY.text, PASSWORD)
        self._nonce, self._count, self._cookie = "", 0, ""
        self._challenge()
        if session:
            answer = self._get("/login/digest", {"Authorization": self._answer("/login/digest")})
            self._cookie = answer.headers["Set-Cookie"].partition(";")[0]

    def ask(self, target: str) -> None:
        """Raises RuntimeError where there is no answer."""
        way = {"Cookie": self._cookie} if self._cookie else {"Authorization": self._answer(target)}
        answer = self._get(target, way)
        if answer.status != http.client.OK:
            raise RuntimeError(f"{target} was answered with {answer.status}")

    def _challenge(self) -> None:
        header = self._get(f"{PREFIX}/now", {}).headers["WWW-Authenticate"]
        self._nonce = header.partition('nonce="')[2].partition('"')[0]

    def _answer(self, target: str) -> str:
        self._count += 1
        number = secrets.token_hex(8)
        blank = Answer(self._person.name, GATEWAY.text, self._nonce, target, self._count, number, "")
        return replace(blank, response=blank.expected(self._verifier, "GET")).to_header()

    def _get(self, target: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._connection.request("GET", target, headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer


def _people() -> list[Person]:
    """Those of whom there are readings already."""
    return [Person(f"home-{number}", DeviceId(f"1ISK00{47120000 + number}")) for number in range(CUSTOMERS)]


def _read() -> list[Person]:
    """Those with a meter on a line."""
    every = INTERVAL_SECONDS
    return [
        Person(f"read-{number}", DeviceId(f"1ISK00{47110000 + number}"), f"line-{number}", every, every)
        for number in range(LINES)
    ]


class _Diary:
    """When read-outs began and their readings were stored, in seconds after their instants."""

    def __init__(self, homes: Homes) -> None:
        self._homes = homes
        self._lock = threading.Lock()
        self._kept: list[tuple[float, float]] = []

    def deliver(self, profile: MeterProfile, telegram: Telegram) -> None:
        """A line's telegram, on its walk through the gateway."""
        stored = self._homes.gateway.accept(profile, telegram)
        done = time.time()
        begun = telegram.started_at.timestamp()
        instant = begun // INTERVAL_SECONDS * INTERVAL_SECONDS
        if stored:
            with self._lock:
                self._kept.append((begun - instant, done - instant))

    def take(self) -> list[tuple[float, float]]:
        """What was kept since the last time."""
        with self._lock:
            kept, self._kept = self._kept, []
            return kept


def gateway_side(folder: Path, said: TextIO) -> None:
    """The gateway, until nobody says anything any more."""
    configuration = folder / "softhsm2.conf"
    (folder / "tokens").mkdir(mode=0o700)
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    use_configuration(configuration)
    initialise_token(MODULE, _LABEL, _PIN, _SO_PIN)
    people = _people()
    with ExitStack() as ending:
        token = ending.enter_context(Token.open(MODULE, _LABEL, _PIN, monotonic=time.monotonic))
        key = token.generate_key("SIG", ec.BrainpoolP256R1())
        homes = ending.enter_context(closing(Homes(folder, people + _read(), _clock, key)))
        now = int(time.time())
        begin = now - int(HISTORY.total_seconds())
        for person in people:
            homes.fill(person, range(begin - begin % QUARTER_HOUR, now, QUARTER_HOUR))
        page = HanConfiguration((ip_address("127.0.0.1"),), free_port())
        held = HanCertificate(GATEWAY, page, token, folder, random=os.urandom, sync=lambda: None)

        def identity() -> HanIdentity:
            certificate, label = held.look(_clock(), trusted=True)
            address = TokenAddress(MODULE, _LABEL, {"SOFTHSM2_CONF": str(configuration)}, label)
            return HanIdentity(pem_of(certificate), grouped_fingerprint(certificate), address)

        settings = HanSettings(page, folder / "page", lambda: _PIN, identity, lambda _: None)
        running = serve(homes.port, settings)
        ending.callback(running.stop)
        diary = _Diary(homes)
        for number, person in enumerate(_read()):
            line = _reading(person, folder / f"meter-{number}", homes, diary)
            ending.callback(line.stop)
            line.start()
        _until(lambda: running.serving() and len(diary.take()) > 0)
        _tell({"certificate": settings.identity().certificate.decode(), "port": page.port})
        for word in said:
            if word.strip() == "begin":
                diary.take()
                spent = processor_seconds([os.getpid()])
            else:
                kept, spent = diary.take(), processor_seconds([os.getpid()]) - spent
                _tell({"begun": [one for one, _ in kept], "stored": [one for _, one in kept], "spent": [spent]})


def _reading(person: Person, link: Path, homes: Homes, diary: _Diary) -> Line:
    configuration = LineConfiguration(person.line, str(link), _LINE_SPEED, Framing.SEVEN_EVEN, echo=False)
    profile = homes.gateway.profiles.meters[f"meter-{person.name}"]
    poller = Poller(clock=_clock)
    return Line(configuration, [profile], deliver=diary.deliver, report=_report, clock=_clock, poller=poller)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("the gateway does not read its meters, or does not serve")
        time.sleep(0.1)


def _tell(document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _clock() -> datetime:
    return datetime.now(UTC)


def _report(event: object, subject: str, **parameters: object) -> None:
    sys.stderr.write(f"{event} {subject} {parameters}\n")


if __name__ == "__main__":
    gateway_side(Path(sys.argv[1]), sys.stdin)
