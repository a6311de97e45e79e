"""A gateway with its meters and two parties, all of them processes, and a storm over them that a seed decides.

What is killed goes as with a loss of power: the whole process group, SIGKILL, at whatever instruction it is, and is
started again. Wires between gateway and parties break: nobody listens, nobody answers, or an answer is cut in the
middle. Nothing in the machines knows of the storm. Meters go on counting, as meters do.
"""

import random
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa
from cryptography import x509

from datacenter import database as party_database
from datacenter import queries
from datacenter.queries import Selection, StoredReading
from pki.certificates import Purpose
from smgw.store.database import Database
from smgw.store.outbox import Outbox
from smgw.store.rows import signed_reading
from smgw.store.schema import readings
from testbed.faults import Fault
from testbed.meter.simulator import SimulatedLine
from tests.datacenter.served import free_port
from tests.datacenter.world import World
from tests.smgw.lmn import lines
from tests.smgw.premises import GATEWAY, Premises, now
from tests.smgw.wan.station import der
from tests.softhsm import shared_configuration
from tests.typed import Started, started
from wire.obis import Obis
from wire.profiles import (
    AccessPurpose,
    BillingPeriod,
    BillingUnit,
    BlockStages,
    CommunicationProfile,
    EvaluationProfile,
    MeterProfile,
    TariffStage,
    UseCase,
)
from wire.reading import Reading

SERIALS = ("00471100", "00471200")
IMPORT = Obis.parse("1-0:1.8.0*255")
REGISTERED_SECONDS = 1
BILLED_SECONDS = 3
READINGS_BEFORE = 20
PERIODS_BEFORE = 4
"""Billed periods that are over before the storm begins."""
PATIENCE_SECONDS = 300.0
"""For anything that the machines do by themselves: far more than it takes."""
CAPTURED_SECONDS = 5
"""By how much the instants may differ at which a meter says its register and the gateway has heard it."""
BLOCK_WATT_HOURS = 100
"""Some of the billed periods have more."""
_HURRY = 400
"""Simulated time runs so much faster than ours, so that a meter has counted on from one reading to the next."""
_CHUNK = 4096


class Weather(StrEnum):
    """What a wire does."""

    FAIR = "fair"
    NOBODY_LISTENS = "nobody-listens"
    NOBODY_ANSWERS = "nobody-answers"
    ANSWERS_ARE_CUT = "answers-are-cut"


class Wire:
    """A TCP connection to a party, through whatever weather."""

    def __init__(self, target: int, generator: random.Random) -> None:
        self.weather = Weather.FAIR
        self._target = target
        self._random = generator
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def turn(self, weather: Weather) -> None:
        """From now on; what is open breaks."""
        self.weather = weather
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.turn(Weather.NOBODY_LISTENS)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(here, self.weather), daemon=True).start()

    def _carry(self, here: socket.socket, weather: Weather) -> None:
        """Both ways until either end goes; ``weather`` is that of the connection's beginning."""
        left = self._random.randrange(1, 6000) if weather is Weather.ANSWERS_ARE_CUT else -1
        with closing(here), suppress(OSError):
            self._open.add(here)
            if weather is Weather.NOBODY_LISTENS:
                return
            if weather is Weather.NOBODY_ANSWERS:
                while here.recv(_CHUNK):
                    pass
                return
            with socket.create_connection(("127.0.0.1", self._target)) as there:
                while True:
                    for ready in select.select([here, there], [], [])[0]:
                        if not (data := ready.recv(_CHUNK)):
                            return
                        if ready is there and left >= 0:
                            data = data[:left]
                            left -= len(data)
                        (there if ready is here else here).sendall(data)
                        if left == 0:
                            return
        self._open.discard(here)


@dataclass
class Party:
    """A market participant: its datacenter, a process, and the wire to it."""

    world: World
    port: int
    wire: Wire
    running: Started | None = None

    @property
    def configuration(self) -> Path:
        return self.world.folder / "datacenter.toml"

    def start(self) -> None:
        log = self.world.folder / "log"
        self.running = started("smgw-datacenter", "serve", "--config", self.configuration, log=log)

    def held(self) -> list[StoredReading]:
        """Everything that it stored."""
        with party_database.reading(self.world.engine) as connection:
            return list(queries.readings(connection, Selection()))


