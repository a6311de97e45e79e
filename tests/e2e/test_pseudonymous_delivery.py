"""Gateway -> administrator -> datacenter under a pseudonym, every end as it runs in earnest, over real TLS.

The gateway's sender has its store and signs; the administrator serves his service port, with his key in a token; the
datacenter is a process of its own. The datacenter gets the values and learns nothing of whose they are.
PP-0073: FPR_PSE.1.
"""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from admin.audit import Action
from admin.database import writing
from admin.installed import keep
from admin.relay import Forwarder
from admin.serve import Server
from datacenter import database, queries
from datacenter.__main__ import main
from datacenter.queries import Selection
from pki import cms
from pki.certificates import Purpose
from pki.inner import sign_reading
from pki.tls import InProcessBackend, TlsIdentity
from smgw.store.database import Database
from smgw.store.logs import SystemLog
from smgw.store.outbox import Balance, Outbox
from smgw.store.profiles import ProfileSet
from smgw.store.readings import ReadingStore
from smgw.wan import relay
from smgw.wan.concealment import look_of
from smgw.wan.exchange import Acknowledged, Deferral, DeferredError
from smgw.wan.sender import Sender, SenderIdentity, SenderPorts
from smgw.wan.service import ServicePorts
from tests.admin.relaying import DAY, der, evaluation
from tests.admin.server_world import GATEWAY, STARTED, Keys, clock, world
from tests.admin.server_world import World as Office
from tests.datacenter.served import Served, served
from tests.datacenter.world import Gateway
from tests.datacenter.world import World as Datacenter
from tests.smgw.store import samples
from tests.wire.documents import IMPORTED, METER, PSEUDONYM
from wire.cosem_xml import render
from wire.orders import ChangeProfiles
from wire.profiles import AccessPurpose, AdministratorProfile, CommunicationProfile, EvaluationProfile
from wire.reading import DeviceId, Reading, Register, Unit

pytestmark = [pytest.mark.token]

OTHER = DeviceId("EABC0012345679")
RASTER = timedelta(minutes=15)
LAST = STARTED - (STARTED - datetime(2026, 1, 1, tzinfo=STARTED.tzinfo)) % RASTER
"""The last raster point before the test began."""


