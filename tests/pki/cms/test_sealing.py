import dataclasses
import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from pki.certificates import Purpose, Role, VerifiedCertificate
from pki.cms import (
    ContentEncryption,
    KeyAgreement,
    Opened,
    envelop,
    open_document,
    open_envelope,
    open_sealed,
    seal,
    sign_document,
    sign_envelope,
)
from pki.cms.enveloped import Envelope
from pki.cms.identifiers import ID_AUTH_ENVELOPED_DATA, ID_DATA
from pki.cms.names import names_of
from pki.cms.sealing import MAX_MESSAGE_SIZE
from pki.cms.signed import Attributes, SignedData, digest
from pki.der import encode_integer
from pki.errors import SealError, SealReason
from testbed.small_pki import Holder
from tests.pki.cms.parties import CONTENT, Parties, parties, stranger

WORLD: Parties = parties()
SEALED = WORLD.seal()
_ECDSA = ec.ECDSA(SHA256())


def refused(reason: SealReason, action: Callable[[], object]) -> None:
    with pytest.raises(SealError) as caught:
        action()
    assert caught.value.reason is reason


def resigned(content: bytes, *, content_type: bytes = ID_AUTH_ENVELOPED_DATA) -> bytes:
    """What the true signer would have signed, had it been other content."""
    attributes = Attributes(content_type, digest(content))
    signature = WORLD.signer.key.sign(attributes.to_bytes(), _ECDSA)
    signer = names_of(WORLD.signer.certificate).issuer_and_serial
    return SignedData(content_type, content, signer, attributes, signature).to_bytes()


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 2000, 70_000])
@pytest.mark.parametrize("encryption", ContentEncryption)
@pytest.mark.parametrize("agreement", KeyAgreement)
def test_what_was_sealed_opens(size: int, encryption: ContentEncryption, agreement: KeyAgreement) -> None:
    """FCS_COP.1/CMS: for its recipient."""
    content = random.Random(size).randbytes(size)
    opened = WORLD.open(WORLD.seal(content, encryption=encryption, agreement=agreement))
    assert opened == Opened(content, WORLD.verified)


def test_the_public_door_writes_gcm_and_the_key_agreement_of_the_tr() -> None:
    sealed = seal(
        CONTENT,
        recipient=WORLD.recipient.certificate,
        signer=WORLD.signer.certificate,
        key=WORLD.signer.key,
        random=random.Random(1).randbytes,
    )
    envelope = Envelope.from_bytes(SignedData.from_bytes(sealed).content)
    assert envelope.encryption is ContentEncryption.AES128_GCM
    assert envelope.key_agreement is KeyAgreement.TR_03111
    assert bytes.fromhex("060B0400 7F000701 01050101 03".replace(" ", "")) in sealed
    assert WORLD.open(sealed).content == CONTENT


def test_accepted_bytes_encode_again_to_the_same_bytes() -> None:
    for encryption in ContentEncryption:
        sealed = WORLD.seal(encryption=encryption)
        signed = SignedData.from_bytes(sealed)
        assert signed.to_bytes() == sealed
        assert Envelope.from_bytes(signed.content).to_bytes() == signed.content


def test_every_message_has_keys_of_its_own() -> None:
    """FCS_CKM.1/CMS: keys of one message open no other."""
    envelopes = [Envelope.from_bytes(SignedData.from_bytes(WORLD.seal(seed=seed)).content) for seed in range(8)]
    for field in ("ephemeral_point", "wrapped_key", "nonce", "ciphertext", "tag"):
        assert len({getattr(envelope, field) for envelope in envelopes}) == len(envelopes)


@pytest.mark.parametrize("mask", [0x01, 0x80])
def test_altered_at_any_byte_it_does_not_open(mask: int) -> None:
    """FCS_COP.1/CMS: any alteration is noticed."""
    for position in range(len(SEALED)):
        altered = bytearray(SEALED)
        altered[position] ^= mask
        with pytest.raises(SealError):
            WORLD.open(bytes(altered))


@pytest.mark.parametrize("encryption", ContentEncryption)
def test_altered_inside_and_signed_again_it_does_not_open(encryption: ContentEncryption) -> None:
    """A signature does not make up for a broken envelope: what a faulty gateway could send."""
    envelope = SignedData.from_bytes(WORLD.seal(encryption=encryption)).content
    for position in range(len(envelope)):
        altered = bytearray(envelope)
        altered[position] ^= 0x01
        with pytest.raises(SealError):
            WORLD.open(resigned(bytes(altered)))


def test_cut_off_anywhere_it_does_not_open() -> None:
    for size in range(len(SEALED)):
        refused(SealReason.MALFORMED, lambda size=size: WORLD.open(SEALED[:size]))  # type: ignore[misc]


