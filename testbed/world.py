"""A whole valid system in one process: meter, gateway, tunnel, datacenter, SM-PKI; no socket, no clock, one seed.

Real codec, real certificates and signatures, real sealing, real databases (in a folder that the caller gives). Only two
things are replaced: characters pass between reader and meter as function calls, and a tunnel carries HTTP in memory
after both ends have decided on each other's certificate exactly as they do before and after a TLS handshake. A test
states its deviation and nothing else; keys and certificates follow from the seed, times from ``START``.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import h11
from cryptography.hazmat.primitives.serialization import Encoding
from flask.testing import FlaskClient
from sqlalchemy import make_url

from datacenter import database as datacenter_database
from datacenter.config import Limits
from datacenter.ingest import Ingest
from datacenter.readings import Archive
from datacenter.refusals import Refusals
from datacenter.registry import GatewayCertificates, Registry
from datacenter.server import create_app
from datacenter.trust import Ground
from pki.certificates import Purpose, Role, fingerprint
from pki.errors import CertificateError, TunnelError, TunnelReason
from pki.revoke import Revocation
from pki.tunnel import Tunnel, TunnelPeer
from smgw.gateway import Gateway
from smgw.lmn.telegram import Frame, Telegram, parse
from smgw.store.database import Database
from smgw.store.logs import SystemLog
from smgw.store.outbox import Outbox
from smgw.store.profiles import ProfileSet
from smgw.store.readings import ReadingStore
from smgw.wan.sender import Sender, SenderIdentity, SenderPorts
from testbed.meter.device import Device
from testbed.meter.settings import LoadKind, MeterSettings
from testbed.small_pki import Holder, SmallPki
from wire.meter.iec62056 import BlockCheck, Effect, Identification, Reader, ReaderOptions, Send, Station, StationOptions
from wire.obis import Obis
from wire.profiles import AccessPurpose, CommunicationProfile, EvaluationProfile, MeterProfile, UseCase
from wire.reading import DeviceId, Reading

START = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
GATEWAY = DeviceId("ESMG0000000001")
METER = DeviceId("1ISK0000471100")
IMPORT = Obis.parse("1-0:1.8.0*255")
QUARTER_HOUR = timedelta(minutes=15)
VALID_FROM, VALID_UNTIL = START - timedelta(days=1), START + timedelta(days=300)
PARTY, SERIES = "netz", "netz-series"
_SILENCES = 8
"""Time-outs in a row after which nobody will say anything any more."""


class ConversationError(Exception):
    """The meter could not be read; the text is the reader's reason."""


@dataclass
class Wire:
    """What happens between reader and meter; a test may damage the meter's characters through ``damage``."""

    station: Station
    damaged: int = 0

    def carry(self, effects: list[Effect], *, flip: bool) -> bytes:
        """The meter's answer to what the reader sends."""
        answered = b""
        for effect in effects:
            if isinstance(effect, Send):
                for reply in self.station.receive(effect.characters):
                    answered += reply.characters if isinstance(reply, Send) else b""
        if flip and len(answered) > 40:
            self.damaged += 1
            return answered[:20] + bytes((answered[20] ^ 0x01,)) + answered[21:]
        return answered


