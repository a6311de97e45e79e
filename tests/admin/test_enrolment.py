import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from admin import enrolment
from admin.audit import Action
from admin.enrolment import Step, Walk, authorities_above, lists_of, next_step
from admin.errors import AdminError, EnrolmentError, EnrolmentReason, InventoryError
from admin.inventory import LifeCycle
from admin.orders import OrderState
from pki.certificates import Purpose, TrustStore
from pki.files import RENEWAL
from tests.admin.server_world import BY, GATEWAY, PATIENCE, STARTED, Gateway, World, certified, until, world
from wire.orders import InstallCertificates, Order, RenewKeys, Reply, ReplyOutcome
from wire.reading import DeviceId

pytestmark = pytest.mark.token


class Scene:
    """One gateway with a quality seal that waits for wake-ups, and the administrator's server."""

    def __init__(self, here: World, folder: Path, device: Gateway) -> None:
        self.here = here
        self.device = device
        self.said: list[str] = []
        self.walk = Walk(
            office=here.office,
            gateway=GATEWAY,
            folder=folder,
            by=BY,
            timing=here.timing,
            say=self.said.append,
            certify=lambda where: certified(here, where),
        )

    def state(self) -> LifeCycle:
        return self.here.office.inventory.get(GATEWAY).state


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with world(tmp_path) as here:
        device = Gateway(here, here.keys(seal=True))
        with device.asleep(here.server().ports[0]) as wake_port:
            here.add(device.keys, LifeCycle.DELIVERED, seal=True, wake_port=wake_port)
            yield Scene(here, tmp_path / "walk", device)


def refused(reason: EnrolmentReason, action: Callable[[], object]) -> EnrolmentError:
    with pytest.raises(EnrolmentError) as caught:
        action()
    assert caught.value.reason is reason, caught.value
    return caught.value


def test_from_quality_seal_to_operating_in_one_go(scene: Scene) -> None:
    seal = scene.device.keys
    enrolment.enrol(scene.walk)
    record = scene.here.office.inventory.get(GATEWAY)
    assert (record.state, record.seal) == (LifeCycle.OPERATING, False)
    assert record.certificates == scene.device.keys.der != seal.der
    assert [type(order.command) for order in scene.device.orders] == [RenewKeys, InstallCertificates]
    assert list(scene.walk.folder.iterdir()) == []
    actions = [each.action for each in scene.here.office.audit.entries()]
    assert Action.CERTIFICATES_ISSUED in actions
    assert actions.count(Action.GATEWAY_STATE) == 2
    assert len(scene.said) == 4
    refused(EnrolmentReason.STATE, lambda: enrolment.enrol(scene.walk))


def test_each_step_by_itself(scene: Scene) -> None:
    assert next_step(scene.walk) is Step.REQUEST
    enrolment.request(scene.walk)
    assert (scene.state(), next_step(scene.walk)) == (LifeCycle.INSTALLED, Step.CERTIFY)
    enrolment.certify(scene.walk)
    assert (scene.state(), next_step(scene.walk)) == (LifeCycle.INSTALLED, Step.INSTALL)
    enrolment.install(scene.walk)
    assert (scene.state(), next_step(scene.walk)) == (LifeCycle.INSTALLED, Step.CONFIRM)
    enrolment.confirm(scene.walk)
    assert scene.state() is LifeCycle.OPERATING


def test_the_gateway_gets_the_authorities_below_the_root(scene: Scene) -> None:
    enrolment.enrol(scene.walk)
    (installed,) = [order.command for order in scene.device.orders if isinstance(order.command, InstallCertificates)]
    sub_ca = scene.here.pki.hierarchy.sub_ca.certificate
    assert installed.authorities == (sub_ca.public_bytes(Encoding.DER),)
    (crl,) = (x509.load_der_x509_crl(each) for each in installed.lists)
    assert crl.issuer == sub_ca.subject
    assert authorities_above(sub_ca, scene.here.pki.trust()) == ()


