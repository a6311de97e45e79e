"""A gateway in earnest, with its key in a token, and a profile with a pseudonym: where its values go, and where not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from pki import cms
from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.errors import SealError
from pki.tls import TlsIdentity, server_context
from tests.smgw.premises import Premises, now
from tests.smgw.test_administered import House
from tests.smgw.test_main import MEMORY, STUNNEL, running, wait_for
from tests.smgw.wan.receiver import STORED, TlsReceiver
from wire.cosem_xml import Content, parse
from wire.orders import ChangeProfiles, ReplyOutcome
from wire.reading import DeviceId
from wire.relay import RelayedDelivery

pytestmark = [pytest.mark.token, pytest.mark.peer]

PSEUDONYM = DeviceId("EPSN0000000001")


class Forwarding:
    """The administrator's service port: it answers everything with ``stored``."""

    def __init__(self, house: House) -> None:
        premises = house.premises
        chain = (premises.dialled.certificate, premises.pki.hierarchy.sub_ca.certificate)
        context = server_context(TlsIdentity(chain, premises.dialled.key), premises.pki.trust())
        self.receiver = TlsReceiver(lambda _: STORED, context)
        profile = replace(house.administrator, service_port=self.receiver.port)
        (premises.folder / "administrator.cms").write_bytes(premises.sign(profile))

    def deliveries(self, premises: Premises) -> Iterator[RelayedDelivery]:
        """What the gateway handed over, as the administrator verifies it."""
        certificate = x509.load_pem_x509_certificate((premises.folder / "certificates" / "SIG.pem").read_bytes())
        trust: TrustStore = premises.pki.trust()
        signer = trust.verify(
            certificate, role=Role.SMGW, purpose=Purpose.SIG, at=now(), pinned={fingerprint(certificate)}
        )
        for body in list(self.receiver.bodies):
            try:
                signed = cms.open_document(body, signers=[signer])
            except SealError:
                continue  # what was said of time and alarms
            yield RelayedDelivery.from_bytes(signed.content)


def read(premises: Premises, delivery: RelayedDelivery) -> Content:
    """What the party reads once the administrator signed it."""
    by, recipient = premises.administrator, premises.recipient
    sealed = cms.sign_envelope(delivery.sealed, recipient=recipient.certificate, signer=by.certificate, key=by.key)
    believed = premises.pki.verified(by, Role.GWA, Purpose.SIG, now())
    opened = cms.open_sealed(sealed, signers=[believed], recipient=recipient.certificate, key=recipient.key)
    return parse(opened.content)


@pytest.fixture(params=[STUNNEL, MEMORY], ids=["stunnel", "in-process"])
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    if request.param == STUNNEL and not Path("/usr/bin/stunnel").exists():
        pytest.skip("stunnel is not installed (apt install stunnel4 libengine-pkcs11-openssl)")
    house = House(tmp_path, request.param)
    yield house
    house.close()


@pytest.mark.long
def test_values_under_a_pseudonym_go_to_the_administrator_and_to_nobody_else(house: House) -> None:
    """FPR_PSE.1; TR-03109-1, pseudonymous delivery."""
    premises, forwarding = house.premises, Forwarding(house)
    aliased = replace(house.evaluation, pseudonym=PSEUDONYM)
    with running(premises) as gateway:
        with house.caller.tunnel() as tunnel:
            done = tunnel.order(ChangeProfiles((premises.party(), house.meter, aliased)))
            assert done.outcome is ReplyOutcome.DONE
        wait_for(premises, gateway, lambda told: told["profiles"]["grid-1"]["acknowledged"] >= 2)
    contents = [read(premises, delivery) for delivery in forwarding.deliveries(premises)]
    assert [content.sequence for content in contents][:2] == [1, 2]
    assert all(content.gateway == PSEUDONYM and content.pseudonymous for content in contents)
    assert house.receiver.bodies == [], "the party heard nothing from the gateway itself"
    forwarding.receiver.close()