class World:
    """Everything valid, at ``now``. ``poll`` walks steps 1 to 5, ``deliver`` steps 6 to 9."""

    def __init__(self, folder: Path, *, seed: int = 1, start: datetime = START) -> None:
        """Build it; the two databases lie below ``folder``."""
        self.now = start
        self.astray = timedelta()
        """By how much the gateway's clock is ahead of everybody else's."""
        self._seeded = random.Random(seed)
        self.pki = SmallPki(seed=seed, now=start - timedelta(hours=1))
        self.trust = self.pki.trust()
        self.gateway_holders = {
            purpose: self.pki.holder(Role.SMGW, purpose, GATEWAY.text) for purpose in (Purpose.TLS, Purpose.SIG)
        }
        self.party_holders = {
            purpose: self.pki.holder(Role.EMT, purpose, "Netz") for purpose in (Purpose.TLS, Purpose.ENC)
        }
        self.meter = Device(
            MeterSettings(serial=METER.text[-8:], load=LoadKind.FLAT, seed=seed), clock=lambda: self.now
        )
        self.profiles = _profiles(self.party_holders)
        self.datacenter = DatacenterSide(self, folder / "datacenter.db")
        (folder / "store").mkdir()
        self._store, self._store_key = folder / "store" / "gateway.db", self.random(32)
        self.gateway_side = GatewaySide(self, self._store, self._store_key)

    def close(self) -> None:
        """Close both databases."""
        self.gateway_side.close()
        self.datacenter.close()

    def seconds(self) -> float:
        """The monotonic clock of this world."""
        return self.now.timestamp()

    def advance(self, by: timedelta) -> None:
        """Let time pass; registers and validity follow from it."""
        self.now += by

    @property
    def gateway_now(self) -> datetime:
        """What the gateway takes for now."""
        return self.now + self.astray

    def restart(self) -> None:
        """The gateway loses its power and gets it back: what is not in its store is gone."""
        self.gateway_side.close()
        self.gateway_side = GatewaySide(self, self._store, self._store_key)

    def revoke(self, *holders: Holder) -> None:
        """Everybody learns of new revocation lists."""
        revoked = tuple(Revocation(each.certificate.serial_number, self.now) for each in holders)
        self.trust = self.pki.trust(sub_ca=revoked)

    def random(self, count: int) -> bytes:
        """Seeded octets."""
        return self._seeded.randbytes(count)

    # -- the walk, one method a step -----------------------------------------------------------------------------------

    def frame(self, *, damage: int = 0, identification: Identification | None = None) -> Frame:
        """Step 1: one conversation with the meter; its first ``damage`` long answers are damaged on the way."""
        said = identification or Identification("ISK", "5", "MT831-0.1")
        wire = Wire(Station(StationOptions(identification=said), self.meter))
        reader = Reader(ReaderOptions())
        effects, silences = reader.start(), 0
        while reader.result is None and reader.failure is None and silences < _SILENCES:
            answer = wire.carry(effects, flip=wire.damaged < damage)
            silences = 0 if answer else silences + 1
            effects = reader.receive(answer) if answer else reader.timeout()
        if reader.result is None:
            raise ConversationError(f"{reader.failure}: {reader.detail}")
        (message,) = reader.result.messages
        checked = message.check is BlockCheck.RIGHT
        return Frame(reader.result.identification, message, checked, self.gateway_now, self.gateway_now)

    def telegram(self) -> Telegram:
        """Steps 1 and 2."""
        return parse(self.frame())

    def poll(self) -> list[Reading]:
        """Steps 1 to 5: what was stored."""
        return self.gateway_side.gateway.accept(self.profiles.meters[METER.text], self.telegram())

    def deliver(self) -> None:
        """Steps 6 to 9, once what is due now is due."""
        self.gateway_side.sender.step(self.gateway_now)


class GatewaySide:
    """The gateway's walk and its sender over one encrypted store."""

    def __init__(self, world: World, file: Path, key: bytes) -> None:
        """Over the database ``file`` under ``key`` (a token's business in a real gateway), new where there is none."""
        self.world = world
        self.database = Database.open_with_key(file, key, create=True)
        self.readings = ReadingStore(self.database)
        self.outbox = Outbox(self.database)
        self.log = SystemLog(self.database)
        signer = world.gateway_holders[Purpose.SIG]
        self.gateway = Gateway(
            GATEWAY, signer.key, self.readings, self.log, world.profiles, clock=lambda: world.gateway_now
        )
        ports = SenderPorts(
            outbox=self.outbox,
            log=self.log,
            trust=lambda: world.trust,
            profiles=lambda: world.profiles,
            backend=MemoryBackend(world),
            random=world.random,
            jitter=lambda: 0.5,
            monotonic=world.seconds,
            volatile=self.gateway.volatile,
        )
        identity = SenderIdentity(GATEWAY, signer.certificate, signer.key)
        self.sender = Sender(PARTY, lambda: identity, ports)

    def close(self) -> None:
        """End the tunnel, close the database."""
        self.sender.close()
        self.database.close()