@dataclass
class Storm:
    """The machines, and what was done to them."""

    folder: Path
    seed: int
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.premises = Premises(self.folder, shared_configuration(), f"storm-{self.seed}")
        self.premises.enrol()
        meters = [lines.meter(serial, seed=int(serial), shows_clock=False) for serial in SERIALS]
        self.line: SimulatedLine = lines.simulated(self.folder, *meters, speed_factor=_HURRY)
        self.parties = {name: self._party(name) for name in ("grid", "supplier", "stranger")}
        self.premises.write_configuration(
            lines=f'[[lines]]\nname = "line-1"\nport = "{self.line.path}"\nspeed = {lines.FAST}\nframing = "7E1"\n'
        )
        communications = [self._communication(name) for name in self.parties]
        self.meters = [self._meter(serial) for serial in SERIALS]
        grid, supplier, _ = communications
        self.series = self._evaluation("series", grid, UseCase.TAF_7, AccessPurpose.GRID_OPERATION)
        self.sums = self._evaluation("sums", supplier, UseCase.TAF_1, AccessPurpose.BILLING)
        blocks = BlockStages((_stage(1), _stage(2)), (BLOCK_WATT_HOURS,))
        self.blocks = self._evaluation("blocks", supplier, UseCase.TAF_4, AccessPurpose.BILLING, blocks)
        self.moments = self._evaluation("moments", grid, UseCase.TAF_14, AccessPurpose.VALUE_ADDED)
        self.evaluations = (self.series, self.sums, self.blocks, self.moments)
        self.premises.hold(*communications, *self.meters, *self.evaluations)
        self.gateway: Started | None = None

    def close(self) -> None:
        for machine in (self.gateway, *(party.running for party in self.parties.values())):
            if machine is not None:
                machine.kill()
        self.line.stop()
        for party in self.parties.values():
            party.wire.close()
            party.world.close()

    def start(self) -> None:
        self.line.start()
        for party in self.parties.values():
            party.start()
        self._start_gateway()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._works():
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing to storm over: {(self.folder / 'log').read_text()}")
            time.sleep(0.5)

    def _works(self) -> bool:
        """Whether undisturbed deliveries of every kind came."""
        grid, supplier = (self.parties[name].held() for name in ("grid", "supplier"))
        ends = {one.signed.reading.captured_at for one in supplier if one.profile == self.blocks.id}
        summed = any(one.profile == self.sums.id for one in supplier)
        return len(grid) >= READINGS_BEFORE and summed and len(ends) >= PERIODS_BEFORE

    def rage(self, kills: int) -> None:
        """Kill so many machines, one after the other; nobody waits until what was started is ready."""
        while self.kills.total() < kills:
            # Mostly soon, so that starts and recoveries are hit; now and then late enough for some deliveries.
            time.sleep(self.random.choice((0.02, 0.15, 0.4, 0.8, 2.0)) * self.random.random())
            victim = self.random.choice(("gateway", "gateway", "gateway", "grid", "supplier"))
            wire = self.parties[self.random.choice(("grid", "supplier"))].wire
            wire.turn(self.random.choice((Weather.FAIR, Weather.FAIR, *Weather)))
            self.kill(victim)

    def kill(self, victim: str) -> None:
        self.kills[victim] += 1
        if victim == "gateway":
            assert self.gateway is not None
            self.gateway.kill()
            self._start_gateway()
        else:
            party = self.parties[victim]
            assert party.running is not None
            party.running.kill()
            party.start()

    def calm(self) -> None:
        """Fair weather, nobody is killed, and meters that are silent, until nothing is owed; then the gateway stops."""
        self.line.inject(Fault.SILENCE, None)  # or there would always be something of the last second
        for party in self.parties.values():
            party.wire.turn(Weather.FAIR)
        time.sleep(1.0)  # the last machines that were started are up
        deadline, undisturbed = time.monotonic() + PATIENCE_SECONDS, 3.0
        while time.monotonic() < deadline:
            self.kill("gateway")  # no back-off goes on over a start
            time.sleep(undisturbed)
            undisturbed *= 1.5  # on a machine that does much else a start alone takes its time
            assert self.gateway is not None
            self.gateway.kill()
            with self.store() as database:
                if not any(Outbox(database).owes(one.id) for one in self.evaluations):
                    self.gateway = None
                    return
            self._start_gateway()
        raise AssertionError(f"in a calm too something is still owed: {(self.folder / 'log').read_text()}")

    @contextmanager
    def store(self) -> Iterator[Database]:
        """The gateway's store, while the gateway does not run."""
        with self.premises.open_token() as token:
            database = Database.open(self.premises.configuration.store, token, self.premises.configuration.gateway)
            with closing(database):
                yield database

    def counted(self, reading: Reading) -> tuple[int, int]:
        """What the meter had counted shortly before and shortly after ``reading`` was captured, in watt-hours."""
        device = self.line.meters[reading.device.text[-8:]]
        simulated = self.line.now() - (datetime.now(UTC) - reading.captured_at) * _HURRY
        around = timedelta(seconds=CAPTURED_SECONDS * _HURRY)
        return device.load.at(simulated - around).total, device.load.at(simulated + around).total

    def measured(self) -> list[Reading]:
        """Everything that the gateway stored, in the order in which it did."""
        with self.store() as database, database.read() as connection:
            rows = connection.execute(sa.select(readings).order_by(readings.c.id)).all()
        return [signed_reading(row).reading for row in rows]

    def _start_gateway(self) -> None:
        self.gateway = started("smgw", "run", self.premises.file, log=self.folder / "log")

    def _party(self, name: str) -> Party:
        (self.folder / name).mkdir()
        world = World(self.folder / name, now=now(), shared=self.premises.pki)
        for purpose in (Purpose.TLS, Purpose.SIG):
            world.register(
                f"{GATEWAY}.{purpose}.pem", _certificate(self.premises.folder / "certificates" / f"{purpose}.pem")
            )
        port = free_port()
        world.configuration(port)
        return Party(world, port, Wire(port, self.random))

    def _communication(self, name: str) -> CommunicationProfile:
        world = self.parties[name].world
        begin = now() - timedelta(days=1)
        return CommunicationProfile(
            id=name, version=1, party="Netz", host="127.0.0.1", port=self.parties[name].wire.port, path="/deliveries",
            tls_certificate=der(world.own_tls), encryption_certificate=der(world.own_encryption),
            purposes=tuple(AccessPurpose), valid_from=begin, valid_until=begin + timedelta(days=30),
        )  # fmt: skip

    def _meter(self, serial: str) -> MeterProfile:
        return lines.profile(
            serial, interval_seconds=REGISTERED_SECONDS, maximum_power_watts=10**9, registers=(IMPORT,)
        )

    def _evaluation(
        self,
        name: str,
        party: CommunicationProfile,
        use_case: UseCase,
        purpose: AccessPurpose,
        rule: BlockStages | None = None,
    ) -> EvaluationProfile:
        meters = tuple(meter.meter for meter in self.meters)
        return EvaluationProfile(
            id=name, version=1, use_case=use_case, party=party.id, purpose=purpose,
            meters=meters if rule is None else meters[:1], registers=(IMPORT,), period_seconds=REGISTERED_SECONDS,
            dispatch_seconds=REGISTERED_SECONDS, valid_from=party.valid_from, valid_until=party.valid_until,
            recipient=party.encryption_fingerprint, rule=rule,
            billing=BillingPeriod(BILLED_SECONDS, BillingUnit.SECOND) if purpose is AccessPurpose.BILLING else None,
        )  # fmt: skip


def _stage(number: int) -> TariffStage:
    return TariffStage(number, Obis.parse(f"1-0:1.8.{number}*255"))


def _certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())
