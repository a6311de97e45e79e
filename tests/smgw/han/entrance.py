"""A door with two consumers, a technician and somebody who has no password behind it, and clocks that a test sets."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smgw.han.credentials import Credentials
from smgw.han.digest import Algorithm, Answer
from smgw.han.door import HanDoor
from smgw.han.passwords import verifier_of
from smgw.store.consumer_log import ConsumerLog
from smgw.store.database import Database
from smgw.store.log_entry import Entry
from smgw.store.logs import SystemLog
from smgw.store.profiles import ProfileSet, ProfileStore
from tests.smgw.store.samples import GATEWAY
from tests.wire.profiles.examples import ACCOUNT
from wire.profiles import VERIFIER_BYTES, AccountProfile, AccountRole

START = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
REALM = GATEWAY.text
PASSWORDS = {"house": "Ofen-Birne-Garten-52", "flat": "Lampe-Regen-Kiste-17", "service": "Werkzeug-Tasche-Leiter-31"}
HOUSE = replace(ACCOUNT, id="account-house", name="house", consumer="consumer-house", fingerprints=())
FLAT = replace(HOUSE, id="account-flat", name="flat", consumer="consumer-flat")
SERVICE = replace(HOUSE, id="account-service", name="service", role=AccountRole.TECHNICIAN, consumer=None)


def client_certificate(begin: datetime = START - timedelta(days=1), days: int = 30) -> bytes:
    """A self-signed client certificate (DER)."""
    key = ec.derive_private_key(4711, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=days))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


CERTIFICATE = client_certificate()
FINGERPRINT = hashlib.sha256(CERTIFICATE).hexdigest()
CERTIFIED = replace(
    HOUSE, id="account-attic", name="attic", consumer="consumer-attic", fingerprints=(FINGERPRINT,), verifier=None
)


@dataclass
class Entrance:
    """One gateway's door and what is behind it; both clocks stand until they are moved."""

    database: Database
    at: datetime = START
    now: float = 1000.0
    profiles: ProfileSet = field(default_factory=ProfileSet)
    door: HanDoor = field(init=False)

    def __post_init__(self) -> None:
        for account in (HOUSE, FLAT, SERVICE):
            self.install(account, PASSWORDS[account.name])
        self.put(CERTIFIED)
        self.concern()
        self.restart()

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.database)

    def restart(self) -> None:
        """Another process, on the same store."""
        self.door = HanDoor(
            gateway=REALM,
            profiles=lambda: self.profiles,
            credentials=self.credentials,
            database=self.database,
            random=random.Random(7).randbytes,
            monotonic=lambda: self.now,
        )

    def wait(self, seconds: float) -> None:
        """Let time pass, by both clocks."""
        self.at += timedelta(seconds=seconds)
        self.now += seconds

    def install(self, account: AccountProfile, password: str) -> None:
        """Put an account, or a newer version of one, into the store, with its password."""
        ProfileStore(self.database).put(account, document=account.to_bytes(), at=self.at)
        self.credentials.put(account, verifier_of(account.name, REALM, password, older=account.md5))
        self.put(account)

    def concern(self) -> None:
        """Have the consumers concerned by their accounts, so that they have logs; a profile that is stored ends it."""
        SystemLog(self.database).concern({(one.consumer, one.id) for one in (HOUSE, FLAT, CERTIFIED) if one.consumer})

    def put(self, account: AccountProfile) -> None:
        """From now on ``account`` stands in the set, as it is."""
        self.profiles = replace(self.profiles, accounts={**self.profiles.accounts, account.id: account})

    def withdraw(self, account: AccountProfile) -> None:
        left = {one: profile for one, profile in self.profiles.accounts.items() if one != account.id}
        self.profiles = replace(self.profiles, accounts=left)

    def log_of(self, consumer: str) -> list[Entry]:
        return ConsumerLog(self.database, consumer).entries()

    def system_log(self) -> list[Entry]:
        return SystemLog(self.database).entries()

    def answers(
        self,
        name: str,
        password: str,
        *,
        target: str = "/",
        method: str = "GET",
        algorithm: Algorithm = Algorithm.SHA_256,
    ) -> Iterator[str]:
        """Answers to one challenge, one after the other."""
        known = verifier_of(name, REALM, password, older=True)
        part = known[:VERIFIER_BYTES] if algorithm is Algorithm.SHA_256 else known[VERIFIER_BYTES:]
        nonce = self.door.challenge(self.at).partition('nonce="')[2].partition('"')[0]
        count = 0
        while True:
            count += 1
            empty = Answer(name, REALM, nonce, target, count, "c0ffee", "", algorithm)
            right = empty.expected(part, method)
            yield replace(empty, response=right).to_header()
