import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.certificates import Purpose, Role, VerifiedCertificate
from pki.errors import SealError, SealReason
from pki.wakeup import sign_wake_up, verify_wake_up
from testbed.small_pki import GATEWAY, NOW, SmallPki
from wire.errors import WakeUpError
from wire.reading import DeviceId
from wire.wakeup import SIZE, WakeUp

PKI = SmallPki()
HOLDER = PKI.holder(Role.GWA, Purpose.SIG, "Verwalter")
SIGNER = PKI.verified(HOLDER, Role.GWA, Purpose.SIG)
NONCE = bytes(range(16))
DATAGRAM = sign_wake_up(DeviceId(GATEWAY), NOW, NONCE, HOLDER.key)
WAKE_UP = WakeUp.from_bytes(DATAGRAM)

CHANGES = {
    "addressee": dataclasses.replace(WAKE_UP, gateway=DeviceId("EABC0012345679")),
    "time": dataclasses.replace(WAKE_UP, issued_at=NOW + timedelta(seconds=1)),
    "nonce": dataclasses.replace(WAKE_UP, nonce=bytes(16)),
}


def refused(reason: SealReason, wake_up: WakeUp, signer: VerifiedCertificate = SIGNER) -> None:
    with pytest.raises(SealError) as caught:
        verify_wake_up(wake_up, signer)
    assert caught.value.reason is reason


def test_what_was_signed_verifies() -> None:
    assert len(DATAGRAM) == SIZE
    assert (WAKE_UP.gateway.text, WAKE_UP.issued_at, WAKE_UP.nonce) == (GATEWAY, NOW, NONCE)
    verify_wake_up(WAKE_UP, SIGNER)


@pytest.mark.parametrize("field", CHANGES)
def test_any_other_wake_up_does_not(field: str) -> None:
    refused(SealReason.SIGNATURE, CHANGES[field])


def test_altered_at_any_byte_the_signature_does_not_hold() -> None:
    for position in range(len(WAKE_UP.signature)):
        altered = bytearray(WAKE_UP.signature)
        altered[position] ^= 1
        refused(SealReason.SIGNATURE, dataclasses.replace(WAKE_UP, signature=bytes(altered)))


@given(st.binary(min_size=64, max_size=64) | st.sampled_from([bytes(64), b"\xff" * 64, bytes(32) + b"\1" * 32]))
def test_law_only_its_own_error_escapes(signature: bytes) -> None:
    refused(SealReason.SIGNATURE, dataclasses.replace(WAKE_UP, signature=signature))


def test_another_administrators_signature_is_not_this_ones() -> None:
    other = PKI.holder(Role.GWA, Purpose.SIG, "Andere")
    refused(SealReason.SIGNATURE, WAKE_UP, PKI.verified(other, Role.GWA, Purpose.SIG))


@pytest.mark.parametrize(
    ("role", "purpose"),
    [(Role.GWA, Purpose.TLS), (Role.GWA, Purpose.ENC), (Role.EMT, Purpose.SIG), (Role.SMGW, Purpose.SIG)],
)
def test_only_an_administrators_signature_certificate_stands_behind_a_wake_up(role: Role, purpose: Purpose) -> None:
    refused(SealReason.UNKNOWN_SIGNER, WAKE_UP, VerifiedCertificate(HOLDER.certificate, role, purpose, "Verwalter"))


def test_what_cannot_stand_in_a_wake_up_is_not_signed() -> None:
    with pytest.raises(WakeUpError):
        sign_wake_up(DeviceId(GATEWAY), NOW, b"short", HOLDER.key)
    with pytest.raises(WakeUpError):
        sign_wake_up(DeviceId(GATEWAY), NOW.replace(tzinfo=None), NONCE, HOLDER.key)
