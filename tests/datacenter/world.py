"""A datacenter on disk, gateways that deliver to it, and everything valid; a test states only its deviation."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from datacenter import database
from datacenter.config import Limits
from datacenter.ingest import Ingest, Receipt
from datacenter.readings import Archive
from datacenter.refusals import Refusals
from datacenter.trust import Trust
from pki.certificates import Purpose, Role
from pki.cms import seal
from pki.inner import sign_reading
from pki.revoke import Revocation
from testbed.small_pki import Holder, SmallPki
from wire.cosem_xml import MEDIA_TYPE, Content, render
from wire.obis import Obis
from wire.profiles import UseCase
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
GATEWAY = "EABC0012345678"
METER = DeviceId("1ISK0012345678")
IMPORT = Obis.parse("1-0:1.8.0*255")
RASTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Gateway:
    """A gateway with software keys."""

    identification: str
    tunnel: Holder
    signature: Holder

    def reading(self, value: int, captured_at: datetime, *, status: int = 0, obis: Obis = IMPORT) -> SignedReading:
        reading = Reading(METER, obis, Register(value, -1, Unit.WH), captured_at, status)
        return sign_reading(reading, DeviceId(self.identification), self.signature.key)

    def content(self, sequence: int = 1, *, count: int = 2, until: datetime = NOW, profile: str = "grid") -> Content:
        """``count`` quarter hours that end at ``until``."""
        times = [until - RASTER * (count - 1 - index) for index in range(count)]
        readings = tuple(self.reading(int(at.timestamp()) // 900, at) for at in times)
        return self.content_of(readings, sequence, profile=profile)

    def content_of(self, readings: Sequence[SignedReading], sequence: int = 1, *, profile: str = "grid") -> Content:
        times = sorted(signed.reading.captured_at for signed in readings)
        return Content(
            gateway=DeviceId(self.identification),
            profile=profile,
            use_case=UseCase.TAF_7,
            sequence=sequence,
            created_at=times[-1],
            period_begin=times[0],
            period_end=times[-1],
            readings=tuple(readings),
        )


@dataclass
class World:
    """One datacenter (SQLite unless told otherwise) and one gateway, in ``folder``."""

    folder: Path
    now: datetime = NOW
    url: sa.URL | None = None
    limits: Limits = field(default_factory=Limits)
    certified: timedelta = timedelta(hours=1)
    """How long before ``now`` all certificates begin."""
    shared: SmallPki | None = None
    """The PKI of others, where they meet this datacenter."""

    def __post_init__(self) -> None:
        self.random = random.Random(7).randbytes
        self.pki = self.shared or SmallPki(now=self.now - self.certified)
        for name in ("trust", "gateways"):
            (self.folder / name).mkdir()
        self.own_tls = self.pki.holder(Role.EMT, Purpose.TLS, "Netz")
        self.own_encryption = self.pki.holder(Role.EMT, Purpose.ENC, "Netz")
        authorities = (self.pki.hierarchy.root.certificate, self.pki.hierarchy.sub_ca.certificate)
        for name, certificate in zip(("root", "sub"), authorities, strict=True):
            (self.folder / "trust" / f"{name}.pem").write_bytes(pem(certificate))
        self.publish_crls()
        self._own("tls", self.own_tls, chain=True)
        self._own("enc", self.own_encryption)
        self.gateway = self.add_gateway(GATEWAY)
        self.monotonic = 0.0
        self.archives: list[Archive] = []
        self._engine: sa.Engine | None = None

    def publish_crls(
        self,
        *revoked: x509.Certificate,
        at: datetime | None = None,
        since: datetime | None = None,
        reason: str = "unspecified",
    ) -> None:
        """Write lists that are current ``at`` some time and name ``revoked``; as a real one does, by renaming."""
        gone = since or self.now - timedelta(minutes=30)
        revocations = tuple(Revocation(each.serial_number, gone, reason) for each in revoked)
        crls = self.pki.crls(sub_ca=revocations, now=at or self.now - timedelta(minutes=20))
        for name, crl in zip(("root", "sub"), crls, strict=True):
            fresh = self.folder / f"{name}.fresh"
            fresh.write_bytes(crl.public_bytes(Encoding.PEM))
            fresh.rename(self.folder / "trust" / f"{name}.crl")

    def new_gateway(self, identification: str) -> Gateway:
        """Certified, but not registered."""
        return Gateway(
            identification,
            self.pki.holder(Role.SMGW, Purpose.TLS, identification),
            self.pki.holder(Role.SMGW, Purpose.SIG, identification),
        )

    def add_gateway(self, identification: str) -> Gateway:
        gateway = self.new_gateway(identification)
        self.register(f"{identification}.TLS.pem", gateway.tunnel.certificate)
        self.register(f"{identification}.SIG.pem", gateway.signature.certificate)
        return gateway

    def register(self, name: str, certificate: x509.Certificate, folder: str = "gateways") -> None:
        (self.folder / name).write_bytes(pem(certificate))
        (self.folder / name).rename(self.folder / folder / name)

    def add_administrator(self, name: str = "Admin") -> Gateway:
        """Certified as an administrator and registered as one; from then on there is a folder of administrators."""
        administrator = Gateway(
            name, self.pki.holder(Role.GWA, Purpose.TLS, name), self.pki.holder(Role.GWA, Purpose.SIG, name)
        )
        (self.folder / "administrators").mkdir(exist_ok=True)
        self.register(f"{name}.TLS.pem", administrator.tunnel.certificate, "administrators")
        self.register(f"{name}.SIG.pem", administrator.signature.certificate, "administrators")
        return administrator

    def administrators(self) -> Path | None:
        folder = self.folder / "administrators"
        return folder if folder.exists() else None

    @property
    def engine(self) -> sa.Engine:
        if self._engine is None:
            url = self.url or sa.make_url(f"sqlite:///{self.folder}/datacenter.db")
            self._engine = database.engine(url)
            database.prepare(self._engine)
        return self._engine

    def close(self) -> None:
        self.engine.dispose()
        for archive in self.archives:
            archive.close()

    def trust(self) -> Trust:
        return Trust(self.folder / "trust", self.folder / "gateways", self._tick, self.administrators())

    def _tick(self) -> float:
        self.monotonic += 10.0
        return self.monotonic

    def ingest(self) -> Ingest:
        archive = Archive(self.engine)
        self.archives.append(archive)
        return Ingest(
            trust=self.trust(),
            recipient=self.own_encryption.certificate,
            key=self.own_encryption.key,
            archive=archive,
            refusals=Refusals(self.engine),
            limits=self.limits,
        )

    def seal(self, content: Content | bytes, *, signer: Holder | None = None, recipient: Holder | None = None) -> bytes:
        by = signer or self.gateway.signature
        return seal(
            content if isinstance(content, bytes) else render(content),
            recipient=(recipient or self.own_encryption).certificate,
            signer=by.certificate,
            key=by.key,
            random=self.random,
        )

    def deliver(
        self, ingest: Ingest, body: bytes, *, tunnel: Holder | None = None, at: datetime | None = None
    ) -> Receipt:
        """What the server does with one request."""
        moment = at or self.now
        identity = ingest.admit((tunnel or self.gateway.tunnel).certificate, at=moment)
        return ingest.ingest(body, media_type=MEDIA_TYPE, tunnel_identity=identity, at=moment)

    def count(self, table: sa.Table) -> int:
        with self.engine.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    def configuration(self, port: int, **listen: str | int) -> Path:
        """A configuration file for ``smgw-datacenter``."""
        lines = ["[datacenter]", 'name = "Netz"', "[listen]", f"port = {port}"]
        lines += [f"{key} = {value!r}".replace("'", '"') for key, value in listen.items()]
        if self.url is not None:
            lines += ["[database]", f'url = "{self.url.render_as_string()}"']
        lines += ["[trust]", 'folder = "trust"', "[gateways]", 'folder = "gateways"']
        if self.administrators() is not None:
            lines += ["[administrators]", 'folder = "administrators"']
        lines.append("[keys]")
        for kind, name in (("tls", "tls"), ("encryption", "enc")):
            lines += [f'{kind}_certificate = "{name}.pem"', f'{kind}_key = "{name}.key"']
        lines += ["[limits]", *(f"{name} = {value}" for name, value in asdict(self.limits).items())]
        path = self.folder / "datacenter.toml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def files(self, name: str, holder: Holder) -> tuple[Path, Path]:
        """Chain and key of any holder as PEM files."""
        self._own(name, holder, chain=True)
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def _own(self, name: str, holder: Holder, *, chain: bool = False) -> None:
        above = pem(self.pki.hierarchy.sub_ca.certificate) if chain else b""
        (self.folder / f"{name}.pem").write_bytes(pem(holder.certificate) + above)
        key = self.folder / f"{name}.key"
        key.touch(0o600)
        key.write_bytes(holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def altered(content: Content, sequence: int) -> Content:
    return replace(content, sequence=sequence)
