"""What the administrator does in the demonstration, typed as a person would type it, and told as it is done.

Decides where to go on by what stands in the administrator's own database: a gateway with a quality seal is enrolled,
one without profiles gets them, and one that has everything is asked how it is. Then, or as soon as something was read,
it is called for what only an order starts: a sweep, a self-test, an event, values on request. The gateway itself is
never touched: every command reaches it by a wake-up and through the tunnel that it then opens.
"""

import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Self

from admin.accounts import accounts
from admin.config import Configuration
from admin.errors import AdminError
from admin.life_cycle import LifeCycle
from admin.office import Office
from smgw.status import StatusError, read_status
from testbed.demo.people import LANGUAGE, address_of, people, told
from testbed.demo.scene import Say, Scene, SceneError, program
from wire.orders import ChangeProfiles, RaiseEvent, RequestValues, RunSelfTest, SetRetention
from wire.profiles import UseCase
from wire.reading import DeviceId

POLL_SECONDS = 0.1
STOP_SECONDS = 5.0
FIRST_READINGS_SECONDS = 60.0
"""How long the first readings are waited for; with longer intervals the errands go ahead of them."""
PAGE_SECONDS = 120.0
"""How long the page is waited for: it begins with the gateway."""
RETENTION = ("--readings-days", "730", "--system-log-days", "365")
ON_REQUEST = frozenset({UseCase.TAF_6, UseCase.TAF_9})


class StoppedError(Exception):
    """Somebody stopped the demonstration while a command ran."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the administrator is with the gateway."""

    state: LifeCycle
    tunnel: bool
    """Whether a tunnel is open."""
    profiles: bool
    """Whether the gateway holds every draft by a confirmed order."""
    waiting: frozenset[str]
    """Kinds of orders that are open: queued in a run that was stopped."""
    accounts: frozenset[str] = frozenset()
    """The user names that the gateway knows, or will know by these orders."""


def standing(scene: Scene) -> Standing:
    """Look into the administrator's database. Raises SceneError."""
    gateway = DeviceId(scene.gateway_id)
    with _office(scene) as office:
        held = set(office.orders.holding(gateway).profiles)
        wanted = {(profile.KIND, profile.id) for profile in map(office.drafts.profile, scene.drafts)}
        return Standing(
            office.inventory.get(gateway).state,
            tunnel=office.tunnels.open(gateway, datetime.now(UTC)) is not None,
            profiles=wanted <= held,
            waiting=frozenset(order.kind for order in office.orders.open(gateway)),
            accounts=frozenset(one.name for one in accounts(office.orders.expected(gateway))),
        )


class Administration:
    """The administrator at work, on a thread of its own, so that an onlooker sees it (a context manager)."""

    def __init__(self, scene: Scene, say: Say) -> None:
        """Nothing is done before the block begins; ``say`` is told every command and what it said."""
        self._scene = scene
        self._say = say
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="administrator", daemon=True)
        self._failure: SceneError | None = None
        self.typing = ""
        """The command that runs now."""

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs; a later start goes on from there."""
        self._stopping.set()
        self._thread.join(2 * STOP_SECONDS)

    def check(self) -> None:
        """Raise the SceneError that ended the work, if one did."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            administer(self._scene, self._typed, self._stopping)
        except SceneError as error:
            self._failure = error
        except StoppedError:
            pass
        finally:
            self.typing = ""

    def _typed(self, sentence: str) -> None:
        self.typing = sentence.removeprefix("$ ") if sentence.startswith("$ ") else self.typing
        self._say(sentence)


def administer(scene: Scene, say: Say, stopping: threading.Event) -> None:
    """Bring the gateway to where it delivers, or ask one that does how it is. Raises SceneError, StoppedError."""
    gateway, now = scene.gateway_id, standing(scene)

    def type_(*words: str) -> list[str]:
        return _type(scene, words, say, stopping)

    def show(lines: list[str]) -> None:
        for line in lines:
            say("  " + line)

    def queue(kind: str, *words: str) -> None:
        if kind not in now.waiting:
            type_(*words, "--no-wait")

    def admit() -> None:
        for person in people(scene):
            if person.name in now.accounts:
                continue
            letter = scene.letter(person.name)
            letter.unlink(missing_ok=True)  # of an account that was never queued
            told = ("--language", LANGUAGE, "--letter", str(letter), "--address", address_of(scene))
            type_("accounts", "new", gateway, person.name, *person.words, *told, "--no-wait")

    if now.state is not LifeCycle.OPERATING:
        say(f"{gateway} has the manufacturer's quality seal and no profile: it gets certificates of its own")
        show(type_("enrol", gateway))
        now = standing(scene)
    scene.publish_certificates()
    if not now.profiles:
        with ThreadPoolExecutor(1) as hands:
            past = hands.submit(scene.give_past)
            if now.tunnel:
                show(type_("break-up", gateway))
            say(f"every profile goes to {gateway} as one signed order, and BreakUp ends the tunnel")
            queue(ChangeProfiles.KIND, "profiles", "issue", *scene.drafts, gateway)
            admit()
            show(type_("orders", "run", gateway, "--break-up"))
        if laid := past.result():
            say(f"the house's past is simulated: {laid} readings were laid into the gateway's store, signed by its key")
        now = standing(scene)
        for line in _page(scene, stopping):
            say(line)
        _wait_for_readings(scene, stopping)
        say(f"{gateway} reads; it is called once more, for what only an order starts")
    else:
        for line in _page(scene, stopping):
            say(line)
        say(f"{gateway} has its profiles from an earlier order; it is asked how it is")
        type_("status", gateway, "--refresh")
        say("  its answer is kept: the same command without --refresh shows it")
    admit()
    for kind, words in errands(scene):
        queue(kind, *words)
    show(type_("orders", "run", gateway, "--break-up"))
    say(f"{gateway} needs nobody now: it reads, seals and delivers by itself")