@dataclass
class Chain:
    """All three, and what the gateway was told of the two others."""

    office: Office
    datacenter: Datacenter
    served: Served
    folder: Path
    keys: Keys
    communication: CommunicationProfile = field(init=False)
    database: Database = field(init=False)
    profiles: ProfileSet = field(init=False)
    evaluation: EvaluationProfile = field(init=False)

    def __post_init__(self) -> None:
        self.communication = CommunicationProfile(
            id="grid", version=1, party="Netz", host="127.0.0.1", port=self.served.port, path="/deliveries",
            tls_certificate=der(self.datacenter.own_tls), encryption_certificate=der(self.datacenter.own_encryption),
            purposes=(AccessPurpose.GRID_OPERATION,), valid_from=STARTED - DAY, valid_until=STARTED + DAY,
        )  # fmt: skip
        self.evaluation = evaluation(self.communication)
        self.database = samples.open_database(self.folder)
        self.profiles = ProfileSet(
            {}, {self.evaluation.id: self.evaluation}, {self.communication.id: self.communication}
        )
        with writing(self.office.office.engine) as connection:
            keep(connection, GATEWAY, ChangeProfiles((self.communication, self.evaluation), ()), 1)

    def service(self, keys: Keys) -> ServicePorts:
        """A gateway's way to the administrator."""
        _, port = self.office.ports
        administrator = AdministratorProfile(
            id="administrator", version=1, party="Admin", host="127.0.0.1", management_port=1, service_port=port,
            tls_certificate=der(self.office.tls), session_seconds=3600, idle_seconds=60,
            signature_certificate=self.office.signature_certificate.public_bytes(Encoding.DER),
            valid_from=STARTED - DAY, valid_until=STARTED + DAY,
        )  # fmt: skip
        tunnel, trust = keys.holders[Purpose.TLS], self.office.believed
        chain = (tunnel.certificate, self.office.pki.hierarchy.sub_ca.certificate)
        backend = InProcessBackend(TlsIdentity(chain, tunnel.key), trust, clock=clock)
        return ServicePorts(lambda: administrator, lambda: trust, backend, clock, time.monotonic)

    def sender(self) -> Sender:
        signer, service = self.keys.holders[Purpose.SIG], self.service(self.keys)
        identity = SenderIdentity(GATEWAY, signer.certificate, signer.key)
        randomness = random.Random(7)
        ports = SenderPorts(
            outbox=Outbox(self.database), log=SystemLog(self.database), trust=service.trust,
            profiles=lambda: self.profiles, backend=service.backend, random=randomness.randbytes,
            jitter=randomness.random, monotonic=time.monotonic, service=service,
        )  # fmt: skip
        return Sender("grid", lambda: identity, ports)

    def owe(self, *numbers: int) -> None:
        """Readings of the last raster points, signed as the gateway signs them."""
        for number in numbers:
            at = LAST - number * RASTER
            reading = Reading(METER, IMPORTED, Register(123_456 - number, -1, Unit.WH), at)
            signed = sign_reading(reading, GATEWAY, self.keys.holders[Purpose.SIG].key)
            grant = samples.grant(number, profile=self.evaluation.id, readings=(signed,))
            owed = replace(grant, key=f"{METER}|{at.isoformat()}", period_begin=at - RASTER, period_end=at)
            ReadingStore(self.database).record(signed, samples.decision(owed))

    @property
    def balance(self) -> Balance:
        return Outbox(self.database).balance(self.evaluation.id)

    def document(self) -> bytes:
        """What the gateway would send next, signed for the administrator."""
        delivery = Outbox(self.database).open_delivery(self.evaluation.id, STARTED)
        assert delivery is not None
        signer = self.keys.holders[Purpose.SIG]
        return relay.seal(
            relay.content_of(delivery, self.evaluation, look_of(self.evaluation, {})),
            self.communication,
            recipient=self.datacenter.own_encryption.certificate,
            signer=signer.certificate,
            key=signer.key,
            random=random.Random(8).randbytes,
        )

    def stored(self) -> list[queries.StoredReading]:
        with database.reading(self.datacenter.engine) as connection:
            return list(queries.readings(connection, Selection()))


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with ExitStack() as stack:
        for name in ("admin", "datacenter", "gateway"):
            (tmp_path / name).mkdir()
        office = stack.enter_context(world(tmp_path / "admin"))
        keys = office.keys()
        office.add(keys)
        server = Server(
            office.office,
            clock=office.clock,
            monotonic=time.monotonic,
            relay=Forwarder(office.office, clock=office.clock, monotonic=time.monotonic),
        )
        server.start()
        stack.callback(server.stop)
        office.ports = server.ports
        center = Datacenter(tmp_path / "datacenter", now=STARTED, shared=office.pki)
        stack.callback(center.close)
        (center.folder / "administrators").mkdir()
        center.register("Admin.TLS.pem", office.tls.certificate, "administrators")
        center.register("Admin.SIG.pem", office.signature_certificate, "administrators")
        made = Chain(office, center, stack.enter_context(served(center)), tmp_path / "gateway", keys)
        stack.callback(made.database.close)
        yield made


