"""The house of two consumers behind a gateway that is put together whole: token, store, nginx, and its page.

The past was signed by keys of the first generation, which are software so that it costs no time; those in use are the
second generation and lie in the token. The clock stands still until a test moves it.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.new_token import create_token
from smgw.clock import ClockMemory
from smgw.composed import Composed, Environment
from smgw.composition import compose
from smgw.gateway import Gateway
from smgw.identity import Identity, OwnCertificates
from smgw.keys.cabinet import KeyCabinet, certificates_of
from smgw.keys.state import KeyState, write_state
from smgw.lmn.telegram import Telegram, Value
from smgw.store.clock_records import ClockRecords
from smgw.store.database import STORAGE_LABEL, Database
from smgw.store.logs import SystemLog
from smgw.store.profiles import ProfileStore
from testbed.small_pki import Holder
from tests.han_web.fronted import free_port
from tests.smgw.composing import name
from tests.smgw.han.house import House
from tests.smgw.han.house_readings import EXPORT, FIRST, IMPORT, RENEWED, Signer, shown
from tests.smgw.premises import Premises, pem
from tests.smgw.store.samples import GATEWAY
from tests.softhsm import shared_configuration

GENERATION = 2
_COMPARED = timedelta(minutes=8)


class Household(House):
    """The house in a gateway's own store; ``serve`` begins the gateway."""

    def __post_init__(self) -> None:
        """Fill the store of a gateway that does not run yet."""
        self.premises = Premises(self.folder, shared_configuration(), name(), today=self.now, since=RENEWED)
        self.https_port = free_port()
        self.premises.write_configuration(lines=f'[han]\naddresses = ["127.0.0.1"]\nport = {self.https_port}\n')
        self.premises.write_trust(*self.premises.pki.crls(now=self.now))
        self.pki = self.premises.pki
        self.trust: TrustStore = self.pki.trust(now=self.now)
        former = {purpose: self.pki.holder(Role.SMGW, purpose, GATEWAY.text) for purpose in Purpose}
        self.identity = Identity(
            GATEWAY, 1, OwnCertificates({purpose: self._verified(one, purpose) for purpose, one in former.items()}),
            {purpose: one.key for purpose, one in former.items()}, {one: one.value for one in Purpose},
        )  # fmt: skip
        self.key = former[Purpose.SIG].key
        self.signer = Signer(self.key)
        self.client, self.stranger = self._program("display"), self._program("stranger")
        self._renew(former[Purpose.SIG])
        with self.premises.open_token() as token:
            self.database = Database.create(self.premises.configuration.store, token, GATEWAY)
            self.system_log = SystemLog(self.database)
            self._install()
            self.profiles = ProfileStore(self.database).load()
            self._record()
            self._deliver()
            self._happen()
            compared = self.now - _COMPARED
            ClockRecords(self.database).compared(ClockMemory(trusted_at=compared), compared, corrected=False)
            self.database.close()

    @property
    def address(self) -> str:
        """What is typed into a browser."""
        return f"https://127.0.0.1:{self.https_port}"

    @property
    def certificate(self) -> Path:
        """Of the page."""
        return self.folder / "certificates" / "HAN.pem"

    @property
    def root(self) -> Path:
        """The one certificate that a proof is checked against."""
        return self.folder / "trust" / "root.pem"

    @contextmanager
    def serve(self) -> Iterator[Composed]:
        """The gateway runs, until the block ends; nobody is at the other end of its lines and of the internet."""
        generator = random.Random(1)
        monotonic = lambda: self.now.timestamp()  # noqa: E731, PLW0108 - of the moment that a test sets
        environment = Environment(lambda: self.now, monotonic, generator.randbytes, generator.random)
        with compose(self.premises.configuration, environment) as one:
            assert one.page is not None
            self.gateway: Gateway = one.gateway
            self._hear()
            one.page.start()
            try:
                yield one
            finally:
                one.page.stop()

    def read_out(self, watts: int, after: timedelta) -> None:
        """Time passes, and the first meter is read."""
        self.now += after
        at = int(self.now.timestamp())
        data_sets = {"C.1.0": (Value("00471100", ""),), "1.7.0": (Value(f"{watts / 1000:.3f}", "kW"),)}
        for code, obis in (("1.8.0", IMPORT), ("2.8.0", EXPORT)):
            tenths = shown(FIRST, obis, -1, at)
            data_sets[code] = (Value(f"{tenths // 10_000:06}.{tenths % 10_000:04}", "kWh"),)
        heard = Telegram("ISk", "MT", data_sets, self.now, self.now)
        assert self.gateway.accept(self.gateway.profiles.meters["meter-house-1"], heard)

    def _verified(self, one: Holder, purpose: Purpose) -> VerifiedCertificate:
        pinned = {fingerprint(one.certificate)}
        return self.trust.verify(one.certificate, role=Role.SMGW, purpose=purpose, at=self.now, pinned=pinned)

    def _program(self, name: str) -> Holder:
        """A certificate of its own making, as a program or a browser has one."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        begin, end = self.now - timedelta(days=1), self.now + timedelta(days=365)
        certificate = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(7).not_valid_before(begin).not_valid_after(end).sign(key, hashes.SHA256())
        )  # fmt: skip
        return Holder(certificate, key)

    def _renew(self, former: Holder) -> None:
        """The keys in use are made in the token, and the certificate of the former ones is kept."""
        create_token(self.premises.configuration.token, random.Random(self.https_port).randbytes)
        folder = self.premises.configuration.trust.certificates
        (folder / f"{Purpose.SIG}.pem").write_bytes(pem(former.certificate))
        renewed = certificates_of(folder, GENERATION)
        renewed.mkdir()
        self.pki.now = self.now - timedelta(days=1)
        with self.premises.open_token() as token:
            token.generate_storage_key(STORAGE_LABEL)
            cabinet = KeyCabinet(token, None)
            for purpose in Purpose:
                key = cabinet.make(purpose, GENERATION)
                certificate = self.pki.certify(key.public_key(), Role.SMGW, purpose, GATEWAY.text)
                (renewed / f"{purpose}.pem").write_bytes(pem(certificate))
        self.pki.now = RENEWED
        write_state(folder, KeyState(GENERATION, highest=GENERATION))
