"""What a fleet stands on, in one folder: an SM-PKI, an administrator, the keys of every gateway, a list of all of them.

Decides names and places only. Keys are drawn anew for every folder and lie in it as files (mode 0600), the
administrator's SIG key in a SoftHSM2 token. The folder holds for as long as its revocation lists do; nobody outside it
may ever believe anything in it.
"""

import csv
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from admin.config import Configuration
from admin.keys import request_certificates
from admin.office import Office
from pki.certificates import Purpose, Role, fingerprint, load_certificate
from pki.files import read_key, write_certificates, write_keys
from pki.new_token import create_token
from pki.pin import read_pin
from pki.token import Token
from testbed.demo.drafts import toml
from testbed.demo.scene import free_ports
from testbed.small_pki import LIST_DAYS, Holder, SmallPki
from wire.profiles import AdministratorProfile
from wire.reading import DeviceId

ADMINISTRATOR: Final = "Verwalter"
PARTY: Final = "netz"
LINE: Final = "rs485"
"""The one line that every gateway of a fleet says it has."""
HOLDS: Final = timedelta(days=LIST_DAYS - 1)
"""A day less than the sub-CA's revocation list is current."""
_HOME: Final = "127.0.0.1"
_CONFIGURATION = """\
[administrator]
name = "{name}"
[token]
module = "{module}"
configuration = "{softhsm}"
label = "{label}"
pin_file = "pin"
[trust]
folder = "../trust"
[keys]
tls_certificate = "certificates/TLS.pem"
tls_key = "certificates/TLS.key"
signature_certificate = "certificates/SIG.pem"
[database]
file = "admin.db"
[management]
host = "127.0.0.1"
port = {management}
[service]
host = "127.0.0.1"
port = {service}
[wake_up]
resend_seconds = 5
timeout_seconds = 60
"""


class GroundError(Exception):
    """The folder holds another fleet, or one that is too old or half made."""


@dataclass(frozen=True, slots=True)
class Member:
    """One gateway: its keys and certificates, and where it hears wake-ups."""

    gateway: DeviceId
    wake_port: int
    folder: Path

    def holders(self) -> dict[Purpose, Holder]:
        """Its certificates and software keys."""
        return {
            purpose: Holder(
                load_certificate((self.folder / f"{purpose}.pem").read_bytes()),
                read_key(self.folder / f"{purpose}.key"),
            )
            for purpose in Purpose
        }


