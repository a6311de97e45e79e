"""The office: the token when it is needed, signatures only while gateways would believe them."""

import socket
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from admin.errors import ConfigError, InventoryError, InventoryReason
from admin.inventory import LifeCycle
from admin.office import Office
from admin.wake import Postman
from pki import cms
from pki.certificates import Purpose, Role
from pki.errors import CertificateError, CertificateReason, TokenError, TokenReason
from pki.revoke import Revocation
from pki.token import Token
from pki.wakeup import verify_wake_up
from tests.admin.bureau import BY, GATEWAY, MODULE, NOW, OTHER, PIN, SECOND, Bureau, pem
from wire.orders import Order, RunSelfTest
from wire.wakeup import SIZE, WakeUp

pytestmark = pytest.mark.token
ORDER = Order(gateway=GATEWAY, sequence=1, valid_from=NOW, valid_until=NOW + timedelta(hours=1), command=RunSelfTest())


def test_reading_needs_no_token(bureau: Bureau) -> None:
    bureau.pin_file.unlink()
    with bureau.open() as office:
        for listed in (office.inventory.all, office.orders.all, office.audit.entries, office.drafts.all):
            assert list(listed()) == []
        with pytest.raises(TokenError):
            office.inventory.add(bureau.record(), BY, NOW)
        assert office.inventory.all() == []


def test_the_token_is_free_again_once_the_office_is_closed(bureau: Bureau) -> None:
    with bureau.office(GATEWAY) as office:
        office.close()
    with Token.open(MODULE, bureau.label, PIN, monotonic=time.monotonic):
        pass


def test_a_certificate_of_another_key_signs_nothing(bureau: Bureau) -> None:
    other = bureau.pki.holder(Role.GWA, Purpose.SIG, "Verwalter")
    bureau.signature_file.write_bytes(pem(other.certificate))
    with bureau.open() as office, pytest.raises(ConfigError, match="certifies another key"):
        office.signer()


def test_no_certificate_says_how_to_get_one(bureau: Bureau) -> None:
    bureau.signature_file.unlink()
    with bureau.open() as office, pytest.raises(ConfigError, match="smgw-pki issue --role GWA"):
        office.signer()


def test_an_order_is_signed_as_gateways_open_it(office: Office, bureau: Bureau) -> None:
    opened = cms.open_document(office.sign_order(ORDER), signers=[bureau.office_certificate()])
    assert Order.from_bytes(opened.content) == ORDER


def test_nothing_is_signed_that_no_gateway_would_believe(office: Office, bureau: Bureau) -> None:
    revoked = Revocation(bureau.certificate.serial_number, NOW - SECOND, "key-compromise")
    bureau.write_trust(*bureau.pki.crls(sub_ca=(revoked,)))
    for act in (lambda: office.sign_order(ORDER), lambda: office.letter(GATEWAY, NOW)):
        with pytest.raises(CertificateError) as caught:
            act()
        assert caught.value.reason is CertificateReason.REVOKED
    late = bureau.certificate.not_valid_after_utc + SECOND
    with pytest.raises(CertificateError):
        office.letter(GATEWAY, late)


def test_one_wake_up_over_a_real_socket(bureau: Bureau) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(10)
        with bureau.office(GATEWAY, port=udp.getsockname()[1]) as office:
            number = bureau.queue(office)
            with Postman() as postman:
                postman.send(office.letter(GATEWAY, NOW + timedelta(microseconds=5), "berta"))
            datagram = udp.recv(SIZE + 1)
            assert office.orders.get(number).state == "woken"
            told = office.audit.entries()[-1]
    wake_up = WakeUp.from_bytes(datagram)
    verify_wake_up(wake_up, bureau.office_certificate())
    assert (wake_up.gateway, wake_up.issued_at) == (GATEWAY, NOW)
    assert (told.action, told.subject, told.by) == ("wake-up", GATEWAY.text, "berta")


def test_every_wake_up_is_another_one(office: Office) -> None:
    letters = {office.letter(GATEWAY, NOW).datagram for _ in range(8)}
    assert len({WakeUp.from_bytes(datagram).nonce for datagram in letters}) == 8


def test_who_is_not_woken(office: Office, bureau: Bureau) -> None:
    assert refused(office, OTHER) is InventoryReason.UNKNOWN
    office.inventory.add(replace(bureau.record(OTHER), wake_host="no-such-host.invalid"), BY, NOW)
    assert refused(office, OTHER) is InventoryReason.ADDRESS
    before = len(office.audit.entries())
    office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, NOW)
    assert refused(office, GATEWAY) is InventoryReason.STATE
    assert [entry.action for entry in office.audit.entries(after=before)] == ["gateway-state"]


def test_one_process_has_one_office(office: Office, bureau: Bureau) -> None:
    with bureau.open() as second, pytest.raises(TokenError) as caught:
        second.signer()
    assert caught.value.reason is TokenReason.IN_USE


def refused(office: Office, gateway: object) -> InventoryReason:
    with pytest.raises(InventoryError) as caught:
        office.letter(gateway, NOW)  # type: ignore[arg-type]
    return caught.value.reason
