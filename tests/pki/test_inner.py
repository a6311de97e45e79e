import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.certificates import Purpose, Role, VerifiedCertificate
from pki.errors import SealError, SealReason
from pki.inner import sign_reading, verify_reading
from testbed.small_pki import GATEWAY, NOW
from tests.pki.cms.parties import parties, stranger
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

WORLD = parties()
READING = Reading(DeviceId("1ISK0012345678"), Obis.parse("1-0:1.8.0*255"), Register(123456, -1, Unit.WH), NOW, 5)
SIGNED = sign_reading(READING, gateway=DeviceId(GATEWAY), key=WORLD.signer.key)

CHANGES = {
    "device": dataclasses.replace(READING, device=DeviceId("1ISK0012345679")),
    "quantity": dataclasses.replace(READING, obis=Obis.parse("1-0:2.8.0*255")),
    "value": dataclasses.replace(READING, register=Register(123457, -1, Unit.WH)),
    "scaler": dataclasses.replace(READING, register=Register(123456, 0, Unit.WH)),
    "unit": dataclasses.replace(READING, register=Register(123456, -1, Unit.W)),
    "time": dataclasses.replace(READING, captured_at=NOW + timedelta(seconds=1)),
    "status": dataclasses.replace(READING, status=4),
}


def refused(reason: SealReason, signed: SignedReading, signer: VerifiedCertificate = WORLD.verified) -> None:
    with pytest.raises(SealError) as caught:
        verify_reading(signed, signer=signer)
    assert caught.value.reason is reason


def test_what_was_signed_verifies() -> None:
    """FCO_NRO.2; PTB-A 50.8, inner signature: the recipient verifies who measured."""
    assert verify_reading(SIGNED, signer=WORLD.verified) == READING


@pytest.mark.parametrize("field", CHANGES)
def test_any_other_reading_does_not(field: str) -> None:
    """FCO_NRO.2; PTB-A 50.8, inner signature: it stands for one value of one meter at one time."""
    refused(SealReason.SIGNATURE, SignedReading(CHANGES[field], SIGNED.signature))


def test_altered_at_any_byte_the_signature_does_not_hold() -> None:
    for position in range(len(SIGNED.signature)):
        altered = bytearray(SIGNED.signature)
        altered[position] ^= 1
        refused(SealReason.SIGNATURE, SignedReading(READING, bytes(altered)))


@given(st.binary(min_size=64, max_size=64) | st.sampled_from([bytes(64), b"\xff" * 64, bytes(32) + b"\1" * 32]))
def test_law_only_its_own_error_escapes(signature: bytes) -> None:
    refused(SealReason.SIGNATURE, SignedReading(READING, signature))


def test_a_reading_of_another_gateway_is_not_this_ones() -> None:
    other = sign_reading(READING, gateway=DeviceId("EABC0099999999"), key=WORLD.signer.key)
    refused(SealReason.SIGNATURE, other)
    refused(SealReason.SIGNATURE, SIGNED, WORLD.pki.verified(stranger(), Role.SMGW, Purpose.SIG))


@pytest.mark.parametrize(
    ("role", "purpose"), [(Role.SMGW, Purpose.ENC), (Role.SMGW, Purpose.TLS), (Role.EMT, Purpose.SIG)]
)
def test_only_a_gateways_signature_certificate_stands_behind_a_reading(role: Role, purpose: Purpose) -> None:
    """FCO_NRO.2; PTB-A 50.8, inner signature."""
    signer = VerifiedCertificate(WORLD.signer.certificate, role, purpose, GATEWAY)
    refused(SealReason.UNKNOWN_SIGNER, SIGNED, signer)


def test_a_certificate_that_names_no_gateway_signs_no_reading() -> None:
    signer = VerifiedCertificate(WORLD.signer.certificate, Role.SMGW, Purpose.SIG, "somebody")
    refused(SealReason.UNKNOWN_SIGNER, SIGNED, signer)