@pytest.mark.parametrize("tail", [b"\0", b"\0\0", SEALED, b"<?xml?>"])
def test_followed_by_anything_it_does_not_open(tail: bytes) -> None:
    refused(SealReason.MALFORMED, lambda: WORLD.open(SEALED + tail))


@given(st.binary(max_size=400))
def test_law_only_its_own_error_escapes_from_noise(data: bytes) -> None:
    with pytest.raises(SealError):
        WORLD.open(data)
    with pytest.raises(SealError):
        open_document(data, signers=[WORLD.verified])


@given(st.data())
def test_law_a_spliced_message_never_opens(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SEALED)))
    end = data.draw(st.integers(start, len(SEALED)))
    spliced = SEALED[:start] + data.draw(st.binary(max_size=40)) + SEALED[end:]
    if spliced != SEALED:
        with pytest.raises(SealError):
            WORLD.open(spliced)


def test_too_large_a_message_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    refused(SealReason.MALFORMED, lambda: sign(bytes(MAX_MESSAGE_SIZE)))
    document = sign(b"")
    monkeypatch.setattr("pki.cms.sealing.MAX_MESSAGE_SIZE", len(document) - 1)
    refused(SealReason.MALFORMED, lambda: open_document(document, signers=[WORLD.verified]))


def test_sealed_for_somebody_else() -> None:
    """FCS_COP.1/CMS, FDP_IFF.1/MTR: for its recipient only."""
    other = stranger(Role.EMT, Purpose.ENC)
    refused(SealReason.NOT_FOR_US, lambda: WORLD.open(WORLD.seal(recipient=other)))


def test_our_name_on_a_message_for_another_key() -> None:
    envelope = Envelope.from_bytes(SignedData.from_bytes(WORLD.seal(recipient=stranger(Role.EMT, Purpose.ENC))).content)
    ours = names_of(WORLD.recipient.certificate).issuer_and_serial
    forged = dataclasses.replace(envelope, recipient=ours).to_bytes()
    refused(SealReason.DECRYPTION, lambda: WORLD.open(resigned(forged)))


def test_signed_by_another_gateway() -> None:
    refused(SealReason.UNKNOWN_SIGNER, lambda: WORLD.open(WORLD.seal(signer=stranger())))


def test_nobody_may_sign_where_no_signer_is_given() -> None:
    refused(
        SealReason.UNKNOWN_SIGNER,
        lambda: open_sealed(SEALED, signers=[], recipient=WORLD.recipient.certificate, key=WORLD.recipient.key),
    )


def test_another_key_under_the_signers_name() -> None:
    signed = SignedData.from_bytes(SEALED)
    signature = stranger().key.sign(signed.attributes.to_bytes(), _ECDSA)
    forged = SignedData(signed.content_type, signed.content, signed.signer, signed.attributes, signature)
    refused(SealReason.SIGNATURE, lambda: WORLD.open(forged.to_bytes()))


@pytest.mark.parametrize("purpose", [Purpose.ENC, Purpose.TLS])
def test_a_certificate_for_something_else_signs_nothing(purpose: Purpose) -> None:
    holder: Holder = stranger(Role.SMGW, purpose)
    verified = VerifiedCertificate(holder.certificate, Role.SMGW, purpose, "EABC0099999999")
    sealed = WORLD.seal(signer=holder)
    refused(
        SealReason.UNKNOWN_SIGNER,
        lambda: open_sealed(sealed, signers=[verified], recipient=WORLD.recipient.certificate, key=WORLD.recipient.key),
    )


def test_the_right_one_of_several_signers_is_returned() -> None:
    other = WORLD.pki.verified(stranger(), Role.SMGW, Purpose.SIG)
    opened = open_sealed(
        SEALED,
        signers=[other, WORLD.verified],
        recipient=WORLD.recipient.certificate,
        key=WORLD.recipient.key,
    )
    assert opened.signer is WORLD.verified


def test_attributes_of_another_message_do_not_carry_this_one() -> None:
    signed, other = SignedData.from_bytes(SEALED), SignedData.from_bytes(WORLD.seal(b"other"))
    swapped = SignedData(signed.content_type, other.content, signed.signer, signed.attributes, signed.signature)
    refused(SealReason.SIGNATURE, lambda: WORLD.open(swapped.to_bytes()))


def test_attributes_that_state_another_type_are_refused() -> None:
    signed = SignedData.from_bytes(SEALED)
    attributes = Attributes(ID_DATA, digest(signed.content))
    signature = WORLD.signer.key.sign(attributes.to_bytes(), _ECDSA)
    forged = SignedData(signed.content_type, signed.content, signed.signer, attributes, signature)
    refused(SealReason.SIGNATURE, lambda: WORLD.open(forged.to_bytes()))


