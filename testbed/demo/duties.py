"""What a gateway does for the consumer and the law beside delivering, as an onlooker finds it at the end of a run.

Decides which evidence stands for which duty, a line each: what the machines say of themselves (``observe.py``), and
what the commands say that a technician, the verification authority, the consumer and anybody with an exported log would
type. Nothing here is asked of the gateway for the sake of the demonstration.
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from admin.config import Configuration
from smgw.clock_watch import LOOK_SECONDS
from smgw.secure_states import SecureState
from smgw.wan.concealment import EVENT_DRIVEN
from testbed.demo.observe import DeliverySeen, Seen, Shown
from testbed.demo.page import look_at_page
from testbed.demo.people import address_of
from testbed.demo.scene import Scene, program
from wire.instant import parse_instant
from wire.profiles import UseCase

CHANCE: Final = 8
"""Octets by which sealed messages of one length differ: a signature in DER is some octets shorter now and then."""
COMMAND_SECONDS: Final = 120.0
FIRST_SWEEP: Final = timedelta(seconds=LOOK_SECONDS + 15)
"""From the order to the first sweep: the gateway looks once a minute."""
INTERFACE: Final = "wwan0"
HOME: Final = "eth1"
NEXT: Final = "\n          "
"""A second line about the same."""
_RECORDS: Final = re.compile(r"^(\w+) log: records (\d+) to (\d+) are as they were written", re.MULTILINE)
_DESTINATION: Final = re.compile(r"127\.0\.0\.1 \. (\d+)")


@dataclass(frozen=True, slots=True)
class Looked:
    """What the commands said; empty where nobody typed them."""

    duties: tuple[Shown, ...] = ()
    consumers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Consumer -> lines of her own log, in German and English."""


@dataclass(frozen=True, slots=True)
class _Said:
    good: bool
    text: str

    def shown(self, line: str, *, good: bool = True) -> Shown:
        """``line`` where it went well, else what was said instead."""
        return Shown(line, good) if self.good else Shown(self.text.strip() or line, good=False)


def seen_duties(seen: Seen, before: Seen) -> Iterator[Shown]:
    """Self-test and states, retention, concealment: what the machines say."""
    tested = seen.desk.self_tests - before.desk.self_tests
    states = f"secure state {seen.state or 'unknown'}; self-tests on the administrator's order, all passed: {tested}"
    yield Shown(states, seen.state == SecureState.NORMAL and tested > 0)
    yield _retention(seen)
    covered = [one for one in seen.deliveries.values() if one.use_case in EVENT_DRIVEN]
    if covered:
        yield _concealment(covered, before)


def _retention(seen: Seen) -> Shown:
    told = seen.retention
    days, ordered, swept = (told.get(name) for name in ("readings_days", "set_at", "swept_at"))
    if not ordered:
        return Shown("retention: nothing is ordered", good=False)
    old = sum(told["deleted"].values())
    if swept:
        return Shown(f"retention: {days} days by order, last swept {swept}, {old} rows were too old", good=True)
    waits = told["waits_for"] or "the first sweep, within a minute of the order"
    return Shown(f"retention: {days} days by order, waits for {waits}", seen.at - parse_instant(ordered) < FIRST_SWEEP)


def _concealment(covered: Sequence[DeliverySeen], before: Seen) -> Shown:
    """One size a profile, whether there is something to say or not."""
    told, empty = [], 0
    for one in covered:
        earlier = before.deliveries.get(one.name)
        came = one.opened - (earlier.opened if earlier else 0)
        without = one.empty - (earlier.empty if earlier else 0)
        empty += without
        told.append(f"{one.name} {came} of {one.longest} ({without} empty)")
    same = all(one.sealed > 1 and one.longest - one.shortest <= CHANCE for one in covered)
    silent = any(one.use_case in {UseCase.TAF_5, UseCase.TAF_9, UseCase.TAF_11} for one in covered)
    what = "all deliveries of a profile had one size in octets, covers too" if same else "sizes differ, or too few left"
    return Shown(f"{what}:{NEXT}{', '.join(told)}", same and (empty > 0 or not silent))