def test_the_newest_list_of_an_authority_goes_with_it(scene: Scene) -> None:
    pki = scene.here.pki
    sub_ca, root = pki.hierarchy.sub_ca.certificate, pki.hierarchy.root.certificate
    older, newer = (pki.crls(now=pki.now + timedelta(minutes=each), number=each)[1] for each in (1, 2))
    trust = TrustStore([root], [sub_ca], [pki.crls()[0], newer, older])
    assert lists_of([sub_ca], trust) == (newer,)
    assert lists_of([pki.seal_ca.certificate], trust) == ()


def test_without_an_authority_the_files_are_carried(scene: Scene) -> None:
    walk = replace(scene.walk, certify=None)
    error = refused(EnrolmentReason.NO_AUTHORITY, lambda: enrolment.enrol(walk))
    assert "smgw-pki renew" in str(error)
    certified(scene.here, walk.folder)
    enrolment.enrol(walk)
    assert scene.state() is LifeCycle.OPERATING
    assert len([order for order in scene.device.orders if isinstance(order.command, RenewKeys)]) == 1


def test_a_walk_that_lost_the_gateways_answer_goes_on_with_the_same_order(scene: Scene) -> None:
    enrolment.request(scene.walk)
    enrolment.certify(scene.walk)
    scene.device.leave()
    scene.here.why()
    came, given_up = threading.Event(), threading.Event()

    def lost(order: Order) -> bool:
        came.set()
        return isinstance(order.command, InstallCertificates) and given_up.wait(PATIENCE)

    scene.device.cut = lost
    impatient = scene.here.impatient(came.is_set)
    refused(EnrolmentReason.UNANSWERED, lambda: enrolment.install(replace(scene.walk, timing=impatient)))
    given_up.set()
    scene.device.wait()
    scene.here.why()
    scene.device.cut = lambda _: False
    enrolment.enrol(scene.walk)
    assert scene.state() is LifeCycle.OPERATING
    orders = scene.here.office.orders.all(GATEWAY)
    assert [each.kind for each in orders].count(InstallCertificates.KIND) == 1


def test_a_gateway_that_does_not_come(scene: Scene) -> None:
    scene.here.office.inventory.set_address(GATEWAY, "127.0.0.1", 9, BY, scene.here.clock())
    walk = replace(scene.walk, timing=scene.here.impatient())
    error = refused(EnrolmentReason.NO_ANSWER, lambda: enrolment.request(walk))
    assert "nobody listens" in str(error)
    assert scene.state() is LifeCycle.DELIVERED


def test_a_gateway_that_refuses(scene: Scene) -> None:
    scene.device.reply = lambda order: Reply.refusal(order.sequence, "token", "no place for keys")
    error = refused(EnrolmentReason.REFUSED, lambda: enrolment.request(scene.walk))
    assert "no place for keys" in str(error)
    assert not scene.walk.folder.exists()


@pytest.mark.parametrize("result", [{}, {"renewal": "?"}, {"renewal": "AAAA"}, {"renewal": 5}])
def test_a_reply_that_proves_nothing(scene: Scene, result: dict[str, object]) -> None:
    scene.device.reply = lambda order: Reply(order.sequence, ReplyOutcome.DONE, result=result)  # type: ignore[arg-type]
    refused(EnrolmentReason.RENEWAL, lambda: enrolment.request(scene.walk))
    assert scene.state() is LifeCycle.DELIVERED


def test_a_renewal_of_another_signer(scene: Scene) -> None:
    other = Gateway(scene.here, scene.here.keys(seal=True))
    renewal = other._done(Order.from_bytes(_order(RenewKeys()))).result
    scene.device.reply = lambda order: Reply(order.sequence, ReplyOutcome.DONE, result=renewal)
    refused(EnrolmentReason.RENEWAL, lambda: enrolment.request(scene.walk))


def test_certificates_for_other_keys_are_not_installed(scene: Scene) -> None:
    enrolment.request(scene.walk)
    for purpose, holder in scene.here.keys().holders.items():
        _put(scene, purpose, holder.certificate)
    refused(EnrolmentReason.CERTIFICATE, lambda: enrolment.install(scene.walk))
    assert next_step(scene.walk) is Step.CERTIFY


def test_a_quality_seal_is_not_installed(scene: Scene) -> None:
    enrolment.request(scene.walk)
    certified(scene.here, scene.walk.folder, seal=True)
    refused(EnrolmentReason.CERTIFICATE, lambda: enrolment.install(scene.walk))


