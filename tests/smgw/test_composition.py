"""What a gateway must have before it starts, and with which word it does not."""

import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role
from pki.errors import CertificateError, CertificateReason, TokenError, TokenReason
from pki.revoke import Revocation
from smgw.clock import ClockEvent
from smgw.composition import open_store
from smgw.store.database import KEY_NAME, STORAGE_LABEL
from smgw.store.errors import StoreError, StoreReason
from smgw.store.readings import ReadingStore
from tests.smgw.composing import composed, make
from tests.smgw.premises import Premises, now
from tests.smgw.store import samples

pytestmark = pytest.mark.token


def test_what_is_stored_is_there_after_a_restart(premises: Premises) -> None:
    with composed(premises) as one:
        store = one.gateway._readings
        store.record(samples.reading(0), samples.decision(samples.grant(0)))
    with composed(premises) as one:
        assert isinstance(one.gateway._readings, ReadingStore)
        assert one.gateway._readings.count() == 1
        assert one.status()["profiles"]["grid-1"]["owed"] == 1


def test_whoever_only_looks_leaves_token_and_store_as_they_were(premises: Premises) -> None:
    for _ in range(2):  # what stayed open would be in the way of the second
        with open_store(premises.configuration, time.monotonic) as (token, database):
            assert STORAGE_LABEL in token.labels()
            assert ReadingStore(database).count() == 0
            assert database.change_key() == []


def pin_wrong(premises: Premises) -> None:
    (premises.folder / "pin").write_text("9999999999")


def pin_readable(premises: Premises) -> None:
    (premises.folder / "pin").chmod(0o644)


def pin_missing(premises: Premises) -> None:
    (premises.folder / "pin").unlink()


def token_removed(premises: Premises) -> None:
    premises.label = "another-token"
    premises.write_configuration()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (pin_wrong, TokenReason.PIN_WRONG),
        (pin_readable, TokenReason.PIN_FILE),
        (pin_missing, TokenReason.PIN_FILE),
        (token_removed, TokenReason.NO_TOKEN),
    ],
)
def test_a_security_module_that_is_not_there(
    premises: Premises, spoil: Callable[[Premises], None], reason: TokenReason
) -> None:
    spoil(premises)
    with pytest.raises(TokenError) as refusal, composed(premises):
        pass
    assert refusal.value.reason is reason


def certificate_missing(premises: Premises) -> None:
    (premises.folder / "certificates" / "ENC.pem").unlink()


def certificate_of_another_gateway(premises: Premises) -> None:
    premises.certify("EABC0099999999")


def certificate_of_another_key(premises: Premises) -> None:
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    premises.install(Purpose.SIG, premises.pki.certify(key.public_key(), Role.SMGW, Purpose.SIG, samples.GATEWAY.text))


def certificate_for_another_purpose(premises: Premises) -> None:
    shutil.copy(premises.folder / "certificates" / "SIG.pem", premises.folder / "certificates" / "ENC.pem")


def certificate_of_a_market_participant(premises: Premises) -> None:
    with premises.open_token() as token:
        key = token.key("SIG").public_key()
    premises.install(Purpose.SIG, premises.pki.certify(key, Role.EMT, Purpose.SIG, "Netz"))


def revoked(premises: Premises) -> None:
    own = x509.load_pem_x509_certificate((premises.folder / "certificates" / "TLS.pem").read_bytes())
    premises.write_trust(*premises.pki.crls(sub_ca=(Revocation(own.serial_number, now()),)))


def lists_stale(premises: Premises) -> None:
    premises.write_trust(*premises.pki.crls(now=now() - timedelta(days=60)))


def trust_empty(premises: Premises) -> None:
    shutil.rmtree(premises.folder / "trust")
    (premises.folder / "trust").mkdir()


def administrator_missing(premises: Premises) -> None:
    (premises.folder / "gwa.SIG.pem").unlink()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (certificate_missing, CertificateReason.MALFORMED),
        (certificate_of_another_gateway, CertificateReason.WRONG_NAME),
        (certificate_of_another_key, CertificateReason.NOT_PINNED),
        (certificate_for_another_purpose, CertificateReason.WRONG_PURPOSE),
        (certificate_of_a_market_participant, CertificateReason.WRONG_ROLE),
        (revoked, CertificateReason.REVOKED),
        (lists_stale, CertificateReason.CRL_STALE),
        (trust_empty, CertificateReason.UNKNOWN_ISSUER),
        (administrator_missing, CertificateReason.MALFORMED),
    ],
)
def test_a_gateway_that_nobody_would_believe(
    premises: Premises, spoil: Callable[[Premises], None], reason: CertificateReason
) -> None:
    spoil(premises)
    with pytest.raises(CertificateError) as refusal, composed(premises):
        pass
    assert refusal.value.reason is reason


def test_a_store_without_its_key_stays_closed(premises: Premises) -> None:
    (premises.folder / "store" / KEY_NAME).unlink()
    with pytest.raises(StoreError) as refusal, composed(premises):
        pass
    assert refusal.value.reason is StoreReason.KEY_MISSING


def test_a_token_that_lost_a_key(tmp_path: Path) -> None:
    premises = make(tmp_path)
    with premises.open_token() as token:
        token.destroy_key("SIG")
    with pytest.raises(TokenError) as refusal, composed(premises):
        pass
    assert refusal.value.reason is TokenReason.KEY_MISSING
    with premises.open_token() as token:
        token.destroy_key("STORAGE")
        token.generate_storage_key("STORAGE")
    with pytest.raises(StoreError) as refused, composed(premises):
        pass
    assert refused.value.reason is StoreReason.KEY_WRONG


def test_no_private_key_on_the_disk(premises: Premises) -> None:
    """Outside the token's own folder nothing holds a private key, and the database key is only there wrapped."""
    for path in premises.folder.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes(), path


def test_the_clock_goes_on_after_a_restart(premises: Premises) -> None:
    at, ahead = now(), timedelta(seconds=20)
    with composed(premises, lambda: at) as one:
        clock, records = one.timekeeping.clock, one.timekeeping.service._ports.records
        records.compared(clock.after(ClockEvent.AGREED, ahead, corrected=True), at, corrected=True)
    with composed(premises, lambda: at) as one:
        assert one.timekeeping.clock() == at + ahead


def test_a_machine_whose_clock_is_wrong_starts_by_the_clock_that_was_set(premises: Premises) -> None:
    """Its own certificates begin after what the machine takes for now: the store knows by how much it is wrong."""
    at, behind = now(), timedelta(days=40)

    def machine() -> datetime:
        return at - behind

    with pytest.raises(CertificateError), composed(premises, machine):
        pass
    with composed(premises) as one:
        clock, records = one.timekeeping.clock, one.timekeeping.service._ports.records
        records.compared(clock.after(ClockEvent.SET, behind, corrected=True), at, corrected=True)
    with composed(premises, machine) as one:
        assert one.environment.clock() == at
