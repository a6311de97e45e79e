"""What a wake-up costs to check, and what a flood of them does to the rest of a gateway.

Checks are timed against a bare ECDSA verification of the same library and key, and against a bare ``recvfrom`` of a
datagram that lies ready. The floods are 50,000 datagrams a second for half a minute, sent by a process of its own to
the port of a gateway's side that reads a simulated meter over a pseudo-terminal meanwhile: how late its read-outs and
a schedule of one second begin, against the same without a flood, and whether the administrator's call comes through.
"""

import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from json import loads
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role
from pki.wakeup import sign_wake_up
from smgw.config import Framing, LineConfiguration
from smgw.lmn.line import Line
from smgw.lmn.poll import Poller
from smgw.lmn.port import Port
from smgw.lmn.schedule import Schedule
from smgw.lmn.telegram import Frame
from smgw.store.database import Database
from smgw.store.logs import SystemLog
from smgw.store.wake_ups import WakeUpMemory
from smgw.wan.wakeup import WakeUpGate, WakeUpRefusedError
from smgw.wan.wakeup_port import WakeUpPort
from testbed.bench.figures import ROUNDS, Figure, paired, seconds_per_call
from testbed.small_pki import Holder, SmallPki
from wire.obis import Obis
from wire.profiles import AdministratorProfile, MeterProfile
from wire.reading import DeviceId
from wire.wakeup import SIGNATURE_SIZE, SIZE, WakeUp

RATE: Final = 50_000
FLOOD_SECONDS: Final = 30
QUIET_SECONDS: Final = 15
TICK_SECONDS: Final = 1
METER_SECONDS: Final = 2
TARGET_DELAY: Final = "at most 1 s"
LINE_SPEED: Final = 9600
QUEUED: Final = 128
"""Datagrams that lie ready in a socket for a bare ``recvfrom``."""
STORED: Final = 100
_GATEWAY: Final = DeviceId("EABC0012345678")
_METER: Final = DeviceId("1ISK0012345678")
_ECDSA: Final = ec.ECDSA(SHA256())
_HOME: Final = "127.0.0.1"
_STRANGERS: Final = ",".join(f"127.0.1.{number}" for number in range(1, 101))
_AHEAD: Final = timedelta(seconds=10)
"""The worst datagrams are made before the flood and have to be fresh until its end."""


def run() -> list[Figure]:
    """Measure the checks, then the floods."""
    with _world() as world:
        figures = [*_checks(world), _remembered(world)]
    with _world() as world:
        return [*figures, *_floods(world)]


class _Forgetful:
    """Remembers nothing, so that one wake-up can be checked over and over."""

    def seen(self, *_: object) -> bool:
        """Never."""
        return False

    def remember(self, *_: object) -> None:
        """Not at all."""


@dataclass
class _World:
    """An administrator, and what a gateway knows of him."""

    database: Database
    pki: SmallPki
    administrator: Holder
    profile: AdministratorProfile
    source: random.Random = field(default_factory=lambda: random.Random(1))

    def gate(self, memory: WakeUpMemory | _Forgetful) -> WakeUpGate:
        """A gate in front of this gateway."""
        trust = self.pki.trust()
        return WakeUpGate(_GATEWAY, memory, lambda: self.profile, lambda: trust)

    def call(self, at: datetime, gateway: DeviceId = _GATEWAY) -> bytes:
        """A genuine wake-up."""
        return sign_wake_up(gateway, at.replace(microsecond=0), self.source.randbytes(16), self.administrator.key)


@contextmanager
def _world() -> Iterator[_World]:
    now = _clock().replace(microsecond=0) - timedelta(minutes=1)
    pki = SmallPki(now=now)
    sig = pki.holder(Role.GWA, Purpose.SIG, "Verwalter")
    tls = pki.holder(Role.GWA, Purpose.TLS, "Verwalter")
    profile = AdministratorProfile(
        id="administrator",
        version=1,
        party="Verwalter",
        host=_HOME,
        management_port=4433,
        service_port=4434,
        tls_certificate=tls.certificate.public_bytes(Encoding.DER),
        signature_certificate=sig.certificate.public_bytes(Encoding.DER),
        valid_from=now,
        valid_until=now + timedelta(days=1),
    )
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open_with_key(Path(folder) / "gateway.db", bytes(range(32)), create=True)
        try:
            yield _World(database, pki, sig, profile)
        finally:
            database.close()