def test_a_signed_document_is_no_sealed_message_and_the_other_way_round() -> None:
    refused(SealReason.MALFORMED, lambda: WORLD.open(sign(CONTENT)))
    refused(SealReason.MALFORMED, lambda: open_document(SEALED, signers=[WORLD.verified]))
    refused(SealReason.MALFORMED, lambda: WORLD.open(resigned(b"<content/>")))


def test_a_signature_in_other_than_der_is_refused() -> None:
    signed = SignedData.from_bytes(SEALED)
    r, s = decode_dss_signature(signed.signature)
    length = len(encode_integer(r) + encode_integer(s))
    longer = b"\x30\x81" + bytes((length,)) + encode_integer(r) + encode_integer(s)
    forged = SignedData(signed.content_type, signed.content, signed.signer, signed.attributes, longer)
    refused(SealReason.SIGNATURE, lambda: WORLD.open(forged.to_bytes()))


def test_a_key_that_is_not_the_certificates_seals_nothing() -> None:
    refused(SealReason.ALGORITHM, lambda: WORLD.seal(key=stranger().key))


def sign(content: bytes) -> bytes:
    return sign_document(content, signer=WORLD.signer.certificate, key=WORLD.signer.key)


@given(st.binary(max_size=300))
def test_a_document_opens_to_what_was_signed(content: bytes) -> None:
    document = sign(content)
    assert open_document(document, signers=[WORLD.verified]) == Opened(content, WORLD.verified)
    assert SignedData.from_bytes(document).to_bytes() == document


def test_a_document_altered_at_any_byte_does_not_open() -> None:
    document = sign(b'{"kind":"meter"}')
    for position in range(len(document)):
        altered = bytearray(document)
        altered[position] ^= 0x20
        with pytest.raises(SealError):
            open_document(bytes(altered), signers=[WORLD.verified])


def enveloped(content: bytes = CONTENT) -> bytes:
    return envelop(content, recipient=WORLD.recipient.certificate, random=random.Random(1).randbytes)


def test_an_envelope_that_another_signs_opens_for_its_recipient() -> None:
    administrator = stranger(Role.GWA)
    sealed = sign_envelope(
        enveloped(), recipient=WORLD.recipient.certificate, signer=administrator.certificate, key=administrator.key
    )
    believed = WORLD.pki.verified(administrator, Role.GWA, Purpose.SIG)
    opened = open_sealed(sealed, signers=[believed], recipient=WORLD.recipient.certificate, key=WORLD.recipient.key)
    assert opened == Opened(CONTENT, believed)
    refused(SealReason.UNKNOWN_SIGNER, lambda: WORLD.open(sealed))


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [
        (enveloped() + b"\0", SealReason.MALFORMED),
        (SEALED, SealReason.MALFORMED),
        (b"", SealReason.MALFORMED),
    ],
)
def test_only_an_envelope_is_signed_for_another(envelope: bytes, reason: SealReason) -> None:
    signer = WORLD.signer
    refused(
        reason,
        lambda: sign_envelope(
            envelope, recipient=WORLD.recipient.certificate, signer=signer.certificate, key=signer.key
        ),
    )


def test_an_envelope_for_somebody_else_is_not_signed() -> None:
    other, signer = stranger(Role.EMT, Purpose.ENC), WORLD.signer
    refused(
        SealReason.NOT_FOR_US,
        lambda: sign_envelope(enveloped(), recipient=other.certificate, signer=signer.certificate, key=signer.key),
    )


def test_an_envelope_within_something_signed_opens_for_its_recipient_alone() -> None:
    ours, other = WORLD.recipient, stranger(Role.SMGW, Purpose.ENC)
    assert open_envelope(enveloped(), recipient=ours.certificate, key=ours.key) == CONTENT
    refused(SealReason.NOT_FOR_US, lambda: open_envelope(enveloped(), recipient=other.certificate, key=other.key))
    for altered in (enveloped() + b"\0", SEALED, b"", bytes(MAX_MESSAGE_SIZE + 1)):
        with pytest.raises(SealError) as caught:
            open_envelope(altered, recipient=ours.certificate, key=ours.key)
        assert caught.value.reason is SealReason.MALFORMED


def test_an_envelope_altered_at_any_byte_does_not_open() -> None:
    """Every field is under the tag, or leads to another key; or it is no envelope of ours."""
    data, ours = enveloped(b"secret"), WORLD.recipient
    for place in range(0, len(data), 3):
        altered = bytearray(data)
        altered[place] ^= 1
        with pytest.raises(SealError):
            open_envelope(bytes(altered), recipient=ours.certificate, key=ours.key)


@given(st.binary(max_size=80))
def test_law_only_its_own_error_escapes_from_an_envelope_of_noise(data: bytes) -> None:
    with pytest.raises(SealError):
        open_envelope(data, recipient=WORLD.recipient.certificate, key=WORLD.recipient.key)
