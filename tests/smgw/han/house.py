"""A house with two consumers behind one gateway: real store, real profiles, real signatures, and a port to show them.

"house" has two meters, "flat" one; "attic" was measured by the second meter of the house until April 2025 and moved
out. Everything is as at :data:`~tests.smgw.han.house_readings.NOW`, four days after the clocks were set back.
"""

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from smgw.clock import GatewayClock
from smgw.gateway import Gateway
from smgw.han.credentials import Credentials
from smgw.han.door import HanDoor
from smgw.han.passwords import verifier_of
from smgw.han.port import ConsumerView, HanPort, Visitor
from smgw.han.status import Facts
from smgw.han.views import make_port
from smgw.identity import Identity, OwnCertificates
from smgw.lmn.telegram import Telegram, Value
from smgw.logs import readers
from smgw.logs.readers import Interface, Reader
from smgw.logs.sealing import Sealer
from smgw.metering.tariffs.calendar import midnight
from smgw.secure_states import Conditions, SecureStates
from smgw.self_test import MINIMUM_FREE, SelfTest, SelfTestPorts
from smgw.store import logs
from smgw.store.database import DATABASE_NAME, Database
from smgw.store.events import Event, Outcome
from smgw.store.logs import SystemLog
from smgw.store.profiles import ProfileSet, ProfileStore
from smgw.store.readings import ReadingStore
from smgw.store.rows import columns_of
from smgw.store.schema import deliveries, derived_readings, grant_readings, grants, readings
from testbed.small_pki import Holder, SmallPki
from tests.smgw.han import house_profiles
from tests.smgw.han.house_readings import EXPORT, FIRST, FLAT, IMPORT, NOW, POWER, RENEWED, SECOND, Signer, shown
from tests.smgw.han.house_readings import readings as recorded
from tests.smgw.store.samples import GATEWAY, open_database
from wire.reading import DeviceId, Reading, Register, Unit

__all__ = ["EXPORT", "FIRST", "FLAT", "IMPORT", "NOW", "PASSWORDS", "POWER", "SECOND", "TECHNICIAN", "House", "house"]

TECHNICIAN = "service"
PASSWORDS = {
    "house": "Ofen-Birne-Garten-52",
    "flat": "Lampe-Regen-Kiste-17",
    "attic": "Wolke-Gabel-Rasen-88",
    TECHNICIAN: "Werkzeug-Tasche-Leiter-31",
}
PROGRAM = "ab" * 32


@dataclass(frozen=True)
class Furnished:
    """What a house holds that was built in this process, whose it is, and where its PKI went on."""

    content: bytes
    state: tuple[Any, ...]
    holders: dict[Purpose, Holder]
    client: Holder


_FURNISHED: dict[datetime, Furnished] = {}
"""By the moment that it was built for."""