def look_at_duties(scene: Scene) -> Looked:
    """Type the commands while the machines run."""
    exported = scene.state / "exported"
    exported.mkdir(mode=0o700, exist_ok=True)
    with ThreadPoolExecutor(2) as hands:
        # One after the other: each export makes a checkpoint of its own.
        exports = hands.submit(_export, scene, exported)
        here = hands.submit(_type, "smgw", "logs", "verify", scene.gateway_configuration)
        firewall = hands.submit(_firewall, scene)
        files, lines = exports.result()
        # After the exports: what a consumer does stands in her log.
        page = hands.submit(look_at_page, scene, exported)
        elsewhere = list(hands.map(partial(_verify, scene), files))
    return Looked((_at_gateway(here.result()), _elsewhere(elsewhere, files), firewall.result(), *page.result()), lines)


def _export(scene: Scene, folder: Path) -> tuple[list[Path], dict[str, tuple[str, ...]]]:
    """Every log as a file, and what each consumer reads in hers."""
    system, calibration = folder / "system.json", folder / "calibration.json"
    _type("smgw", "logs", "export", scene.gateway_configuration, system)
    authority = ("--log", "calibration", "--as", "verification-authority")
    _type("smgw", "logs", "export", scene.gateway_configuration, calibration, *authority)
    files, lines = [system, calibration], {}
    for consumer in scene.consumers:
        files.append(folder / f"{consumer}.json")
        words = ("consumer-log", scene.gateway_configuration, consumer, "--lang", "de", "--lang", "en")
        lines[consumer] = tuple(_type("smgw-testbed", *words, "--export", files[-1]).text.splitlines())
    return files, lines


def _verify(scene: Scene, file: Path) -> _Said:
    """As anybody does who has the file and the root: no gateway, no token, no store."""
    root = scene.pki / "trust" / "root.pem"
    return _type("smgw", "logs", "verify", "--export", file, "--root", root, "--gateway", scene.gateway_id)


def _at_gateway(said: _Said) -> Shown:
    records = [f"{log} {first}-{last}" for log, first, last in _RECORDS.findall(said.text)]
    kinds = {log for log, _, _ in _RECORDS.findall(said.text)}
    line = f"logs are as they were written, records {', '.join(records)} (smgw logs verify)"
    return said.shown(line, good=kinds == {"calibration", "consumer", "system"})


def _elsewhere(said: Sequence[_Said], files: Sequence[Path]) -> Shown:
    names = ", ".join(file.name for file in files)
    line = f"exported copies are verified without gateway or token: {names} (smgw logs verify --export)"
    wrong = next((one for one in said if not one.good), None)
    return wrong.shown(line) if wrong else Shown(line, all(_RECORDS.search(one.text) for one in said))


def _firewall(scene: Scene) -> Shown:
    """The rules that this gateway would apply if it had interfaces of its own."""
    ports = Configuration.load(scene.administrator_configuration)
    wanted = {ports.management.port, ports.service.port, *(party.port for party in scene.parties)}
    file = scene.gateway / "firewall.toml"
    port = urlsplit(address_of(scene)).port
    rules = f'[firewall]\nwan = "{INTERFACE}"\nhan = "{HOME}"\nhttps_port = {port}\n'
    file.write_text(f"{scene.gateway_configuration.read_text()}\n{rules}")
    said = _type("smgw", "firewall", "show", file)
    opened = {int(port) for port in _DESTINATION.findall(said.text)}
    line = (
        f"firewall of {INTERFACE}: out to {len(opened)} places of the profiles, in the wake-up port, nothing else; "
        f"{HOME}: the page (smgw firewall show){NEXT}"
        "shown and not applied here: that takes root, and other interfaces than loopback"
    )
    return said.shown(line, good=opened == wanted)


def _type(name: str, *words: object) -> _Said:
    command = [program(name), *map(str, words)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=COMMAND_SECONDS
        )
    except subprocess.TimeoutExpired:
        return _Said(good=False, text=f"{name} {words[0]} took too long")
    return _Said(done.returncode == 0, done.stdout if done.returncode == 0 else done.stderr)
