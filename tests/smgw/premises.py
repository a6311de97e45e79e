"""A gateway as it stands in a cellar: configuration, token, certificates, trust, store, everything in one folder."""

import itertools
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pki import cms
from pki.certificates import Purpose, Role
from pki.new_token import create_token
from pki.token import Token
from smgw.composition import open_token
from smgw.config import Configuration
from smgw.enrolment import enrol
from smgw.store.database import Database
from smgw.store.profiles import ProfileStore
from testbed.small_pki import Holder, SmallPki
from tests.smgw.store import samples
from tests.smgw.wan.station import der
from tests.softhsm import MODULE
from tests.typed import typed
from wire.profiles import (
    AccessPurpose,
    AdministratorProfile,
    CommunicationProfile,
    EvaluationProfile,
    Profile,
    UseCase,
    parse_profile,
)

GATEWAY = "EABC0012345678"


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass
class Premises:
    """Everything that ``smgw run`` needs, made by ``smgw init`` and a small PKI; each test spoils one thing."""

    folder: Path
    softhsm: Path
    label: str
    port: int = 1
    tunnel: str = 'tunnel = "stunnel"'
    today: datetime = field(default_factory=now)
    since: datetime | None = None
    """When its authorities began; without it just now."""

    def __post_init__(self) -> None:
        self.pki = SmallPki(now=self.since or self.today - timedelta(minutes=1))
        self.administrator = self.pki.holder(Role.GWA, Purpose.SIG, "Verwalter")
        self.dialled = self.pki.holder(Role.GWA, Purpose.TLS, "Verwalter")
        self.recipient = self.pki.holder(Role.EMT, Purpose.ENC)
        self.peer = self.pki.holder(Role.EMT, Purpose.TLS)
        for name in ("trust", "certificates"):
            (self.folder / name).mkdir()
        self.file = self.folder / "gateway.toml"
        self.write_trust()
        (self.folder / "gwa.SIG.pem").write_bytes(pem(self.administrator.certificate))
        self.wake_up_port = free_datagram_port()
        self.administered(1, self.wake_up_port)  # nobody is there, and nobody wakes the gateway

    @property
    def configuration(self) -> Configuration:
        return Configuration.load(self.file)

    def write_configuration(self, **changes: str) -> None:
        values = {"id": GATEWAY, "pin": "pin", "store": "store", "lines": "", "host": "127.0.0.1"} | changes
        self.file.write_text(f"""
[gateway]
id = "{values["id"]}"
[token]
module = "{MODULE}"
configuration = "{self.softhsm}"
label = "{self.label}"
pin_file = "{values["pin"]}"
[store]
folder = "{values["store"]}"
[trust]
folder = "trust"
certificates = "certificates"
administrator = "gwa.SIG.pem"
[administrator]
profile = "administrator.cms"
[wake_up]
host = "{values["host"]}"
port = {values.get("port", self.wake_up_port)}
[wan]
{self.tunnel}
{values["lines"]}
""")

    def administered(self, management_port: int, wake_up_port: int, **changes: str) -> AdministratorProfile:
        """Configure an administrator, who signs his own initial profile."""
        begin = self.today - timedelta(days=1)
        profile = AdministratorProfile(
            id="gwa", version=1, party="Verwalter", host="127.0.0.1", management_port=management_port, service_port=1,
            tls_certificate=der(self.dialled), signature_certificate=der(self.administrator), valid_from=begin,
            valid_until=begin + timedelta(days=30),
        )  # fmt: skip
        (self.folder / "administrator.cms").write_bytes(self.sign(profile))
        self.wake_up_port = wake_up_port
        self.write_configuration(**changes)
        return profile

    def write_trust(self, *crls: x509.CertificateRevocationList) -> None:
        for name, issuer in (("root", self.pki.hierarchy.root), ("sub", self.pki.hierarchy.sub_ca)):
            (self.folder / "trust" / f"{name}.pem").write_bytes(pem(issuer.certificate))
        for number, crl in enumerate(crls or self.pki.crls()):
            (self.folder / "trust" / f"{number}.crl").write_bytes(crl.public_bytes(Encoding.PEM))

    def enrol(self) -> None:
        """What ``smgw init --create-token`` does, then what the CA does."""
        create_token(self.configuration.token, os.urandom)
        with self.open_token() as token:
            enrol(self.configuration, token)
        self.certify()

    def open_token(self) -> Token:
        pin = (self.folder / "pin").read_text().strip()
        return Token.open(MODULE, self.label, pin, monotonic=time.monotonic)

    def certify(self, name: str = GATEWAY) -> None:
        """The CA answers the three requests."""
        for purpose in Purpose:
            request = x509.load_pem_x509_csr((self.folder / "certificates" / f"{purpose}.csr").read_bytes())
            key = request.public_key()
            assert isinstance(key, ec.EllipticCurvePublicKey)
            self.install(purpose, self.pki.certify(key, Role.SMGW, purpose, name))

    def install(self, purpose: Purpose, certificate: x509.Certificate) -> None:
        (self.folder / "certificates" / f"{purpose}.pem").write_bytes(pem(certificate))

    def sign(self, profile: Profile, signer: Holder | None = None) -> bytes:
        """The document of ``profile`` that the administrator signs."""
        chosen = signer or self.administrator
        return cms.sign_document(profile.to_bytes(), signer=chosen.certificate, key=chosen.key)

    def hold(self, *profiles: Profile) -> None:
        """Put ``profiles`` into the store, as an order would have, in a process that has the token."""
        for number, profile in enumerate(profiles):
            (self.folder / f"{number}.profile").write_bytes(profile.to_bytes())
        files = [str(self.folder / f"{number}.profile") for number in range(len(profiles))]
        typed("tests.smgw.premises", self.file, *files).check_returncode()

    def party(self) -> CommunicationProfile:
        begin = now() - timedelta(days=1)
        return CommunicationProfile(
            id="grid", version=1, party="Netz", host="127.0.0.1", port=self.port, path="/deliveries",
            tls_certificate=der(self.peer), encryption_certificate=der(self.recipient),
            purposes=(AccessPurpose.GRID_OPERATION,), valid_from=begin, valid_until=begin + timedelta(days=30),
        )  # fmt: skip

    def evaluation(self) -> EvaluationProfile:
        party = self.party()
        return EvaluationProfile(
            id="grid-1", version=1, use_case=UseCase.TAF_7, party="grid", purpose=AccessPurpose.GRID_OPERATION,
            meters=(samples.METER,), registers=(samples.IMPORT,), period_seconds=900, dispatch_seconds=900,
            valid_from=party.valid_from, valid_until=party.valid_until, recipient=party.encryption_fingerprint,
        )  # fmt: skip


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


_NUMBERS = itertools.count(os.getpid() * 997)
"""Far from those of the test processes that were started beside this one."""


def free_datagram_port() -> int:
    """A UDP port that nobody uses now, and that nobody gets who asks the system for any (ip_local_port_range)."""
    while True:
        port = 10_000 + next(_NUMBERS) % 20_000
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def put(configuration: Configuration, files: list[str]) -> None:
    """What :meth:`Premises.hold` has done."""
    with open_token(configuration, time.monotonic) as token:
        database = Database.open(configuration.store, token, configuration.gateway)
        for content in (Path(file).read_bytes() for file in files):
            ProfileStore(database).put(parse_profile(content), document=content, at=now())
        database.close()


def main() -> None:
    """Put the files of the command line into the store of a configuration."""
    put(Configuration.load(Path(sys.argv[1])), sys.argv[2:])
