"""One gateway of a fleet: everything between its administrator and its profiles is a real gateway's.

Wake-up port and gate, management tunnel, desk, order gate, change of profiles and the SQLCipher store are those of
``smgw``, put together as ``smgw.composition`` does. Only three things differ: the keys are files in place of a security
module's, the database's key follows from one of them, and no line is read and nothing delivered, whatever the profiles
say. Whoever wants these runs ``smgw`` itself.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki.certificates import Purpose, TrustStore
from pki.tls import InProcessBackend, TlsIdentity, chain_of
from smgw.administration.desk import Desk, DeskPorts
from smgw.administration.order_gate import OrderGate
from smgw.clock import GatewayClock
from smgw.config import WakeUpConfiguration
from smgw.contract_end import ContractEnd
from smgw.gateway import Gateway
from smgw.identity import Identity, own_certificates
from smgw.logs.sealing import Sealer
from smgw.profile_change import ProfileChange
from smgw.program import version
from smgw.retention import Retention
from smgw.secure_states import Conditions, SecureStates
from smgw.store.calibration_log import CalibrationLog
from smgw.store.clock_records import ClockRecords
from smgw.store.database import Database
from smgw.store.logs import SystemLog
from smgw.store.orders import OrderStore
from smgw.store.profiles import ProfileSet, ProfileStore
from smgw.store.readings import ReadingStore
from smgw.store.settings import Settings
from smgw.store.sweep import Sweeper
from smgw.trust import TrustFolder
from smgw.tunnels import CurrentBackend
from smgw.wan.parts import Link, reserve
from testbed.fleet.ground import LINE, Member
from wire.canonical_json import JsonObject, JsonValue
from wire.instant import format_instant
from wire.orders import ChangeProfiles, SetRetention
from wire.profiles import AdministratorProfile

HOME: Final = "127.0.0.1"
_DATABASE: Final = "gateway.db"
_KEY_DOMAIN: Final = b"SMGW testbed fleet database v1\0"


@dataclass(frozen=True, slots=True)
class Clocks:
    """What only an entry point owns."""

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    jitter: Callable[[], float]


class FleetGateway:
    """One gateway; ``start`` makes two threads, ``stop`` ends them and closes its database."""

    def __init__(self, member: Member, administrator: AdministratorProfile, trust: TrustFolder, clocks: Clocks) -> None:
        """Open its store and its wake-up port. Raises CertificateError, StoreError, WakeUpPortError."""
        self.gateway = member.gateway
        self.changes = 0
        """Orders to change profiles that it carried out since it was made."""
        now = clocks.clock().replace(microsecond=0)
        holders = member.holders()
        keys = {purpose: holder.key for purpose, holder in holders.items()}
        secret = keys[Purpose.SIG].private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        database_key = sha256(_KEY_DOMAIN + secret).digest()
        public = {purpose: key.public_key() for purpose, key in keys.items()}
        certificates = own_certificates(member.folder, self.gateway, public, trust(), now)
        identity = Identity(self.gateway, 1, certificates, keys, {purpose: purpose.value for purpose in Purpose})
        with ExitStack() as opened:
            database = Database.open_with_key(member.folder / _DATABASE, database_key, create=True)
            opened.callback(database.close)
            clock = GatewayClock(clocks.clock, ClockRecords(database).load())
            self.profiles = ProfileStore(database)
            if not self.profiles.ever_held(administrator.KIND):
                self.profiles.put(administrator, document=administrator.to_bytes(), at=now)
            self.log = SystemLog(database)
            self._orders = OrderStore(database)
            self._walk = Gateway(
                self.gateway, keys[Purpose.SIG], ReadingStore(database), self.log, self.profiles.load(), clock=clock
            )

            def make_backend(identity: Identity, store: TrustStore) -> InProcessBackend:
                chain = chain_of(identity.certificates[Purpose.TLS].certificate, store)
                return InProcessBackend(
                    TlsIdentity(chain, identity.keys[Purpose.TLS]), store, clock=clock.administration
                )

            link = Link(
                gateway=self.gateway,
                profiles=lambda: self._walk.profiles,
                trust=trust,
                backend=CurrentBackend(lambda: identity, trust, make_backend),
                database=database,
                log=self.log,
                clock=clock,
                monotonic=clocks.monotonic,
                jitter=clocks.jitter,
                states=SecureStates(clock, Conditions()),
            )
            change = ProfileChange(
                self.profiles,
                trust,
                lines=[LINE],
                identity=lambda: identity,
                reachable=link.reachable,
                exchange=self._walk.change_profiles,
                apply=self._changed,
            )
            gate = OrderGate(self.gateway, administrator=link.administrator, trust=trust, orders=self._orders)
            retention = Retention(
                Settings(database),
                self.log,
                Sweeper(database),
                ContractEnd(database, self.log, Sealer(database, lambda: identity), begun=_never),
                profiles=lambda: self._walk.profiles,
                trusted=lambda _: False,  # it reads no meter, so there is nothing to sweep
            )
            desk = Desk(
                DeskPorts(
                    gate=gate,
                    system_log=self.log,
                    calibration_log=CalibrationLog(database),
                    status=self._status,
                    handlers={ChangeProfiles: change, SetRetention: retention},
                )
            )
            self._started_at = now
            self.management = link.management(desk, restart=_never, ended=_never)
            self._port = link.wake_up_port(WakeUpConfiguration(HOME, member.wake_port), self.management.wake)
            opened.callback(self._port.stop)
            self._opened = opened.pop_all()

    def start(self) -> None:
        """Begin to listen."""
        self.management.start()
        self._port.start()
        reserve(self._port, self._walk.profiles)

    def stop(self) -> None:
        """End."""
        self._port.stop()
        self.management.stop()
        self._opened.close()

    def _changed(self, profiles: ProfileSet) -> None:
        self.changes += 1
        reserve(self._port, profiles)

    def _status(self) -> JsonObject:
        profiles: list[JsonValue] = [
            {"kind": profile.KIND, "id": profile.id, "version": profile.version}
            for profile in self._walk.profiles.all()
        ]
        return {
            "gateway": self.gateway.text,
            "version": version(),
            "started_at": format_instant(self._started_at),
            "deviations": ["a simulated gateway: its keys are files"],
            "profiles": profiles,
            "last_order": self._orders.last(),
        }


def _never() -> None:
    """No order that this gateway takes ends the process, it has no clock to set, and no contract ends here."""
