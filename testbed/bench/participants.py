"""One gateway and one datacenter with software keys, for measurements of the receiving side."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from datacenter import database
from datacenter.config import Limits
from datacenter.ingest import Ingest
from datacenter.readings import Archive
from datacenter.refusals import Refusals
from datacenter.trust import Trust
from pki.certificates import Purpose, Role
from pki.cms import seal
from pki.issue import Order, build_hierarchy, prepare, serial_number
from pki.plan import Plan
from pki.revoke import build_crl
from wire.cosem_xml import Content, render
from wire.obis import Obis
from wire.profiles import UseCase
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

GATEWAY = DeviceId("EABC0012345678")
METER = DeviceId("1ISK0012345678")
_REGISTER = Obis.parse("1-0:1.8.0*255")
_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, folder: Path, name: str, *above: x509.Certificate) -> None:
        """Chain and key as PEM files, the key for its owner alone."""
        chain = b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *above))
        (folder / f"{name}.pem").write_bytes(chain)
        key = folder / f"{name}.key"
        key.touch(0o600)
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


class Participants:
    """Certificates of both, in the files that a datacenter reads; good from an hour ago."""

    def __init__(self, folder: Path) -> None:
        """Write trust and gateways folder and the datacenter's keys into ``folder``."""
        self.folder = folder
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._begin = self.now - timedelta(hours=1)
        self._plan = Plan.default()
        root, sub = ec.generate_private_key(ec.BrainpoolP512R1()), ec.generate_private_key(ec.BrainpoolP384R1())
        self.authorities = build_hierarchy(root, sub, plan=self._plan, now=self._begin, random=secrets.token_bytes)
        self.gateway_tls = self._holder(Role.SMGW, Purpose.TLS, GATEWAY.text)
        self.gateway_signature = self._holder(Role.SMGW, Purpose.SIG, GATEWAY.text)
        self.own_tls = self._holder(Role.EMT, Purpose.TLS, "Netz")
        self.own_encryption = self._holder(Role.EMT, Purpose.ENC, "Netz")
        self._write()

    def ingest(self, url: sa.URL) -> Ingest:
        """The receiving side on a database."""
        engine = database.engine(url)
        database.prepare(engine)
        return Ingest(
            trust=Trust(self.folder / "trust", self.folder / "gateways", time.monotonic),
            recipient=self.own_encryption.certificate,
            key=self.own_encryption.key,
            archive=Archive(engine),
            refusals=Refusals(engine),
            limits=Limits(),
        )

    def deliveries(self, count: int, readings: int, profile: str) -> list[bytes]:
        """``count`` sealed deliveries of ``readings`` quarter hours each; no two hold the same reading.

        Their inner signatures are noise: they are not checked at ingest, and making real ones would take minutes.
        """
        end = self.now - _QUARTER * readings * count
        sealed = []
        for sequence in range(1, count + 1):
            times = [end + _QUARTER * ((sequence - 1) * readings + index) for index in range(readings)]
            sealed.append(self._seal(times, sequence, profile))
        return sealed

    def _seal(self, times: Sequence[datetime], sequence: int, profile: str) -> bytes:
        meter = DeviceId(f"1ISK00{abs(hash(profile)) % 10**8:08d}")
        signed = tuple(
            SignedReading(
                Reading(meter, _REGISTER, Register(123_456_789 + sequence, -1, Unit.WH), at), secrets.token_bytes(64)
            )
            for at in times
        )
        content = Content(GATEWAY, profile, UseCase.TAF_7, sequence, times[-1], times[0], times[-1], signed)
        return seal(
            render(content),
            recipient=self.own_encryption.certificate,
            signer=self.gateway_signature.certificate,
            key=self.gateway_signature.key,
            random=secrets.token_bytes,
        )

    def _holder(self, role: Role, purpose: Purpose, name: str) -> Holder:
        key = ec.generate_private_key(ec.BrainpoolP256R1())
        order = Order(key.public_key(), role, name, purpose)
        serial = serial_number(secrets.token_bytes)
        prepared = prepare(order, issuer=self.authorities.sub_ca, plan=self._plan, serial=serial, now=self._begin)
        return Holder(prepared.issue(), key)

    def _write(self) -> None:
        trust, gateways = self.folder / "trust", self.folder / "gateways"
        trust.mkdir()
        gateways.mkdir()
        for name, issuer in (("root", self.authorities.root), ("sub", self.authorities.sub_ca)):
            (trust / f"{name}.pem").write_bytes(issuer.certificate.public_bytes(Encoding.PEM))
            crl = build_crl(issuer, (), number=1, now=self._begin, days=5)
            (trust / f"{name}.crl").write_bytes(crl.public_bytes(Encoding.PEM))
        for purpose, holder in ((Purpose.TLS, self.gateway_tls), (Purpose.SIG, self.gateway_signature)):
            path = gateways / f"{GATEWAY}.{purpose.value}.pem"
            path.write_bytes(holder.certificate.public_bytes(Encoding.PEM))
        sub_ca = self.authorities.sub_ca.certificate
        self.own_tls.write(self.folder, "tls", sub_ca)
        self.own_encryption.write(self.folder, "enc")
        self.gateway_tls.write(self.folder, "gateway", sub_ca)