@dataclass(frozen=True, slots=True)
class Ground:
    """A fleet's folder. ``prepare`` makes what is missing."""

    state: Path
    module: Path = Path("/usr/lib/softhsm/libsofthsm2.so")

    @property
    def configuration(self) -> Path:
        """The administrator's."""
        return self.state / "administrator" / "admin.toml"

    @property
    def list(self) -> Path:
        """Every gateway, as ``smgw-admin fleet`` reads it."""
        return self.state / "fleet.csv"

    @property
    def drafts(self) -> tuple[Path, ...]:
        """A meter, a party and its series, with placeholders for each gateway's own."""
        return tuple(self.state / f"{name}.toml" for name in ("netz", "meter", "series"))

    @property
    def trust(self) -> Path:
        """Whom everybody believes."""
        return self.state / "trust"

    def prepare(
        self,
        gateways: int,
        *,
        first_port: int = 0,
        softhsm: Path | None = None,
        label: str = ADMINISTRATOR,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make the folder, unless it is there. Raises GroundError: another number, too old, half made.

        Args:
            gateways: How many.
            first_port: The first gateway's UDP port, the others' behind it; 0 takes free ones.
            softhsm: The SoftHSM2 configuration of this process, where it has one already.
            label: Of the administrator's token.
            say: Is told what takes time.
        """
        now = datetime.now(UTC).replace(microsecond=0)
        if self.list.exists():
            found = len(self.members())
            if found != gateways:
                raise GroundError(f"{self.state} holds a fleet of {found} gateways, not of {gateways}")
            if now - datetime.fromtimestamp(self.list.stat().st_mtime, UTC) > HOLDS:
                raise GroundError(f"{self.state} is older than its revocation lists: remove it")
            return
        if self.trust.exists():
            raise GroundError(f"{self.state} was not made to its end: remove it")
        pki = SmallPki(seed=int.from_bytes(os.urandom(16)), now=now - timedelta(hours=1))
        self._publish(pki)
        self._administrator(pki, softhsm, label)
        self._write_drafts(pki, now)
        say(f"certificates of {gateways} gateways")
        ports = list(_ports(gateways, first_port))
        rows = [self._member(pki, number, port) for number, port in enumerate(ports, start=1)]
        with self.list.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def members(self) -> tuple[Member, ...]:
        """Every gateway of the list."""
        with self.list.open(encoding="utf-8", newline="") as file:
            return tuple(
                Member(DeviceId(row["gateway"]), int(row["port"]), self.state / row["certificates"])
                for row in csv.DictReader(file)
            )

    def office(self) -> Office:
        """The administrator's office."""
        return Office(Configuration.load(self.configuration), monotonic=time.monotonic)

    def administrator(self, management_port: int = 0) -> AdministratorProfile:
        """The administrator as every gateway knows it; dialled at ``management_port`` where that is not configured."""
        chosen = Configuration.load(self.configuration)
        tls, sig = (
            load_certificate(path.read_bytes())
            for path in (chosen.keys.tls_certificate, chosen.keys.signature_certificate)
        )
        return AdministratorProfile(
            id="administrator",
            version=1,
            party=ADMINISTRATOR,
            host=_HOME,
            management_port=management_port or chosen.management.port,
            service_port=chosen.service.port,
            tls_certificate=tls.public_bytes(Encoding.DER),
            signature_certificate=sig.public_bytes(Encoding.DER),
            valid_from=max(tls.not_valid_before_utc, sig.not_valid_before_utc),
            valid_until=min(tls.not_valid_after_utc, sig.not_valid_after_utc),
        )

    def _publish(self, pki: SmallPki) -> None:
        self.trust.mkdir(mode=0o700, parents=True)
        for name, issuer in (("root", pki.hierarchy.root), ("sub-ca", pki.hierarchy.sub_ca), ("seal-ca", pki.seal_ca)):
            (self.trust / f"{name}.pem").write_bytes(issuer.certificate.public_bytes(Encoding.PEM))
        for number, crl in enumerate((*pki.crls(now=pki.now), pki.seal_crl())):
            (self.trust / f"{number}.crl").write_bytes(crl.public_bytes(Encoding.PEM))

    def _administrator(self, pki: SmallPki, softhsm: Path | None, label: str) -> None:
        folder = self.configuration.parent
        folder.mkdir(mode=0o700, parents=True)
        management, service = free_ports(2)
        softhsm = softhsm or folder / "softhsm2.conf"
        self.configuration.write_text(
            _CONFIGURATION.format(
                name=ADMINISTRATOR,
                module=self.module,
                softhsm=softhsm,
                label=label,
                management=management,
                service=service,
            )
        )
        configuration = Configuration.load(self.configuration)
        create_token(configuration.token, os.urandom)
        pin = read_pin(configuration.token.pin_file)
        with Token.open(self.module, label, pin, monotonic=time.monotonic) as token:
            requests = request_certificates(configuration, token)
        certificates = {}
        for purpose in Purpose:
            key = x509.load_pem_x509_csr((requests / f"{purpose}.csr").read_bytes()).public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise GroundError(f"the administrator's {purpose} key is on no curve")
            certificates[purpose] = pki.certify(key, Role.GWA, purpose, ADMINISTRATOR)
        write_certificates(requests, certificates)

    def _write_drafts(self, pki: SmallPki, now: datetime) -> None:
        validity = {"valid_from": now - timedelta(hours=1), "valid_until": now + timedelta(days=300)}
        tls, encryption = (pki.holder(Role.EMT, purpose, "Netz").certificate for purpose in (Purpose.TLS, Purpose.ENC))
        tables: dict[str, dict[str, object]] = {
            "netz": {
                "kind": "communication",
                "id": PARTY,
                "party": "Netz",
                "host": _HOME,
                "port": 9,
                "path": "/deliveries",
                "tls_certificate": tls.public_bytes(Encoding.PEM).decode(),
                "encryption_certificate": encryption.public_bytes(Encoding.PEM).decode(),
                "purposes": ["grid-operation"],
            },
            "meter": {
                "kind": "meter",
                "id": "meter-{number}",
                "meter": "{meter}",
                "consumer": "house-{number}",
                "identity": "{number}",
                "manufacturer": "ISK",
                "line": LINE,
                "registers": ["1-0:1.8.0"],
                "interval": "15 min",
                "maximum_power_watts": 60_000,
            },
            "series": {
                "kind": "evaluation",
                "id": "series-{number}",
                "use_case": "TAF-7",
                "party": PARTY,
                "purpose": "grid-operation",
                "meters": ["{meter}"],
                "registers": ["1-0:1.8.0"],
                "period": "15 min",
                "recipient": fingerprint(encryption),
            },
        }
        for file in self.drafts:
            file.write_text(toml(tables[file.stem] | validity))

    def _member(self, pki: SmallPki, number: int, port: int) -> dict[str, str | int]:
        gateway = DeviceId(f"EABC{number:010}")
        folder = self.state / "gateways" / gateway.text
        holders = {purpose: pki.holder(Role.SMGW, purpose, gateway.text) for purpose in Purpose}
        write_certificates(folder, {purpose: holder.certificate for purpose, holder in holders.items()})
        write_keys(folder, {purpose: holder.key for purpose, holder in holders.items()})
        return {
            "gateway": gateway.text,
            "host": _HOME,
            "port": port,
            "certificates": str(folder.relative_to(self.state)),
            "note": f"simulated, number {number}",
            "meter": f"1ISK{number:010}",
            "number": f"{number:08}",
        }


def _ports(count: int, first: int) -> Iterator[int]:
    """So many UDP ports: in a row, or free ones (all held at once, so that none is given twice)."""
    if first:
        yield from range(first, first + count)
        return
    with ExitStack() as held:
        yield from [_free(held) for _ in range(count)]


def _free(held: ExitStack) -> int:
    probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    probe.bind((_HOME, 0))
    return int(probe.getsockname()[1])
