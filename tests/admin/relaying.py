"""A gateway whose deliveries are forwarded, and the party that gets them over real TLS; a test states its deviation."""

from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from admin.database import writing
from admin.installed import keep
from admin.inventory import LifeCycle
from admin.relay import Forwarder
from pki import cms
from pki.certificates import Purpose, Role
from pki.tls import TlsIdentity, server_context
from testbed.small_pki import Holder
from tests.admin.server_world import GATEWAY, STARTED, Keys, World
from tests.smgw.wan.receiver import STORED, Answer, TlsReceiver
from tests.wire.documents import METER, PSEUDONYM, pseudonymous, series
from wire.cosem_xml import Content, render
from wire.http_server import Request
from wire.management import CMS, RELAY
from wire.obis import Obis
from wire.orders import ChangeProfiles
from wire.profiles import AccessPurpose, CommunicationProfile, EvaluationProfile, Profile, UseCase
from wire.reading import DeviceId
from wire.relay import RelayedDelivery

DAY = timedelta(days=1)


@dataclass
class Party:
    """A market participant that keeps what it gets; ``answer`` says what it answers."""

    world: World
    answer: bytes | None = STORED
    tls: Holder = field(init=False)
    encryption: Holder = field(init=False)
    receiver: TlsReceiver = field(init=False)

    def __post_init__(self) -> None:
        pki = self.world.pki
        self.tls = pki.holder(Role.EMT, Purpose.TLS)
        self.encryption = pki.holder(Role.EMT, Purpose.ENC)
        chain = (self.tls.certificate, pki.hierarchy.sub_ca.certificate)
        respond: Answer = lambda _: self.answer  # noqa: E731 - a test changes it
        self.receiver = TlsReceiver(respond, server_context(TlsIdentity(chain, self.tls.key), pki.trust()))

    def profile(self, name: str = "grid", port: int | None = None) -> CommunicationProfile:
        return CommunicationProfile(
            id=name, version=1, party="Netz", host="127.0.0.1", port=port or self.receiver.port, path="/deliveries",
            tls_certificate=der(self.tls), encryption_certificate=der(self.encryption),
            purposes=(AccessPurpose.GRID_OPERATION,), valid_from=STARTED - DAY, valid_until=STARTED + DAY,
        )  # fmt: skip

    def opened(self, body: bytes, world: World) -> bytes:
        """What it reads in ``body``, signed by the administrator."""
        sealed = cms.open_sealed(
            body, signers=[world.signer], recipient=self.encryption.certificate, key=self.encryption.key
        )
        return sealed.content


def evaluation(
    communication: CommunicationProfile, pseudonym: DeviceId | None = PSEUDONYM, meter: DeviceId = METER
) -> EvaluationProfile:
    return EvaluationProfile(
        id="haushalt-mueller", version=1, use_case=UseCase.TAF_7, party=communication.id,
        purpose=AccessPurpose.GRID_OPERATION, meters=(meter,), registers=(Obis.parse("1-0:1.8.0*255"),),
        period_seconds=900, dispatch_seconds=900, valid_from=STARTED - DAY, valid_until=STARTED + DAY,
        recipient=communication.encryption_fingerprint, pseudonym=pseudonym,
    )  # fmt: skip


@dataclass
class Relaying:
    """One administrator, one gateway that is operating, one party whose profiles were installed there."""

    world: World
    party: Party = field(init=False)
    keys: Keys = field(init=False)
    forwarder: Forwarder = field(init=False)

    def __post_init__(self) -> None:
        self.party = Party(self.world)
        self.keys = self.admitted(GATEWAY)
        self.forwarder = Forwarder(self.world.office, clock=self.world.clock, monotonic=lambda: 0.0)
        self.install(GATEWAY, self.party.profile(), evaluation(self.party.profile()))

    def admitted(self, gateway: DeviceId, state: LifeCycle = LifeCycle.OPERATING) -> Keys:
        keys = self.world.keys(gateway)
        self.world.add(keys, state, gateway=gateway)
        return keys

    def install(self, gateway: DeviceId, *profiles: Profile) -> None:
        with writing(self.world.office.engine) as connection:
            keep(connection, gateway, ChangeProfiles(profiles, ()), 1)

    @property
    def signer(self) -> Holder:
        return self.keys.holders[Purpose.SIG]

    @property
    def content(self) -> Content:
        return pseudonymous(series(3))

    def envelope(self, recipient: Holder | None = None) -> bytes:
        chosen = recipient or self.party.encryption
        return cms.envelop(render(self.content), recipient=chosen.certificate, random=self.world.pki.random.randbytes)

    def delivery(self, envelope: bytes | None = None) -> RelayedDelivery:
        return RelayedDelivery.to(self.party.profile(), envelope or self.envelope())

    def request(self, document: bytes | None = None, *, signer: Holder | None = None, media_type: str = CMS) -> Request:
        by = signer or self.signer
        signed = cms.sign_document(document or self.delivery().to_bytes(), signer=by.certificate, key=by.key)
        return Request("POST", RELAY, (("content-type", media_type),), signed)


def der(holder: Holder) -> bytes:
    return holder.certificate.public_bytes(Encoding.DER)
