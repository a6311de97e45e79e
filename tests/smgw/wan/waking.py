"""An administrator who wakes one gateway, and the gate in front of it, all real: certificates, signatures, database."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role, TrustStore
from pki.wakeup import sign_wake_up
from smgw.store.database import Database
from smgw.store.wake_ups import WakeUpMemory
from smgw.wan.wakeup import WakeUpGate
from testbed.small_pki import NOW, Holder, SmallPki
from tests.smgw.store import samples
from tests.smgw.wan.station import der
from wire.profiles import AdministratorProfile
from wire.reading import DeviceId

DAY = timedelta(days=1)


def administrator_profile(tls: Holder, sig: Holder, at: datetime) -> AdministratorProfile:
    return AdministratorProfile(
        id="administrator", version=1, party="Verwalter", host="127.0.0.1", management_port=4433, service_port=4434,
        tls_certificate=der(tls), signature_certificate=der(sig), valid_from=at - DAY, valid_until=at + 30 * DAY,
    )  # fmt: skip


@dataclass
class Waking:
    """Spoil one thing before using :attr:`gate`: it asks for profile and trust each time."""

    folder: Path
    now: datetime = NOW
    pki: SmallPki = field(init=False)
    administrator: Holder = field(init=False)
    profile: AdministratorProfile | None = field(init=False)
    trust: TrustStore = field(init=False)
    database: Database = field(init=False)
    gate: WakeUpGate = field(init=False)

    def __post_init__(self) -> None:
        self.pki = SmallPki(now=self.now)
        self.random = random.Random(1)
        self.administrator = self.pki.holder(Role.GWA, Purpose.SIG, "Verwalter")
        tls = self.pki.holder(Role.GWA, Purpose.TLS, "Verwalter")
        self.profile = administrator_profile(tls, self.administrator, self.now)
        self.trust = self.pki.trust()
        self.open()

    def open(self) -> None:
        self.database = samples.open_database(self.folder)
        self.gate = WakeUpGate(samples.GATEWAY, WakeUpMemory(self.database), lambda: self.profile, lambda: self.trust)

    def restart(self) -> None:
        self.database.close()
        self.open()

    def pin(self, holder: Holder) -> None:
        assert self.profile is not None
        self.profile = replace(self.profile, signature_certificate=der(holder))

    def call(
        self,
        *,
        at: datetime | None = None,
        gateway: DeviceId = samples.GATEWAY,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> bytes:
        """A wake-up with a fresh nonce."""
        return sign_wake_up(gateway, at or self.now, self.random.randbytes(16), key or self.administrator.key)
