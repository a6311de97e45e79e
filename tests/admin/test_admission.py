from collections.abc import Iterator
from pathlib import Path

import pytest

from admin.admission import Admission
from admin.inventory import LifeCycle
from pki.certificates import Purpose, Role, VerifiedCertificate
from pki.errors import CertificateError, CertificateReason
from testbed.small_pki import Holder
from tests.admin.server_world import GATEWAY, Keys, World, world
from wire.orders import InstallCertificates

pytestmark = pytest.mark.token


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def verify(here: World, holder: Holder) -> VerifiedCertificate:
    admission = Admission(here.office.inventory, here.office.orders)
    return admission.verify(holder.certificate, here.office.trust(), here.clock())


def refused(here: World, holder: Holder, reason: CertificateReason) -> None:
    with pytest.raises(CertificateError) as caught:
        verify(here, holder)
    assert caught.value.reason is reason, caught.value


def tls(keys: Keys) -> Holder:
    return keys.holders[Purpose.TLS]


@pytest.mark.parametrize(
    ("state", "seal", "served"),
    [
        (LifeCycle.DELIVERED, True, True),
        (LifeCycle.INSTALLED, True, True),
        (LifeCycle.INSTALLED, False, True),
        (LifeCycle.OPERATING, False, True),
        (LifeCycle.LOCKED, False, False),
        (LifeCycle.LOCKED, True, False),
        (LifeCycle.RETIRED, False, False),
    ],
)
def test_who_is_served_in_which_state(here: World, state: LifeCycle, seal: bool, served: bool) -> None:
    keys = here.keys(seal=seal)
    here.add(keys, state, seal=seal)
    if served:
        found = verify(here, tls(keys))
        assert (found.identity, found.seal) == (GATEWAY.text, seal)
    else:
        refused(here, tls(keys), CertificateReason.NOT_PINNED)


def test_a_quality_seal_is_not_enough_once_the_gateway_operates(here: World) -> None:
    """The inventory would not hold such a pair; the server would not believe it if it did."""
    keys = here.keys(seal=True)
    here.add(keys, LifeCycle.INSTALLED, seal=True)
    with here.office.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE gateways SET state = 'operating'")
    refused(here, tls(keys), CertificateReason.SEAL)


def test_another_certificate_of_the_gateway_is_refused(here: World) -> None:
    here.add(here.keys())
    refused(here, tls(here.keys()), CertificateReason.NOT_PINNED)


def test_a_gateway_without_certificates_is_refused(here: World) -> None:
    here.add(Keys({}), LifeCycle.DELIVERED)
    refused(here, tls(here.keys()), CertificateReason.NOT_PINNED)


def test_a_gateway_that_is_not_in_the_inventory_is_refused(here: World) -> None:
    refused(here, tls(here.keys()), CertificateReason.NOT_PINNED)


def test_a_market_participant_is_refused(here: World) -> None:
    refused(here, here.pki.holder(Role.EMT, Purpose.TLS), CertificateReason.WRONG_ROLE)


def test_another_purpose_is_refused(here: World) -> None:
    """The SIG certificate in the place of the TLS certificate: pinned, and yet not for tunnels."""
    keys = here.keys()
    mixed = Keys({**keys.holders, Purpose.TLS: keys.holders[Purpose.SIG]})
    here.add(mixed)
    refused(here, tls(mixed), CertificateReason.WRONG_PURPOSE)


def test_a_revoked_certificate_is_refused(here: World) -> None:
    keys = here.keys()
    here.add(keys)
    verify(here, tls(keys))
    here.revoke(tls(keys).certificate)
    refused(here, tls(keys), CertificateReason.REVOKED)


def test_a_certificate_on_its_way_is_expected_once_its_order_was_signed(here: World) -> None:
    keys, new = here.keys(), here.keys()
    here.add(keys)
    number = here.order(InstallCertificates(new.der[Purpose.TLS], new.der[Purpose.SIG], new.der[Purpose.ENC]))
    refused(here, tls(new), CertificateReason.NOT_PINNED)
    here.office.orders.sign_next(number, here.office.sign_order, here.clock())
    verify(here, tls(new))
    verify(here, tls(keys))
    here.office.orders.failed(number, "given up", here.clock())
    refused(here, tls(new), CertificateReason.NOT_PINNED)
