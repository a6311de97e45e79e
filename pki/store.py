"""What a certification authority keeps on disk: its certificates, an index of what it issued, its lists, its settings.

::

    <state>/                0700
      hierarchy.toml        the plan, as it was at init
      softhsm2.conf tokens/ the token with the CA keys (only where the CA made it)
      index.json            every issued certificate, its holder, and its revocation; counters of the lists
      issued/<serial>.pem   every issued certificate
      trust/                what the others get: root.pem, sub-ca.pem, seal-ca.pem, and the list (.crl) of each

No private key is ever in it outside the token. Files are replaced atomically (written beside, synced, renamed), so
that a crash leaves the old or the new state; a lock file keeps two commands from changing it at once.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pki.certificates import fingerprint, load_certificate
from pki.errors import CertificateError, IssueError, IssueReason
from pki.issue import Order
from pki.plan import Plan
from pki.profiles import Role
from pki.revoke import Revocation

ROOT: Final = "root"
SUB_CA: Final = "sub-ca"
SEAL_CA: Final = "seal-ca"
"""The authorities by the names of their files in the trust folder."""

_FORMAT: Final = 1
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Entry:
    """One issued certificate: ``serial`` in hexadecimal, ``key`` a :func:`key_mark`, ``hosts`` separated by spaces.

    ``revoked`` is empty or the time of revocation. ``seal`` tells a quality-seal certificate, or the CA for those.
    """

    serial: str
    fingerprint: str
    key: str
    role: str
    purpose: str
    name: str
    generation: int
    not_after: str
    revoked: str = ""
    reason: str = ""
    hosts: str = ""
    seal: bool = False

    @property
    def issuer(self) -> str:
        """Which authority issued it, and so has it on its list."""
        if self.role == Role.SUB_CA:
            return ROOT
        return SEAL_CA if self.seal else SUB_CA

    def revocation(self) -> Revocation:
        """This entry for a revocation list."""
        at = datetime.strptime(self.revoked, _TIME).replace(tzinfo=UTC)
        return Revocation(int(self.serial, 16), at, self.reason)


@dataclass(slots=True)
class Index:
    """All that changes: entries in order of issue, and the number of the last list of each CA."""

    entries: list[Entry] = field(default_factory=list)
    root_crl: int = 0
    sub_ca_crl: int = 0
    seal_ca_crl: int = 0

    def add(self, certificate: x509.Certificate, order: Order) -> Entry:
        """Enter an issued certificate."""
        entry = Entry(
            f"{certificate.serial_number:x}",
            fingerprint(certificate),
            key_mark(order.public_key),
            order.role.value,
            order.purpose.value if order.purpose else "",
            order.name,
            order.generation,
            certificate.not_valid_after_utc.strftime(_TIME),
            hosts=" ".join(order.hosts),
            seal=order.seal,
        )
        self.entries.append(entry)
        return entry

    def good(self, role: Role, name: str, at: datetime) -> list[Entry]:
        """Certificates of this holder that are neither revoked nor over."""
        now = at.astimezone(UTC).strftime(_TIME)
        held = (entry for entry in self.entries if (entry.role, entry.name) == (role.value, name))
        return [entry for entry in held if not entry.revoked and entry.not_after >= now]

    def next_generation(self, role: Role, name: str) -> int:
        """The serialNumber of the next certificates of this holder."""
        return max((e.generation for e in self.entries if (e.role, e.name) == (role.value, name)), default=0) + 1

    def find(self, handle: str) -> Entry:
        """The entry with this serial number or fingerprint.

        Raises:
            IssueError: UNKNOWN_CERTIFICATE.
        """
        wanted = handle.lower().replace(":", "")
        for entry in self.entries:
            if wanted in (entry.serial, entry.fingerprint):
                return entry
        raise IssueError(IssueReason.UNKNOWN_CERTIFICATE, f"this CA issued no certificate {handle!r}")

    def revoke(self, entry: Entry, at: datetime, reason: str) -> None:
        """Mark ``entry`` as revoked.

        Raises:
            IssueError: ALREADY_REVOKED.
        """
        if entry.revoked:
            raise IssueError(
                IssueReason.ALREADY_REVOKED, f"{entry.serial} was revoked {entry.revoked} ({entry.reason})"
            )
        marked = replace(entry, revoked=at.astimezone(UTC).strftime(_TIME), reason=reason)
        self.entries[self.entries.index(entry)] = marked

    def revocations(self, authority: str) -> list[Revocation]:
        """What belongs on the list of ``authority``: everything revoked that it issued."""
        return [entry.revocation() for entry in self.entries if entry.revoked and entry.issuer == authority]

    def next_list(self, authority: str) -> int:
        """Count on, and return the number of the next list of ``authority``."""
        counter = {ROOT: "root_crl", SUB_CA: "sub_ca_crl", SEAL_CA: "seal_ca_crl"}[authority]
        number: int = getattr(self, counter) + 1
        setattr(self, counter, number)
        return number


class Store:
    """The folder of one certification authority."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read or written yet."""
        self.folder = folder
        self.trust = folder / "trust"
        self.configuration = folder / "softhsm2.conf"

    @classmethod
    def create(cls, folder: Path, plan_text: str) -> "Store":
        """A new, empty state with its own token folder.

        Raises:
            IssueError: STATE where there is one already.
        """
        store = cls(folder)
        if (folder / "index.json").exists():
            raise IssueError(IssueReason.STATE, f"{folder} has a certification authority already")
        Plan.from_toml(plan_text)
        for part in (folder, folder / "issued", store.trust):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.chmod(0o700)
        write_atomically(folder / "hierarchy.toml", plan_text.encode())
        write_softhsm_configuration(store.configuration)
        return store

    @property
    def plan(self) -> Plan:
        """The hierarchy of this authority."""
        return Plan.from_file(self.folder / "hierarchy.toml")

    @contextmanager
    def changing(self) -> Iterator[Index]:
        """The index, alone; what was changed in it is saved when the block ends without an error."""
        try:
            with (self.folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                index = self.read() if (self.folder / "index.json").exists() else Index()
                yield index
                document = {"format": _FORMAT, **asdict(index)}
                write_atomically(self.folder / "index.json", json.dumps(document, indent=1).encode() + b"\n")
        except OSError as error:
            raise IssueError(IssueReason.STATE, f"the state in {self.folder} cannot be changed: {error}") from error

    def read(self) -> Index:
        """The index as it is.

        Raises:
            IssueError: STATE where there is none or it cannot be read.
        """
        try:
            document: dict[str, Any] = json.loads((self.folder / "index.json").read_bytes())
            number = document.pop("format")
            document["entries"] = [Entry(**entry) for entry in document["entries"]]
            index = Index(**document)
        except FileNotFoundError as error:
            raise IssueError(
                IssueReason.STATE, f"no certification authority in {self.folder}; begin with init"
            ) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IssueError(IssueReason.STATE, f"the index in {self.folder} cannot be read: {error}") from error
        if number != _FORMAT:
            raise IssueError(IssueReason.STATE, f"the index in {self.folder} is of format {number}, not {_FORMAT}")
        return index

    def save_certificate(self, certificate: x509.Certificate) -> None:
        """Keep an issued certificate."""
        path = self.folder / "issued" / f"{certificate.serial_number:x}.pem"
        write_atomically(path, certificate.public_bytes(Encoding.PEM))

    def certificate(self, entry: Entry) -> x509.Certificate:
        """The issued certificate of ``entry``."""
        return self._load(self.folder / "issued" / f"{entry.serial}.pem")

    def publish(self, name: str, thing: x509.Certificate | x509.CertificateRevocationList) -> None:
        """Put a CA certificate or list into the trust folder, for everybody to read."""
        suffix = "pem" if isinstance(thing, x509.Certificate) else "crl"
        write_atomically(self.trust / f"{name}.{suffix}", thing.public_bytes(Encoding.PEM), mode=0o644)

    def authority(self, name: str) -> x509.Certificate:
        """The certificate of one authority."""
        return self._load(self.trust / f"{name}.pem")

    def _load(self, path: Path) -> x509.Certificate:
        try:
            return load_certificate(path.read_bytes())
        except (OSError, CertificateError) as error:
            raise IssueError(IssueReason.STATE, f"{path} cannot be read: {error}") from error


def key_mark(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of the public point, hexadecimal: tells whether a key was certified before."""
    return sha256(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).hexdigest()


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Replace ``path`` in one step; after a crash it is the old or the new content, never half of it.

    ``owner`` is the user and group to whom root gives the file, where it is not the writer's own.
    """
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_softhsm_configuration(path: Path) -> None:
    """Write the configuration of a SoftHSM2 that keeps its tokens in the folder ``tokens`` beside ``path``."""
    tokens = path.parent.resolve() / "tokens"
    tokens.mkdir(mode=0o700, parents=True, exist_ok=True)
    tokens.chmod(0o700)
    lines = (f"directories.tokendir = {tokens}", "objectstore.backend = file", "log.level = ERROR")
    write_atomically(path, "\n".join(lines).encode() + b"\n")
