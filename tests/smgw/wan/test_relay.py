"""What leaves under a pseudonym, for whom it is sealed, and how the administrator's silence and words are taken."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from pki import cms
from pki.certificates import Purpose, Role
from pki.errors import TunnelReason
from smgw.access import schedule
from smgw.store.outbox import Balance, Delivery, Outbox
from smgw.wan import relay
from smgw.wan.concealment import SMALLEST_ROOM, look_of
from smgw.wan.exchange import Deferral, DeferredError
from smgw.wan.service import ServicePorts
from testbed.small_pki import NOW, Holder
from tests.smgw.store import samples
from tests.smgw.wan.receiver import DUPLICATE, STORED, Answer, Receiver, http
from tests.smgw.wan.station import DAY, Station, der
from wire.cosem_xml import Content, parse
from wire.errors import ContentError
from wire.profiles import AdministratorProfile, UseCase
from wire.reading import DeviceId, UnsignedReading
from wire.relay import RelayedDelivery

MakeStation = Callable[[Answer], Station]
PSEUDONYM = DeviceId("EPSN0000000001")
MINUTE = timedelta(minutes=1)


class Administered:
    """A station whose party wants a pseudonym, and an administrator who answers as he is told to."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.answer: bytes | None = STORED
        self.receiver = Receiver(lambda _: self.answer)
        self.tls = station.pki.holder(Role.GWA, Purpose.TLS, "Admin")
        signer = station.pki.holder(Role.GWA, Purpose.SIG, "Admin")
        self.profile: AdministratorProfile | None = AdministratorProfile(
            id="administrator", version=1, party="Admin", host="127.0.0.1", management_port=1,
            service_port=self.receiver.port, tls_certificate=der(self.tls), signature_certificate=der(signer),
            session_seconds=3600, idle_seconds=60, valid_from=NOW - DAY, valid_until=NOW + 30 * DAY,
        )  # fmt: skip
        station.change(pseudonym=PSEUDONYM)
        self.start()

    def start(self) -> None:
        station = self.station
        service = ServicePorts(
            lambda: self.profile, lambda: station.trust, station.backend, lambda: NOW, station.monotonic
        )
        sender = station.start()
        sender.ports = replace(sender.ports, service=service)
        station.sender = sender

    @property
    def balance(self) -> Balance:
        return Outbox(self.station.database).balance("grid-1")

    @property
    def error(self) -> str:
        return self.station.sender.progress["grid-1"].last_error

    def delivery(self, body: bytes) -> RelayedDelivery:
        """What the administrator verifies."""
        believed = self.station.pki.verified(self.station.signer, Role.SMGW, Purpose.SIG)
        return RelayedDelivery.from_bytes(cms.open_document(body, signers=[believed]).content)

    def content(self, body: bytes) -> tuple[bytes, Content]:
        """What the party reads, once somebody signed it."""
        pki, recipient = self.station.pki, self.station.recipient
        by = pki.holder(Role.GWA, Purpose.SIG, "Admin")
        sealed = cms.sign_envelope(
            self.delivery(body).sealed, recipient=recipient.certificate, signer=by.certificate, key=by.key
        )
        believed = pki.verified(by, Role.GWA, Purpose.SIG)
        opened = cms.open_sealed(sealed, signers=[believed], recipient=recipient.certificate, key=recipient.key)
        return opened.content, parse(opened.content)


@pytest.fixture
def here(station_with: MakeStation) -> Iterator[Administered]:
    administered = Administered(station_with(lambda _: STORED))
    with closing(administered.receiver):
        yield administered


