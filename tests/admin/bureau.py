"""An administrator's office in a folder: real token, real database, a small SM-PKI, and a clock that a test sets."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from admin.config import Configuration
from admin.database import open_database
from admin.inventory import GatewayRecord
from admin.life_cycle import LifeCycle
from admin.office import SIGNATURE_KEY, Office
from admin.wake import Timing
from pki.certificates import Purpose, Role, VerifiedCertificate, fingerprint
from testbed.small_pki import NOW, Holder, SmallPki
from tests.softhsm import MODULE, PIN, lend_token, shared_configuration, take_back
from wire.orders import RunSelfTest
from wire.reading import DeviceId

GATEWAY = DeviceId("EABC0012345678")
OTHER = DeviceId("EABC0012345679")
BY = "anna"
SECOND = timedelta(seconds=1)
PATIENCE = 180.0
"""Real seconds for what somebody else does: many times what a busy machine takes, and longer than any time-out."""
LOOK = 0.05

__all__ = ["BY", "GATEWAY", "MODULE", "NOW", "OTHER", "PIN", "SECOND", "Bureau", "FakeTime", "StandingTime"]


@dataclass
class FakeTime:
    """A clock that stands still until somebody sleeps."""

    now: datetime = NOW
    slept: float = 0.0

    def clock(self) -> datetime:
        return self.now + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@dataclass
class StandingTime(FakeTime):
    """A clock that goes on only while ``goes`` says so: until then somebody else is waited for, however slow he is.

    Nobody is waited for without end: after a real while it goes on by itself, and the test fails.
    """

    goes: Callable[[], bool] = lambda: False
    _stands_until: float = field(default_factory=lambda: time.monotonic() + PATIENCE)

    def sleep(self, seconds: float) -> None:
        if self.goes() or time.monotonic() > self._stands_until:
            super().sleep(seconds)
        else:
            time.sleep(min(seconds, LOOK))


@dataclass
class Bureau:
    """Configuration, token, certificates, trust folder; a test opens the office and states its deviation."""

    folder: Path
    pki: SmallPki = field(default_factory=SmallPki)
    name: str = "Verwalter"
    label: str = ""
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.token = lend_token(SIGNATURE_KEY)
        self.label = self.token.label
        (self.folder / "trust").mkdir()
        (self.folder / "certificates").mkdir()
        self.pin_file = self.folder / "pin"
        self.pin_file.write_text(PIN)
        self.pin_file.chmod(0o600)
        key = self.token.public_keys[SIGNATURE_KEY]
        self.certificate = self.pki.certify(key, Role.GWA, Purpose.SIG, self.name)
        self.signature_file.write_bytes(pem(self.certificate))
        self.write_trust()
        self.file = self.folder / "admin.toml"
        self.file.write_text(self.toml())

    def close(self) -> None:
        """Give the token back; the office must be closed."""
        take_back(self.token)

    @property
    def signature_file(self) -> Path:
        return self.folder / "certificates" / "SIG.pem"

    def toml(self, **changes: str) -> str:
        values = {"resend": "5", "timeout": "20", "management": "18450", "rest": ""} | changes
        return f"""
[administrator]
name = "{self.name}"
[token]
module = "{MODULE}"
configuration = "{shared_configuration()}"
label = "{self.label}"
pin_file = "pin"
[trust]
folder = "trust"
[keys]
tls_certificate = "certificates/TLS.pem"
tls_key = "certificates/TLS.key"
signature_certificate = "certificates/SIG.pem"
[database]
file = "admin.db"
[management]
host = "127.0.0.1"
port = {values["management"]}
[service]
host = "127.0.0.1"
port = 18451
[wake_up]
resend_seconds = {values["resend"]}
timeout_seconds = {values["timeout"]}
{values["rest"]}
"""

    def write_trust(self, *crls: x509.CertificateRevocationList) -> None:
        for name, issuer in (("root", self.pki.hierarchy.root), ("sub", self.pki.hierarchy.sub_ca)):
            (self.folder / "trust" / f"{name}.pem").write_bytes(pem(issuer.certificate))
        for number, crl in enumerate(crls or self.pki.crls()):
            (self.folder / "trust" / f"{number}.crl").write_bytes(crl.public_bytes(Encoding.PEM))

    @property
    def configuration(self) -> Configuration:
        return Configuration.load(self.file)

    def open(self) -> Office:
        return Office(self.configuration, monotonic=time.monotonic)

    @contextmanager
    def office(self, *gateways: DeviceId, port: int = 4059) -> Iterator[Office]:
        """An open office, in whose inventory ``gateways`` operate, woken on this machine at ``port``."""
        furnish(self.folder / "admin.db")
        with self.open() as office:
            for gateway in gateways:
                office.inventory.add(self.record(gateway, port=port), BY, self.now)
            yield office

    def office_certificate(self) -> VerifiedCertificate:
        """The SIG certificate as a gateway has it pinned, verified."""
        pinned = {fingerprint(self.certificate)}
        return self.pki.trust().verify(self.certificate, role=Role.GWA, purpose=Purpose.SIG, at=self.now, pinned=pinned)

    def record(self, gateway: DeviceId = GATEWAY, *, port: int = 4059, seal: bool = False) -> GatewayRecord:
        state = LifeCycle.DELIVERED if seal else LifeCycle.OPERATING
        return GatewayRecord(gateway, state, "127.0.0.1", port, self.triple(gateway), seal)

    def triple(self, gateway: DeviceId = GATEWAY) -> dict[Purpose, bytes]:
        return {purpose: der(self.pki.holder(Role.SMGW, purpose, gateway.text)) for purpose in Purpose}

    def queue(self, office: Office, gateway: DeviceId = GATEWAY) -> int:
        return office.orders.queue(gateway, RunSelfTest(), BY, self.now)


def fake_timing(fake: FakeTime, *, timeout: float = 20, resend: float = 5) -> Timing:
    return Timing(fake.clock, fake.monotonic, fake.sleep, timedelta(seconds=timeout), timedelta(seconds=resend))


def real_timing() -> Timing:
    """Waits really, and as no time passes meanwhile nobody comes too late and nobody is woken twice."""
    return fake_timing(StandingTime())


@cache
def _empty_database() -> bytes:
    """The octets of a database that is new: making its tables takes its time, once for all tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "admin.db"
        open_database(file).dispose()
        return file.read_bytes()


def furnish(file: Path) -> None:
    """Put a new database at ``file``, as :func:`open_database` makes it, unless there is one."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(_empty_database())


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def der(holder: Holder) -> bytes:
    return holder.certificate.public_bytes(Encoding.DER)