def _checks(world: _World) -> list[Figure]:
    """Processor time of each outcome beside its bare counterpart."""
    at = _clock()
    call = world.call(at)
    forged = call[:-SIGNATURE_SIZE] + world.call(at)[-SIGNATURE_SIZE:]
    gate = world.gate(_Forgetful())
    figures = []
    for name, datagram in (("valid", call), ("signature of another wake-up", forged)):
        ours, theirs = paired(_opening(gate, datagram, at), _bare_verification(world, datagram))
        figures += [
            Figure(f"checked per second, {name}", 1 / ours, "1/s", note="one core, all steps, in memory"),
            Figure(f"- its price, {name}", ours / theirs, "ratio", against="bare ECDSA verification"),
        ]
    refused = {
        "size": call[:-1],
        "addressee": world.call(at, DeviceId("EABC0012345679")),
        "stale": world.call(at - timedelta(minutes=1)),
    }
    seen = WakeUpMemory(world.database)
    seen.remember(WakeUp.from_bytes(call).nonce, at.replace(microsecond=0))
    bare = _bare_receive()
    for name, datagram in {**refused, "replayed": call}.items():
        spent = seconds_per_call(_opening(world.gate(seen), datagram, at))
        figures += [
            Figure(f"refused per second, {name}", 1 / spent, "1/s", note="one core, without receiving it"),
            Figure(f"- its price, {name}", spent / bare, "ratio", against="bare recvfrom"),
        ]
    return figures


def _opening(gate: WakeUpGate, datagram: bytes, at: datetime) -> Callable[[], object]:
    def run_once() -> None:
        try:
            gate.open(datagram, at)
        except WakeUpRefusedError:
            return

    return run_once


def _bare_verification(world: _World, datagram: bytes) -> Callable[[], object]:
    key, signed = world.administrator.key.public_key(), WakeUp.from_bytes(datagram).signed_bytes()
    signature = world.administrator.key.sign(signed, _ECDSA)  # a bad one costs the same: ECDSA finds out at its end
    return lambda: key.verify(signature, signed, _ECDSA)


def _bare_receive() -> float:
    """Median processor seconds of one ``recvfrom`` of a datagram that lies ready."""
    spent = []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind((_HOME, 0))
        sender.connect(receiver.getsockname())
        for _ in range(ROUNDS * 20):
            for _ in range(QUEUED):
                sender.send(bytes(SIZE))
            begin = time.process_time()
            for _ in range(QUEUED):
                receiver.recvfrom(SIZE + 1)
            spent.append((time.process_time() - begin) / QUEUED)
    return statistics.median(spent)


def _remembered(world: _World) -> Figure:
    """How many genuine ones a second, each on the disk before it wakes anybody."""
    at = _clock()
    gate = world.gate(WakeUpMemory(world.database))
    calls = [world.call(at) for _ in range(STORED)]
    begin = time.monotonic()
    for call in calls:
        gate.open(call, at)
    rate = STORED / (time.monotonic() - begin)
    return Figure("believed per second, each remembered on the disk", rate, "1/s", note="wall clock, this disk")