def test_what_is_owed_goes_to_the_administrator_and_says_nothing_of_us_to_the_party(here: Administered) -> None:
    here.station.owe(0, 1)
    assert here.station.sender.step(NOW + timedelta(seconds=17)) == NOW + timedelta(seconds=17)
    (body,), (request,) = here.receiver.bodies, here.receiver.requests
    assert here.station.receiver.bodies == []
    assert [peer.certificate for peer in here.station.backend.opened] == [here.tls.certificate]
    assert (request.method, request.target) == (b"POST", b"/relay")
    assert here.delivery(body).is_for(here.station.profiles.communications["grid"])
    document, content = here.content(body)
    assert (content.gateway, content.profile, content.sequence) == (PSEUDONYM, PSEUDONYM.text, 1)
    assert content.created_at == NOW, "the minute only"
    assert content.readings == tuple(
        UnsignedReading(replace(samples.reading(number).reading, device=PSEUDONYM)) for number in (0, 1)
    )
    for name in (samples.GATEWAY.text, samples.METER.text, "grid-1"):
        assert name.encode() not in document
        assert name.lower().encode() not in document
    serial = here.station.signer.certificate.serial_number
    assert serial.to_bytes((serial.bit_length() + 7) // 8, "big") not in here.delivery(body).sealed
    assert here.balance == Balance(owed=0, open=0, acknowledged=1, set_aside=0)


@pytest.mark.parametrize(
    ("answer", "deferral"),
    [
        (None, Deferral.BROKEN_ANSWER),
        (http(403, b'{"reason":"unknown-party"}'), Deferral.REFUSED_FOR_NOW),
        (http(502, b'{"reason":"party-unreachable"}'), Deferral.REFUSED_FOR_NOW),
        (http(200, b'{"result":"forwarded"}'), Deferral.UNEXPECTED_ANSWER),
        (b"no HTTP at all\r\n\r\n", Deferral.BROKEN_ANSWER),
    ],
)
def test_it_stays_owed_until_the_party_has_it(here: Administered, answer: bytes | None, deferral: Deferral) -> None:
    here.answer = answer
    here.station.owe(0)
    here.station.sender.step(NOW)
    assert here.balance == Balance(owed=0, open=1, acknowledged=0, set_aside=0)
    assert here.error.startswith(deferral)
    here.answer = DUPLICATE
    here.start()
    here.station.run(NOW + MINUTE, NOW + 5 * MINUTE)
    assert here.balance.acknowledged == 1
    first, second = (here.content(body) for body in here.receiver.bodies)
    assert first == second, "the same number with the same content"


def test_what_the_party_refuses_for_good_is_set_aside(here: Administered) -> None:
    here.answer = http(422, b'{"reason":"too-old"}')
    here.station.owe(0)
    here.station.sender.step(NOW)
    assert here.balance.set_aside == 1


def test_no_administrator(here: Administered) -> None:
    here.profile = None
    here.station.owe(0)
    here.station.sender.step(NOW)
    assert (here.balance.open, here.station.backend.opened) == (1, [])
    assert here.error.startswith(Deferral.TUNNEL)


def test_an_administrator_who_is_not_there(here: Administered) -> None:
    here.station.backend.down = TunnelReason.UNREACHABLE
    here.station.owe(0)
    here.station.sender.step(NOW)
    assert here.balance.open == 1
    assert here.error.startswith(Deferral.TUNNEL)


def test_an_administrator_whose_certificate_is_not_good(here: Administered) -> None:
    assert here.profile is not None
    emt = here.station.pki.holder(Role.EMT, Purpose.TLS, "Admin")
    here.profile = replace(here.profile, tls_certificate=der(emt))
    here.station.owe(0)
    here.station.sender.step(NOW)
    assert here.station.backend.opened == []
    assert here.error.startswith(Deferral.PEER_CERTIFICATE)


def test_it_leaves_when_the_alias_does(here: Administered) -> None:
    """The moment of dispatch follows from a name: it must not follow from one that anybody can try out."""
    evaluation = here.station.profiles.evaluations["grid-1"]
    theirs, ours = (schedule.jitter(evaluation, one) for one in (PSEUDONYM, samples.GATEWAY))
    assert theirs != ours
    here.station.owe(0)
    here.station.run(NOW, NOW + timedelta(seconds=3))
    here.station.owe(1)
    assert here.station.sender.step(NOW + MINUTE) <= NOW + 2 * MINUTE
    expected = schedule.next_dispatch(evaluation, PSEUDONYM, NOW + timedelta(seconds=2))
    here.station.run(NOW + MINUTE, expected)
    assert len(here.receiver.bodies) == 1
    here.station.run(expected, expected + timedelta(seconds=2))
    assert len(here.receiver.bodies) == 2


def sealed(here: Administered, content: Content, signer: Holder) -> bytes:
    return relay.seal(
        content,
        here.station.profiles.communications["grid"],
        recipient=here.station.recipient.certificate,
        signer=signer.certificate,
        key=signer.key,
        random=here.station.pki.random.randbytes,
    )


def test_nothing_under_our_own_name_is_made_for_the_administrator(here: Administered) -> None:
    here.station.owe(0)
    delivery = Outbox(here.station.database).open_delivery("grid-1", NOW)
    assert delivery is not None
    evaluation = here.station.profiles.evaluations["grid-1"]
    content = relay.content_of(delivery, evaluation, look_of(evaluation, {}))
    assert sealed(here, content, here.station.signer)
    with pytest.raises(ContentError, match="own name"):
        relay.content_of(delivery, replace(evaluation, pseudonym=None), look_of(evaluation, {}))
    named = replace(content, gateway=samples.GATEWAY, profile="grid-1", readings=(samples.reading(0),), size=0)
    with pytest.raises(ContentError, match="pseudonymous"):
        sealed(here, named, here.station.signer)


def test_without_a_way_to_the_administrator_nothing_is_handed_over() -> None:
    with pytest.raises(DeferredError) as caught:
        relay.forward(b"document", None)
    assert caught.value.reason is Deferral.TUNNEL


def test_under_a_pseudonym_nothing_shows_either(here: Administered) -> None:
    """FPR_CON.1: a cover and a full delivery are as long as one another for the administrator and for who looks on."""
    here.station.change(use_case=UseCase.TAF_9, period_seconds=900, dispatch_seconds=900)
    evaluation = here.station.profiles.evaluations["grid-1"]
    full = Delivery("grid-1", 1, NOW, tuple(samples.grant(number) for number in range(SMALLEST_ROOM)))
    cover = Delivery("grid-1", 2, NOW + timedelta(seconds=59), ())
    contents = [relay.content_of(one, evaluation, look_of(evaluation, {})) for one in (full, cover)]
    assert [len(content.readings) for content in contents] == [SMALLEST_ROOM, 0]
    assert contents[1].period_begin == contents[1].period_end == NOW, "the minute of its making and no second"
    documents = [sealed(here, content, here.station.signer) for content in contents]
    lengths = [len(here.delivery(document).sealed) for document in documents]
    assert lengths[0] == lengths[1], "nothing in it is signed before the administrator signs"
    assert abs(len(documents[0]) - len(documents[1])) <= 6, "chance of one signature"


def test_the_cover_of_a_pseudonym_arrives_by_way_of_the_administrator(here: Administered) -> None:
    """FPR_CON.1: at its dispatch time, numbered and acknowledged like any other."""
    here.station.change(use_case=UseCase.TAF_9)
    here.station.sender.step(NOW)
    assert here.balance == Balance(owed=0, open=0, acknowledged=1, set_aside=0)
    (body,) = here.receiver.bodies
    _, content = here.content(body)
    assert (content.sequence, content.readings, content.gateway) == (1, (), PSEUDONYM)
