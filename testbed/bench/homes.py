"""A gateway in whose home area network people live: a real store (SQLCipher), real profiles, a real door and its port.

Made in bulk, because a year has 35,040 quarter hours: signatures are numbers drawn by lot, checked and found wrong
by whoever looks.
"""

import os
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role, fingerprint
from smgw.clock import GatewayClock
from smgw.gateway import Gateway
from smgw.han.credentials import Credentials
from smgw.han.door import HanDoor
from smgw.han.passwords import verifier_of
from smgw.han.port import ConsumerView, HanPort, Visitor
from smgw.han.status import Facts
from smgw.han.views import make_port
from smgw.identity import Identity, OwnCertificates
from smgw.logs import readers
from smgw.metering.tariffs.calendar import QUARTER_HOUR
from smgw.secure_states import Conditions, SecureStates
from smgw.self_test import SelfTest, SelfTestPorts
from smgw.store.database import DATABASE_NAME, Database
from smgw.store.logs import SystemLog
from smgw.store.profiles import ProfileStore
from smgw.store.readings import ReadingStore
from smgw.store.rows import columns_of
from smgw.store.schema import readings
from smgw.store.store_key import KEY_SIZE
from testbed.small_pki import SmallPki
from wire.obis import Obis
from wire.profiles import AccountProfile, AccountRole, MeterProfile, Profile
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

GATEWAY: Final = DeviceId("EABC0012345678")
IMPORT: Final = Obis.parse("1-0:1.8.0*255")
BEGIN: Final = datetime(2020, 1, 1, tzinfo=UTC)
END: Final = datetime(2040, 1, 1, tzinfo=UTC)
PASSWORD: Final = "Ofen-Birne-Garten-52"  # noqa: S105 -- of people who live here only
_PROGRAM: Final = "ab" * 32
_AT_ONCE: Final = 20_000
_SEED: Final = 5


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a meter and an account of the same name."""

    name: str
    meter: DeviceId
    line: str = "none"
    interval_seconds: int = QUARTER_HOUR
    store_seconds: int = QUARTER_HOUR

    def profiles(self, begin: datetime) -> tuple[Profile, ...]:
        """What the gateway knows of her."""
        meter = MeterProfile(
            id=f"meter-{self.name}",
            version=1,
            meter=self.meter,
            consumer=self.name,
            identity=self.meter.text[6:],
            manufacturer=self.meter.text[1:4],
            line=self.line,
            address=self.meter.text[6:],
            registers=(IMPORT,),
            interval_seconds=self.interval_seconds,
            store_seconds=self.store_seconds,
            maximum_power_watts=30_000,
            valid_from=begin,
            valid_until=END,
        )
        return meter, AccountProfile(
            id=f"account-{self.name}",
            version=1,
            name=self.name,
            role=AccountRole.CONSUMER,
            consumer=self.name,
            fingerprints=(),
            verifier=b"\x30\x82\x01\x00" + bytes(256),
            valid_from=begin,
            valid_until=END,
        )


class Homes:
    """The gateway; ``key`` signs readings, ``clock`` gives aware UTC."""

    def __init__(
        self,
        folder: Path,
        people: Sequence[Person],
        clock: Callable[[], datetime],
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:
        """Everything is made anew in ``folder``."""
        now = clock()
        self.folder = folder
        self.database = Database.open_with_key(folder / DATABASE_NAME, secrets.token_bytes(KEY_SIZE), create=True)
        pki = SmallPki(now=now - timedelta(hours=1))
        holders = {purpose: pki.holder(Role.SMGW, purpose, GATEWAY.text) for purpose in Purpose}
        trust = pki.trust(now=now)
        verified = {
            purpose: trust.verify(
                one.certificate, role=Role.SMGW, purpose=purpose, at=now, pinned={fingerprint(one.certificate)}
            )
            for purpose, one in holders.items()
        }
        keys = {purpose: one.key for purpose, one in holders.items()}
        self.identity = Identity(GATEWAY, 2, OwnCertificates(verified), keys, {one: one.value for one in Purpose})
        self.log = SystemLog(self.database)
        store, credentials = ProfileStore(self.database), Credentials(self.database)
        for person in people:
            meter, account = person.profiles(BEGIN)
            for profile in (meter, account):
                store.put(profile, document=b"signed", at=BEGIN)
            if isinstance(account, AccountProfile):
                credentials.put(account, verifier_of(person.name, GATEWAY.text, PASSWORD))
        profiles = store.load()
        signing = holders[Purpose.SIG].key if key is None else key
        self.gateway = Gateway(GATEWAY, signing, ReadingStore(self.database), self.log, profiles, clock=clock)
        self.door = HanDoor(
            gateway=GATEWAY.text,
            profiles=lambda: profiles,
            credentials=credentials,
            database=self.database,
            random=os.urandom,
            monotonic=time.monotonic,
        )
        conditions = Conditions()
        ports = SelfTestPorts(
            store=folder,
            database=self.database,
            identity=lambda: self.identity,
            trust=lambda: trust,
            clock_valid=lambda _: True,
            program=lambda: _PROGRAM,
            installed=lambda: _PROGRAM,
        )
        self.port: HanPort = make_port(
            door=self.door,
            clock=clock,
            database=self.database,
            gateway=self.gateway,
            log=self.log,
            self_test=SelfTest(ports, self.log, conditions),
            facts=Facts(
                gateway=GATEWAY,
                version="1.0",
                program_sha256=_PROGRAM,
                started_at=now,
                states=SecureStates(GatewayClock(clock), conditions),
                identity=lambda: self.identity,
                trust=lambda: trust,
                certificates=folder,
            ),
        )

    def fill(self, person: Person, instants: range) -> None:
        """A reading at each of ``instants`` (UTC seconds), as a household draws."""
        draws = random.Random(_SEED)
        counter, rows = 0, []
        for at in instants:
            counter += draws.randrange(5, 400)
            reading = Reading(person.meter, IMPORT, Register(counter, 0, Unit.WH), datetime.fromtimestamp(at, UTC))
            rows.append(columns_of(SignedReading(reading, self._signature())))
        for first in range(0, len(rows), _AT_ONCE):
            with self.database.write() as connection:
                connection.execute(readings.insert(), rows[first : first + _AT_ONCE])

    @staticmethod
    def _signature() -> bytes:
        """Two numbers below the group's order: wrong, and checking it costs what a right one does."""
        return b"".join(
            bytes([octets[0] & 0x7F]) + octets[1:] for octets in (secrets.token_bytes(32) for _ in range(2))
        )

    def visitor(self, person: Person) -> Visitor:
        """She came in."""
        reader = readers.Reader(readers.Role.CONSUMER, readers.Interface.CONSUMER, person.name)
        return Visitor(person.name, f"account-{person.name}", reader)

    def view(self, person: Person) -> ConsumerView:
        """What she sees."""
        return self.port.consumer(self.visitor(person))

    def session(self, person: Person, at: datetime) -> str:
        """She logged in; the secret of her cookie."""
        return self.door.open_session(self.door.by_password(person.name, PASSWORD, at), at)

    def close(self) -> None:
        """Nobody lives here any more."""
        self.database.close()