def _page(scene: Scene, stopping: threading.Event) -> list[str]:
    """Where the page is, as soon as it is served. Raises StoppedError."""
    give_up = time.monotonic() + PAGE_SECONDS
    while time.monotonic() < give_up:
        with suppress(StatusError):
            page = read_status(scene.gateway / "store").get("han") or {}
            if page.get("serving"):
                return told(scene, page)
        if stopping.wait(POLL_SECONDS):
            raise StoppedError
    return ["the customer's page is not served: smgw status says why"]


def errands(scene: Scene) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Kind of order and words of each that is given to a gateway that reads; none shows the administrator a value."""
    gateway = scene.gateway_id
    # Ordered at each start: a sweep follows within a minute, and otherwise within the hour.
    yield SetRetention.KIND, ("retention", gateway, *RETENTION)
    yield RunSelfTest.KIND, ("self-test", gateway)
    for event in _events(scene):
        yield RaiseEvent.KIND, ("event", gateway, event, "on")
    for one in scene.plan["evaluations"]:
        if one["use_case"] in ON_REQUEST:
            yield RequestValues.KIND, ("request", gateway, one["id"])


def _events(scene: Scene) -> list[str]:
    """Those that a profile waits for."""
    rules = [one.get("rule", {}) for one in scene.plan["evaluations"]]
    return sorted(set(chain.from_iterable(rule.get("events", ()) for rule in rules)))


def _wait_for_readings(scene: Scene, stopping: threading.Event) -> None:
    """Until every meter was read and stored, or some time is over. Raises StoppedError."""
    give_up = time.monotonic() + FIRST_READINGS_SECONDS
    while time.monotonic() < give_up:
        with suppress(StatusError):
            meters = read_status(scene.gateway / "store")["meters"]
            if meters and all(meter["stored"] for meter in meters.values()):
                return
        if stopping.wait(POLL_SECONDS):
            raise StoppedError


def _type(scene: Scene, words: tuple[str, ...], say: Say, stopping: threading.Event) -> list[str]:
    """Run one command of ``smgw-admin``; gives what it said, line by line."""
    say("$ smgw-admin " + " ".join(words))
    command = [program("smgw-admin"), *words, "--config", str(scene.administrator_configuration)]
    # A session of its own, so that Ctrl-C reaches only the demonstration, which then ends the command.
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said = _said(process, stopping)
        finally:
            process.kill()
    if process.returncode:
        raise SceneError(f"`smgw-admin {' '.join(words)}` ended with {process.returncode}: {said.strip()}")
    return said.splitlines()


def _said(process: "subprocess.Popen[str]", stopping: threading.Event) -> str:
    while not stopping.is_set():
        try:
            return process.communicate(timeout=POLL_SECONDS)[0]
        except subprocess.TimeoutExpired:
            continue
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=STOP_SECONDS)
    raise StoppedError


def by_hand(scene: Scene) -> list[str]:
    """How a person goes on in another terminal while the machines run, each command with what it is for."""
    gateway, own = scene.gateway_id, _near(scene.gateway_configuration)
    at_desk = [
        (f"status {gateway} --refresh", "what the gateway is doing"),
        (f"wake {gateway}", "its tunnel, opened by a wake-up"),
        (f"logs {gateway} --refresh --lang de", "its system log"),
        *((f"event {gateway} {one} off", "an event is over") for one in _events(scene)),
        (f"break-up {gateway}", "its tunnel, ended"),
        (f"restart {gateway}", "its process, started anew"),
        (f"accounts list {gateway}", "who may come in at its page"),
        (f"accounts reset {gateway} {scene.consumers[-1]}", "another password, once hers is lost"),
        ("orders list", "everything that was ever ordered"),
        ("audit list", "who did what, signed"),
        ("users add you --role supervisor", "yourself, let in to the console"),
        ("web", "the console, in a browser"),
    ]
    at_gateway = [
        (f"smgw status {own}", "how it is"),
        (f"smgw logs show {own} --lang de", "its system log, for the technician"),
        (f"smgw logs verify {own}", "whether its logs are as it wrote them"),
        *((f"smgw-testbed consumer-log {own} {one}", "what she reads about herself") for one in scene.consumers),
    ]
    near = _near(Path(program("smgw")).parent)
    configuration = _near(scene.administrator_configuration)
    return [
        "By hand, in another terminal, while the demonstration runs; the administrator:",
        *(f"  {near}/smgw-admin {typed} --config {configuration}  # {what}" for typed, what in at_desk),
        "at the gateway:",
        *(f"  {near}/{typed}  # {what}" for typed, what in at_gateway),
    ]


def _near(path: Path) -> Path:
    """``path`` as it is typed in this folder, where it lies in it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@contextmanager
def _office(scene: Scene) -> Iterator[Office]:
    try:
        configuration = Configuration.load(scene.administrator_configuration)
        with Office(configuration, monotonic=time.monotonic) as office:
            yield office
    except AdminError as error:
        raise SceneError(f"the administrator's database: {error}") from error