class DatacenterSide:
    """The grid operator's datacenter: its HTTP face over its own database."""

    def __init__(self, world: World, file: Path) -> None:
        """A new SQLite database."""
        self.world = world
        self.engine = datacenter_database.engine(make_url(f"sqlite:///{file}"))
        datacenter_database.prepare(self.engine)
        self.archive = Archive(self.engine)
        self.bodies: list[bytes] = []
        """Every sealed body that came, as an eavesdropper inside the datacenter would have kept it."""
        self.answers: list[tuple[int, bytes]] = []
        self.client_certificate = world.gateway_holders[Purpose.TLS].certificate
        """Who is at the other end of the tunnel."""
        recipient = world.party_holders[Purpose.ENC]
        ingest = Ingest(
            trust=_CurrentGround(world),
            recipient=recipient.certificate,
            key=recipient.key,
            archive=self.archive,
            refusals=Refusals(self.engine),
            limits=Limits(),
        )
        app = create_app(ingest, peer=_Shown(self), limits=Limits(), clock=lambda: world.now, monotonic=world.seconds)
        self._client: FlaskClient = app.test_client()

    def post(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """One request through the tunnel."""
        self.bodies.append(body)
        response = self._client.post(path, headers=headers, data=body)
        self.answers.append((response.status_code, response.data))
        return self.answers[-1]

    def close(self) -> None:
        """Close the database."""
        self.archive.close()
        self.engine.dispose()


@dataclass
class _CurrentGround:
    """Whom the datacenter believes now."""

    world: World

    def current(self) -> Ground:
        holders = self.world.gateway_holders
        tunnel, signature = (
            {fingerprint(holders[purpose].certificate): holders[purpose].certificate}
            for purpose in (Purpose.TLS, Purpose.SIG)
        )
        return Ground(self.world.trust, Registry({GATEWAY.text: GatewayCertificates(tunnel, signature)}))


@dataclass
class _Shown:
    """The client certificate that the tunnel has proven."""

    side: DatacenterSide

    def certificate(self, _environ: object, _at: float) -> bytes:
        return self.side.client_certificate.public_bytes(Encoding.DER)


@dataclass
class MemoryBackend:
    """Tunnels that lead to the datacenter of the same world."""

    world: World

    def open(self, peer: TunnelPeer, *, timeout: float) -> Tunnel:  # noqa: ARG002 -- nobody waits here
        """Decide on the peer as every backend does: pinned, good now, and really the one that is there."""
        shown = self.world.party_holders[Purpose.TLS].certificate
        pinned = {fingerprint(peer.certificate)}
        try:
            self.world.trust.verify(
                shown, role=peer.role, purpose=Purpose.TLS, at=self.world.gateway_now, pinned=pinned
            )
        except CertificateError as error:
            raise TunnelError(TunnelReason.PEER_CERTIFICATE, str(error)) from error
        return MemoryTunnel(self.world.datacenter, self.world.gateway_now)


class MemoryTunnel:
    """HTTP/1.1 in, HTTP/1.1 out."""

    def __init__(self, side: DatacenterSide, opened_at: datetime) -> None:
        """``side`` answers."""
        self._side = side
        self._server = h11.Connection(h11.SERVER)
        self._answers = bytearray()
        self._opened_at = opened_at

    @property
    def opened_at(self) -> datetime:
        """When it was opened."""
        return self._opened_at

    def send(self, data: bytes) -> None:
        """Take a part of a request; a whole one is answered."""
        self._server.receive_data(data)
        request: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._server.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                self._answer(request, bytes(body))
                self._server.start_next_cycle()
            else:
                return

    def receive(self, count: int, timeout: float) -> bytes:  # noqa: ARG002 -- nobody waits here
        """What was answered."""
        taken = bytes(self._answers[:count])
        del self._answers[:count]
        return taken

    def close(self) -> None:
        """Nothing is held."""

    def _answer(self, request: h11.Request, body: bytes) -> None:
        headers = {name.decode("ascii"): value.decode("ascii") for name, value in request.headers}
        status, content = self._side.post(request.target.decode("ascii"), headers, body)
        head = h11.Response(status_code=status, headers=[("Content-Length", str(len(content)))])
        for event in (head, h11.Data(data=content), h11.EndOfMessage()):
            self._answers += self._server.send(event) or b""


def _profiles(party: dict[Purpose, Holder]) -> ProfileSet:
    """One meter, one party, its quarter-hour series of one register."""
    meter = MeterProfile(
        id="meter",
        version=1,
        meter=METER,
        consumer="house",
        identity=METER.text[-8:],
        manufacturer="ISK",
        line="rs485",
        address="1",
        registers=(IMPORT,),
        interval_seconds=900,
        store_seconds=900,
        maximum_power_watts=60_000,
        valid_from=VALID_FROM,
        valid_until=VALID_UNTIL,
    )
    communication = CommunicationProfile(
        id=PARTY,
        version=1,
        party="Netz",
        host="127.0.0.1",
        port=8443,
        path="/deliveries",
        tls_certificate=party[Purpose.TLS].certificate.public_bytes(Encoding.DER),
        encryption_certificate=party[Purpose.ENC].certificate.public_bytes(Encoding.DER),
        purposes=(AccessPurpose.GRID_OPERATION,),
        valid_from=VALID_FROM,
        valid_until=VALID_UNTIL,
    )
    evaluation = EvaluationProfile(
        id=SERIES,
        version=1,
        use_case=UseCase.TAF_7,
        party=PARTY,
        purpose=AccessPurpose.GRID_OPERATION,
        meters=(METER,),
        registers=(IMPORT,),
        period_seconds=900,
        dispatch_seconds=900,
        recipient=communication.encryption_fingerprint,
        valid_from=VALID_FROM,
        valid_until=VALID_UNTIL,
    )
    return ProfileSet({METER.text: meter}, {SERIES: evaluation}, {PARTY: communication})