@dataclass(frozen=True, slots=True, kw_only=True)
class _TimedPoller(Poller):
    """Notes how long after its instant each read-out began."""

    late: list[float]

    def read_out(
        self, port: Port, configuration: LineConfiguration, profile: MeterProfile, *, failures: int = 0
    ) -> Frame:
        """See Poller."""
        self.late.append(self.clock().timestamp() % profile.interval_seconds)
        # By name: a dataclass with slots is another class than the one that ``super()`` would close over.
        return Poller.read_out(self, port, configuration, profile, failures=failures)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run saw: how late things began, and how many calls came through."""

    ticks: Sequence[float]
    read_outs: Sequence[float]
    calls: int
    woken: int
    achieved: float
    processor: float


def _floods(world: _World) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "meter"
        meter = [sys.executable, "-m", "testbed", "meter", "--quiet", "--load", "flat", "--link", str(link)]
        meter += ["--speed", str(LINE_SPEED), "--top-speed", "none"]
        nothing = subprocess.DEVNULL
        with subprocess.Popen(meter, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, text=True) as simulator:
            try:
                assert simulator.stdout is not None  # noqa: S101 -- it was asked for
                simulator.stdout.readline()
                quiet = _gateway_side(world, link, lambda: ((), ""), QUIET_SECONDS)
                garbage = _gateway_side(world, link, lambda: ((bytes(SIZE), b"x" * 1400), _STRANGERS), FLOOD_SECONDS)
                worst = _gateway_side(world, link, lambda: (_worst(world), _STRANGERS), FLOOD_SECONDS)
            finally:
                simulator.terminate()
    figures = []
    for name, one in (("no flood", quiet), ("flood of garbage", garbage), ("flood of the worst", worst)):
        asked = "" if one is quiet else TARGET_DELAY
        read_outs = f"{len(one.read_outs)} read-outs of a meter, the latest {max(one.read_outs) * 1000:.1f} ms late"
        figures.append(
            Figure(f"latest tick of the schedule, {name}", max(one.ticks), "s", target=asked, note=read_outs)
        )
        if one is not quiet:
            figures += [
                Figure(f"- offered, {name}", one.achieved, "1/s", against=f"{RATE} asked of the sender"),
                Figure(
                    f"- processor share of the gateway's side, {name}",
                    100 * one.processor,
                    "%",
                    against=f"{100 * quiet.processor:.1f} % without a flood",
                ),
            ]
        figures.append(
            Figure(f"- genuine calls that woke, {name}", one.woken, f"of {one.calls}", note="one fresh call a second")
        )
    return figures


def _worst(world: _World) -> Sequence[bytes]:
    """Right in all but the signature."""
    return [world.call(_clock() + _AHEAD)[:-SIGNATURE_SIZE] + bytes(range(SIGNATURE_SIZE)) for _ in range(200)]


def _gateway_side(world: _World, link: Path, flood: Callable[[], tuple[Sequence[bytes], str]], seconds: int) -> _Run:
    """A port, a line with a meter and a schedule of one second, for ``seconds``."""
    woken: list[float] = []
    gate = world.gate(WakeUpMemory(world.database))
    port = WakeUpPort(
        _HOME,
        0,
        gate=gate,
        wake=lambda: woken.append(time.monotonic()),
        log=SystemLog(world.database),
        clock=_clock,
        monotonic=time.monotonic,
    )
    port.reserve([_HOME])
    begin = _clock()
    profile = MeterProfile(
        id="bench",
        version=1,
        meter=_METER,
        consumer="house",
        identity="12345678",
        manufacturer="ISK",
        line="bench",
        address="12345678",
        registers=(Obis.parse("1-0:1.8.0*255"),),
        interval_seconds=METER_SECONDS,
        store_seconds=METER_SECONDS,
        maximum_power_watts=30_000,
        valid_from=begin.replace(microsecond=0) - timedelta(days=1),
        valid_until=begin.replace(microsecond=0) + timedelta(days=1),
    )
    poller = _TimedPoller(clock=_clock, late=[])
    line = Line(
        LineConfiguration("bench", str(link), LINE_SPEED, Framing.SEVEN_EVEN, echo=False),
        [profile],
        deliver=lambda profile, telegram: (profile, telegram),
        report=_report,
        clock=_clock,
        poller=poller,
    )
    stopping, ticks = threading.Event(), list[float]()
    ticking = threading.Thread(target=_tick, args=(stopping, ticks), daemon=True)
    datagrams, sources = flood()
    for thread in (port, line, ticking):
        thread.start()
    calls, achieved, spent = 0, 0.0, time.process_time()
    try:
        with _flooding(port.address, datagrams, sources, seconds) as flooding:
            end = time.monotonic() + seconds
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                while time.monotonic() < end - 1:
                    time.sleep(1)
                    sender.sendto(world.call(_clock()), port.address)
                    calls += 1
            time.sleep(max(0.0, end - time.monotonic()))
            spent = time.process_time() - spent
            if flooding is not None:
                told = loads(flooding.communicate()[0])
                achieved = told["sent"] / told["seconds"]
    finally:
        stopping.set()
        line.stop()
        port.stop()
        ticking.join()
    return _Run(ticks, poller.late, calls, len(woken), achieved, spent / seconds)


@contextmanager
def _flooding(
    address: tuple[str, int], datagrams: Sequence[bytes], sources: str, seconds: int
) -> Iterator[subprocess.Popen[str] | None]:
    """A process that floods ``address``, ready to begin; none where there is nothing to send."""
    if not datagrams:
        yield None
        return
    host, port = address
    command = [sys.executable, "-m", "testbed.flood", host, str(port), str(RATE), str(seconds), sources]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as flooding:
        try:
            assert flooding.stdin is not None and flooding.stdout is not None  # noqa: S101, PT018 -- asked for
            flooding.stdin.write("".join(f"{one.hex()}\n" for one in datagrams))
            flooding.stdin.flush()
            flooding.stdin.close()
            flooding.stdin = None
            flooding.stdout.readline()
            yield flooding
        finally:
            flooding.kill()


def _tick(stopping: threading.Event, late: list[float]) -> None:
    """A line's loop without a line: how long after its instant each turn begins."""
    schedule = Schedule([("tick", TICK_SECONDS)], _clock())
    while not stopping.is_set():
        wait = schedule.seconds_until_due(_clock())
        if wait is None or wait > 0:
            stopping.wait(wait)
            continue
        for turn in schedule.due(_clock()):
            now = _clock()
            late.append((now - turn.due_at).total_seconds())
            schedule.done(turn, now, answered=True)


def _clock() -> datetime:
    return datetime.now(UTC)


def _report(event: object, subject: str, **parameters: object) -> None:
    if parameters.get("state") != "open":
        sys.stderr.write(f"{event} {subject} {parameters}\n")