@dataclass
class House:
    """The parts; a test changes what it wants to, with a house of its own."""

    folder: Path
    now: datetime = NOW
    conditions: Conditions = field(default_factory=Conditions)

    def __post_init__(self) -> None:
        self.pki = SmallPki(now=RENEWED)
        former = _FURNISHED.get(self.now)
        # Certificates lie as the key ring has them.
        holders = former.holders if former else {one: self.pki.holder(Role.SMGW, one, GATEWAY.text) for one in Purpose}
        self.trust: TrustStore = self.pki.trust(now=self.now)
        verified = {
            purpose: self.trust.verify(
                one.certificate, role=Role.SMGW, purpose=purpose, at=self.now, pinned={fingerprint(one.certificate)}
            )
            for purpose, one in holders.items()
        }
        keys = {purpose: one.key for purpose, one in holders.items()}
        self.identity = Identity(GATEWAY, 2, OwnCertificates(verified), keys, {one: one.value for one in Purpose})
        self.key = holders[Purpose.SIG].key
        self.signer = Signer(self.key)
        self.client = former.client if former else self.pki.holder(Role.EMT, Purpose.TLS, "Browser")
        if former:
            (self.folder / DATABASE_NAME).write_bytes(former.content)
            self.pki.random.setstate(former.state)
        else:
            self._furnish(holders)
        self.database: Database = open_database(self.folder)
        self.system_log = SystemLog(self.database)
        self.profiles: ProfileSet = ProfileStore(self.database).load()
        self.door = self._door()
        self.gateway = Gateway(
            GATEWAY, self.key, ReadingStore(self.database), self.system_log, self.profiles, clock=lambda: self.now
        )
        self._hear()
        self.port = self._port()

    def visitor(self, name: str) -> Visitor:
        """Somebody who came in: "house", "flat", "attic", or "service"."""
        reader = Reader(readers.Role.CONSUMER, Interface.CONSUMER, name)
        if name == TECHNICIAN:
            reader = Reader(readers.Role.TECHNICIAN, Interface.SERVICE)
        return Visitor(name, f"account-{name}", reader)

    def view(self, name: str) -> ConsumerView:
        """What a consumer sees."""
        return self.port.consumer(self.visitor(name))

    @contextmanager
    def open_to_older_clients(self, name: str) -> Iterator[None]:
        """Meanwhile the account of ``name`` takes answers by MD5; afterwards everything is as before."""
        before, credentials, password = self.profiles, Credentials(self.database), PASSWORDS[name]
        account = before.accounts[f"account-{name}"]
        credentials.change(account, verifier_of(name, GATEWAY.text, password, older=True), self.now)
        self.profiles = replace(before, accounts={**before.accounts, account.id: replace(account, md5=True)})
        try:
            yield
        finally:
            self.profiles = before
            credentials.change(account, verifier_of(name, GATEWAY.text, password), self.now)

    def close(self) -> None:
        self.database.close()

    def _furnish(self, holders: dict[Purpose, Holder]) -> None:
        """Everything that is stored; it takes longer than most tests do, and the next house begins with it."""
        self.database = open_database(self.folder)
        self._install()
        self._record()
        self._deliver()
        self._happen()
        self.database.close()
        content = (self.folder / DATABASE_NAME).read_bytes()
        _FURNISHED[self.now] = Furnished(content, self.pki.random.getstate(), holders, self.client)

    def _install(self) -> None:
        store = ProfileStore(self.database)
        for profile, at in house_profiles.every(self.pki):
            store.put(profile, document=b"signed", at=at)
        credentials = Credentials(self.database)
        for name, password in PASSWORDS.items():
            pinned = fingerprint(self.client.certificate) if name == "house" else ""
            account = house_profiles.account(name, None if name == TECHNICIAN else name, pinned)
            store.put(account, document=b"signed", at=house_profiles.BEGIN)
            credentials.put(account, verifier_of(name, GATEWAY.text, password))
        SystemLog(self.database).concern(store.load().concerns(self.now))

    def _door(self) -> HanDoor:
        return HanDoor(
            gateway=GATEWAY.text,
            profiles=lambda: self.profiles,
            credentials=Credentials(self.database),
            database=self.database,
            random=random.Random(7).randbytes,
            monotonic=lambda: self.now.timestamp(),  # noqa: PLW0108 - of the moment that a test sets
        )

    def _record(self) -> None:
        former = self.pki.holder(Role.SMGW, Purpose.SIG, GATEWAY.text).key
        with self.database.write() as connection:
            connection.execute(readings.insert(), [columns_of(one) for one in recorded(self.key, former)])

    def _hear(self) -> None:
        """The first meter was read this minute: of that reading nothing is stored."""
        at = int(self.now.timestamp())
        data_sets = {"C.1.0": (Value("00471100", ""),), "1.7.0": (Value("0.412", "kW"),)}
        for code, obis in (("1.8.0", IMPORT), ("2.8.0", EXPORT)):
            tenths = shown(FIRST, obis, -1, at)
            data_sets[code] = (Value(f"{tenths // 10_000:06}.{tenths % 10_000:04}", "kWh"),)
        heard = Telegram("ISk", "MT", data_sets, self.now, self.now)
        if not self.gateway.accept(self.profiles.meters["meter-house-1"], heard):
            raise AssertionError(self.gateway.counters.snapshot())

    def _deliver(self) -> None:
        """A week of series, two months of sums, covers, an unstored one, one that was refused and one that waits."""
        with self.database.write() as connection:
            ids = {
                (row.device, row.captured_at): row.id
                for row in connection.execute(
                    readings.select().where(
                        readings.c.obis == IMPORT.to_bytes(), readings.c.captured_at >= midnight(date(2026, 10, 23))
                    )
                )
            }
            for profile, meter in (("house-series", FIRST), ("flat-series", FLAT)):
                for sequence, day in enumerate(range(23, 29), start=1):
                    begin, end = midnight(date(2026, 10, day)), midnight(date(2026, 10, day + 1))
                    close = {5: {"set_aside_at": end + 90, "set_aside_reason": "too-large"}, 6: {}}
                    row = {"profile": profile, "sequence": sequence, "kind": "stored", "created_at": end + 60}
                    connection.execute(deliveries.insert(), row | close.get(sequence, {"acknowledged_at": end + 62}))
                    for (device, at), reading in ids.items():
                        if device == meter.text and begin <= at < end:
                            self._grant(connection, profile, sequence, "grid", (at - at % 900, at), reading)
            for profile in ("house-sum", "house-stages", "shared-sum"):
                for sequence, month in enumerate((8, 9), start=1):
                    begin, end = midnight(date(2026, month, 1)), midnight(date(2026, month + 1, 1))
                    row = {"profile": profile, "sequence": sequence, "kind": "stored", "created_at": end + 300}
                    connection.execute(deliveries.insert(), row | {"acknowledged_at": end + 305})
                    self._grant(connection, profile, sequence, "supplier", (begin, end), None)
            # Nothing was owed: a cover, as long as any other (FPR_CON.1).
            row = {"profile": "house-pseudonym", "sequence": 1, "kind": "stored", "created_at": int(NOW.timestamp())}
            connection.execute(deliveries.insert(), row)
            row = {"profile": "house-live", "sequence": 1, "kind": "unstored", "created_at": int(NOW.timestamp()) - 60}
            connection.execute(deliveries.insert(), row | {"acknowledged_at": int(NOW.timestamp()) - 58})

    def _grant(  # noqa: PLR0917 - the columns of a row
        self,
        connection: sa.Connection,
        profile: str,
        sequence: int,
        party: str,
        period: tuple[int, int],
        reading: int | None,
    ) -> None:
        begin, end = period
        row = {"profile": profile, "key": f"{reading} {begin}", "profile_version": 1, "party": party}
        row |= {"period_begin": begin, "period_end": end, "sequence": sequence}
        grant = connection.execute(grants.insert(), row).lastrowid
        if reading is not None:
            connection.execute(grant_readings.insert(), {"grant_id": grant, "position": 0, "reading_id": reading})
            return
        derived = Reading(GATEWAY, IMPORT, Register(4711, -1, Unit.WH), datetime.fromtimestamp(end, UTC))
        signed = columns_of(self.signer.sign(derived))
        connection.execute(derived_readings.insert(), {"grant_id": grant, "position": 0, **signed})

    def _happen(self) -> None:
        """What stands in the logs, with a checkpoint before the last day."""
        # Times of deliveries are those of the table.
        for day in range(23, 29):
            end = datetime.fromtimestamp(midnight(date(2026, 10, day + 1)) + 62, UTC)
            for profile in ("house-series", "flat-series"):
                if day != 28:
                    told: dict[str, str | int] = {"party": "grid", "sequence": day - 22, "values": 96}
                    event = Event.DELIVERY_ACKNOWLEDGED
                    outcome = Outcome.SUCCESS
                    if day == 27:
                        event, outcome = Event.DELIVERY_SET_ASIDE, Outcome.FAILURE
                        told = {"party": "grid", "sequence": 5, "reason": "too-large"}
                    self._note(event, profile, outcome, end, told)
            if day == 23:
                morning = end - timedelta(hours=20)
                self._note(Event.METER_STATE, FIRST.text, Outcome.FAILURE, morning, {"reason": "silent"})
                self._note(Event.METER_STATE, FIRST.text, Outcome.SUCCESS, end, {"reason": "answers-again"})
                self._note(Event.ORDER_DONE, "at night", Outcome.SUCCESS, end, {"sequence": 7})
            if day == 27:
                Sealer(self.database, lambda: self.identity).seal(end, time_valid=True)
        self._note(Event.SELF_TEST, GATEWAY.text, Outcome.SUCCESS, NOW - timedelta(hours=3), {"failed": ""})

    def _note(self, event: Event, subject: str, outcome: Outcome, at: datetime, told: dict[str, str | int]) -> None:
        with self.database.write() as connection:
            logs.note(connection, event, subject, outcome, at=at, parameters=told)

    def _port(self) -> HanPort:
        states = SecureStates(GatewayClock(lambda: self.now), self.conditions)
        ports = SelfTestPorts(
            store=self.folder,
            database=self.database,
            identity=lambda: self.identity,
            trust=lambda: self.trust,
            clock_valid=lambda _: True,
            program=lambda: PROGRAM,
            installed=lambda: PROGRAM,
            free=lambda _: MINIMUM_FREE,
        )
        self.facts = Facts(
            gateway=GATEWAY,
            version="1.0",
            program_sha256=PROGRAM,
            started_at=NOW - timedelta(days=3),
            states=states,
            identity=lambda: self.identity,
            trust=lambda: self.trust,
            certificates=self.folder,
        )
        return make_port(
            door=self.door,
            clock=lambda: self.now,
            database=self.database,
            gateway=self.gateway,
            log=self.system_log,
            self_test=SelfTest(ports, self.system_log, self.conditions),
            facts=self.facts,
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Built once a module: whoever changes something that others would notice builds one of his own."""
    built = House(tmp_path_factory.mktemp("house"))
    with closing(built):
        yield built


def instant(text: str) -> datetime:
    """``2026-10-25T02:00+02:00`` as aware UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def devices(*meters: DeviceId) -> tuple[str, ...]:
    """As they are shown."""
    return tuple(meter.text for meter in meters)