def test_a_revoked_certificate_is_not_installed(scene: Scene) -> None:
    enrolment.request(scene.walk)
    enrolment.certify(scene.walk)
    scene.here.revoke(x509.load_pem_x509_certificate((scene.walk.folder / "ENC.pem").read_bytes()))
    with pytest.raises(InventoryError):
        enrolment.install(scene.walk)
    assert [type(order.command) for order in scene.device.orders] == [RenewKeys]


@pytest.mark.parametrize("missing", [RENEWAL, "TLS.pem"])
def test_nothing_is_installed_without_its_files(scene: Scene, missing: str) -> None:
    enrolment.request(scene.walk)
    enrolment.certify(scene.walk)
    (scene.walk.folder / missing).unlink()
    refused(EnrolmentReason.FILES, lambda: enrolment.install(scene.walk))


def test_a_seal_is_not_confirmed(scene: Scene) -> None:
    refused(EnrolmentReason.SEAL, lambda: enrolment.confirm(scene.walk))


def test_only_the_new_certificate_confirms(scene: Scene) -> None:
    """A gateway that dials with its quality seal again, after it was given certificates, is not let in."""
    seal = scene.device.keys
    for step in (enrolment.request, enrolment.certify, enrolment.install):
        step(scene.walk)
    until(lambda: scene.here.office.tunnels.open(GATEWAY, scene.here.clock()) is None)
    scene.device.wait()
    new, scene.device.keys = scene.device.keys, seal
    impatient = scene.here.impatient(lambda: bool(scene.here.office.tunnels.refusals_since(STARTED)))
    error = refused(EnrolmentReason.NO_ANSWER, lambda: enrolment.confirm(replace(scene.walk, timing=impatient)))
    assert "refused here" in str(error)
    assert scene.state() is LifeCycle.INSTALLED
    scene.device.keys = new
    enrolment.confirm(scene.walk)
    assert scene.state() is LifeCycle.OPERATING


def test_a_gateway_that_nobody_knows(scene: Scene) -> None:
    with pytest.raises(AdminError):
        enrolment.enrol(replace(scene.walk, gateway=DeviceId("EABC0012345679")))


def test_an_open_order_is_not_given_twice(scene: Scene) -> None:
    number = scene.here.order(RenewKeys())
    enrolment.request(scene.walk)
    assert scene.here.office.orders.get(number).state is OrderState.CONFIRMED
    assert len(scene.device.orders) == 1


def test_an_earlier_tunnel_that_stays_open_is_not_taken_for_the_proof(scene: Scene) -> None:
    for step in (enrolment.request, enrolment.certify, enrolment.install):
        step(scene.walk)
    scene.device.wait()
    scene.here.why()
    scene.device.come(scene.here.ports[0])
    until(lambda: scene.here.office.tunnels.open(GATEWAY, scene.here.clock()) is not None)
    walk = replace(scene.walk, timing=scene.here.impatient())
    refused(EnrolmentReason.UNANSWERED, lambda: enrolment.confirm(walk))
    assert scene.state() is LifeCycle.INSTALLED


def test_a_gateway_without_certificates_in_the_inventory_proves_nothing(scene: Scene) -> None:
    scene.here.office.inventory.set_certificates(GATEWAY, {}, seal=False, by=BY, at=scene.here.clock())
    scene.walk.folder.mkdir()
    (scene.walk.folder / RENEWAL).write_bytes(b"renewal")
    assert next_step(scene.walk) is Step.REQUEST
    refused(EnrolmentReason.SEAL, lambda: enrolment.confirm(scene.walk))


def test_a_folder_that_cannot_be_written(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refused(EnrolmentReason.FILES, lambda: enrolment.request(replace(scene.walk, folder=tmp_path / "file" / "walk")))


def _order(command: RenewKeys) -> bytes:
    return Order(
        gateway=GATEWAY, sequence=1, valid_from=STARTED, valid_until=STARTED + timedelta(hours=1), command=command
    ).to_bytes()


def _put(scene: Scene, purpose: Purpose, certificate: x509.Certificate) -> None:
    (scene.walk.folder / f"{purpose}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