def test_the_values_arrive_and_nobody_behind_them(chain: Chain) -> None:
    """FPR_PSE.1; TR-03109-1, pseudonymous delivery: the party holds values, and nothing of who measured."""
    chain.owe(0, 1, 2)
    with closing(chain.sender()) as sender:
        sender.step(STARTED)
        assert sender.progress[chain.evaluation.id].last_error == ""
    assert chain.balance == Balance(owed=0, open=0, acknowledged=1, set_aside=0)
    stored = chain.stored()
    assert [one.signed.reading.register.value for one in stored] == [123_454, 123_455, 123_456]
    assert {(one.gateway, one.signed.reading.device, one.profile, one.signed.signature) for one in stored} == {
        (PSEUDONYM, PSEUDONYM, PSEUDONYM.text, b"")
    }
    # The datacenter knows no trace: neither its database nor its log holds a name or a serial of the gateway.
    held = b"".join(file.read_bytes() for file in chain.datacenter.folder.glob("datacenter.db*"))
    held += chain.served.log.read_bytes()
    assert PSEUDONYM.text.encode() in held
    for name in (GATEWAY.text, METER.text, chain.evaluation.id):
        assert name.encode() not in held
    # The administrator knows who sent, to whom and how much; not what.
    entry = list(chain.office.office.audit.entries())[-1]
    assert (entry.action, entry.subject, entry.parameters["party"]) == (Action.RELAYED, GATEWAY.text, "grid")
    told = CliRunner().invoke(main, ["verify", "--config", str(chain.datacenter.folder / "datacenter.toml")])
    assert told.output.strip() == "0 hold, 0 fail, 3 pseudonymous, not signed and not verified"


def test_again_it_is_a_duplicate_and_from_another_gateway_it_is_refused(chain: Chain) -> None:
    chain.owe(0)
    document = chain.document()
    assert relay.forward(document, chain.service(chain.keys)) == Acknowledged(duplicate=False)
    assert relay.forward(document, chain.service(chain.keys)) == Acknowledged(duplicate=True)
    other = chain.office.keys(OTHER)
    chain.office.add(other, gateway=OTHER)
    with pytest.raises(DeferredError, match="403"):
        relay.forward(document, chain.service(other))
    assert len(chain.stored()) == 1


def test_a_party_that_we_were_never_given(chain: Chain) -> None:
    chain.owe(0)
    with writing(chain.office.office.engine) as connection:
        connection.exec_driver_sql("DELETE FROM installed WHERE kind = 'communication'")
    with closing(chain.sender()) as sender:
        sender.step(STARTED)
        assert sender.progress[chain.evaluation.id].last_error.startswith(Deferral.REFUSED_FOR_NOW)
    assert (chain.balance.open, chain.stored()) == (1, [])


def test_a_datacenter_that_is_not_there(chain: Chain) -> None:
    chain.owe(0)
    chain.served.stop()
    with closing(chain.sender()) as sender:
        sender.step(STARTED)
        assert "502" in sender.progress[chain.evaluation.id].last_error
    assert chain.balance == Balance(owed=0, open=1, acknowledged=0, set_aside=0)


def test_a_datacenter_that_knows_no_administrator(chain: Chain) -> None:
    chain.owe(0)
    for file in (chain.datacenter.folder / "administrators").iterdir():
        file.unlink()
    time.sleep(2.1)  # it looks at its folders once a second
    with closing(chain.sender()) as sender:
        sender.step(STARTED)
        assert "403" in sender.progress[chain.evaluation.id].last_error
    assert (chain.balance.open, chain.stored()) == (1, [])


def test_a_gateway_that_sends_it_itself(chain: Chain) -> None:
    chain.owe(0)
    delivery = Outbox(chain.database).open_delivery(chain.evaluation.id, STARTED)
    assert delivery is not None
    content = relay.content_of(delivery, chain.evaluation, look_of(chain.evaluation, {}))
    registered: Gateway = chain.datacenter.gateway
    body = cms.seal(
        render(content),
        recipient=chain.datacenter.own_encryption.certificate,
        signer=registered.signature.certificate,
        key=registered.signature.key,
        random=random.Random(9).randbytes,
    )
    status, answer = chain.served.post(body, registered.tunnel)
    assert (status, answer.strip()) == (403, b'{"reason":"pseudonym"}')
    assert chain.stored() == []
