import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.cms.enveloped import Envelope
from pki.cms.identifiers import (
    AES128_WRAP_ALGORITHM,
    ID_AUTH_ENVELOPED_DATA,
    KEY_AGREEMENT_ALGORITHMS,
    ContentEncryption,
)
from pki.der import BIT_STRING, OCTET_STRING, SEQUENCE, SET, Reader, encode, encode_integer, encode_object_identifier
from pki.errors import SealError, SealReason
from tests.pki.cms.extended import NULL, extended
from wire.profiles import KeyAgreement

RECIPIENT = encode(SEQUENCE, encode(SEQUENCE), encode_integer(1))
ENVELOPE = Envelope(
    key_agreement=KeyAgreement.TR_03111,
    ephemeral_point=b"\x04" + bytes(64),
    recipient=RECIPIENT,
    wrapped_key=bytes(24),
    encryption=ContentEncryption.AES128_GCM,
    nonce=bytes(12),
    ciphertext=b"ciphertext",
    tag=bytes(16),
)
PLAIN = ENVELOPE.to_bytes()
BRAINPOOL_P384R1 = encode_object_identifier("1.3.36.3.3.2.8.1.1.11")


def replace(old: bytes, new: bytes) -> bytes:
    """``PLAIN`` with one element exchanged and every length around it put right."""
    assert PLAIN.count(old) == 1
    return _rebuild(PLAIN, old, new)


def _rebuild(data: bytes, old: bytes, new: bytes) -> bytes:
    if data == old:
        return new
    header = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    content = data[header:]
    if not data[0] & 0x20:
        return data
    parts = []
    while content:
        size = _size(content)
        parts.append(_rebuild(content[:size], old, new))
        content = content[size:]
    return encode(data[0], *parts)


def _size(data: bytes) -> int:
    octets = data[1] & 0x7F if data[1] >= 0x80 else 0
    length = int.from_bytes(data[2 : 2 + octets], "big") if octets else data[1]
    return 2 + octets + length


@given(
    st.sampled_from(KeyAgreement),
    st.binary(min_size=1, max_size=70),
    st.sampled_from(ContentEncryption),
    st.binary(max_size=300),
    st.tuples(st.booleans(), st.booleans()),
)
def test_law_written_fields_are_read_again(
    agreement: KeyAgreement,
    point: bytes,
    encryption: ContentEncryption,
    ciphertext: bytes,
    forms: tuple[bool, bool],
) -> None:
    names_curve, by_key = forms
    gcm = encryption is ContentEncryption.AES128_GCM
    envelope = Envelope(
        key_agreement=agreement,
        ephemeral_point=point,
        recipient=encode(0xA0, encode(OCTET_STRING, bytes(20))) if by_key else RECIPIENT,
        wrapped_key=bytes(24 if gcm else 40),
        encryption=encryption,
        nonce=bytes(12) if gcm else b"",
        ciphertext=ciphertext,
        tag=bytes(16),
        names_curve=names_curve,
    )
    assert Envelope.from_bytes(envelope.to_bytes()) == envelope


@given(st.binary(max_size=200) | st.integers(0, len(PLAIN)).map(lambda size: PLAIN[:size]))
def test_law_only_its_own_error_escapes(data: bytes) -> None:
    if data != PLAIN:
        with pytest.raises(SealError):
            Envelope.from_bytes(data)


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255))
def test_law_what_is_accepted_encodes_again_to_the_same_bytes(position: int, octet: int) -> None:
    altered = PLAIN[:position] + bytes((octet,)) + PLAIN[position + 1 :]
    try:
        envelope = Envelope.from_bytes(altered)
    except SealError:
        return
    assert envelope.to_bytes() == altered


VERSION = encode_integer(0)
FIELDS = Reader(PLAIN).enter(SEQUENCE)
FIELDS.expect(ID_AUTH_ENVELOPED_DATA)
FIELDS = FIELDS.enter(0xA0).enter(SEQUENCE)
FIELDS.expect(VERSION)
RECIPIENTS = FIELDS.element(SET)
RECIPIENT_INFO = Reader(RECIPIENTS).enter(SET).element(0xA1)
AGREEMENT = encode(SEQUENCE, KEY_AGREEMENT_ALGORITHMS[KeyAgreement.TR_03111], AES128_WRAP_ALGORITHM)
KEY_ALGORITHM = encode(SEQUENCE, encode_object_identifier("1.2.840.10045.2.1"))
POINT = encode(BIT_STRING, b"\0", ENVELOPE.ephemeral_point)
PARAMETERS = encode(SEQUENCE, encode(OCTET_STRING, bytes(12)), encode_integer(16))
TAG = encode(OCTET_STRING, bytes(16))
WRAPPED = encode(OCTET_STRING, bytes(24))
CIPHERTEXT = encode(0x80, b"ciphertext")

MALFORMED = {
    "another version": replace(VERSION, encode_integer(2)),
    "originator information": replace(VERSION, VERSION + encode(0xA0)),
    "two recipients": replace(RECIPIENTS, encode(SET, RECIPIENT_INFO * 2)),
    "no recipient": replace(RECIPIENTS, encode(SET)),
    "recipient with key transport": replace(RECIPIENTS, encode(SET, encode(SEQUENCE, encode_integer(0)))),
    "user keying material": replace(AGREEMENT, encode(0xA1, encode(OCTET_STRING, b"salt")) + AGREEMENT),
    "two encrypted keys": replace(
        encode(SEQUENCE, encode(SEQUENCE, RECIPIENT, WRAPPED)),
        encode(SEQUENCE, encode(SEQUENCE, RECIPIENT, WRAPPED) * 2),
    ),
    "originator by certificate": replace(encode(0xA1, KEY_ALGORITHM, POINT), RECIPIENT),
    "unused bits in the point": replace(POINT, encode(BIT_STRING, b"\1", ENVELOPE.ephemeral_point)),
    "authenticated attributes": replace(TAG, encode(0xA1, encode(SEQUENCE)) + TAG),
    "unauthenticated attributes": replace(TAG, TAG + encode(0xA2, encode(SEQUENCE))),
    "short tag": replace(TAG, encode(OCTET_STRING, bytes(12))),
    "short wrapped key": replace(WRAPPED, encode(OCTET_STRING, bytes(16))),
    "long wrapped key": replace(WRAPPED, encode(OCTET_STRING, bytes(40))),
    "ciphertext in pieces": replace(CIPHERTEXT, encode(0xA0, encode(OCTET_STRING, b"ciphertext"))),
    "no ciphertext": replace(CIPHERTEXT, b""),
}
ALGORITHM = {
    "key of another curve": replace(
        KEY_ALGORITHM, encode(SEQUENCE, encode_object_identifier("1.2.840.10045.2.1"), BRAINPOOL_P384R1)
    ),
    "key agreement with SHA-1": replace(
        AGREEMENT,
        encode(SEQUENCE, encode_object_identifier("1.3.133.16.840.63.0.2"), encode(SEQUENCE, encode_integer(1))),
    ),
    "GCM with a short tag": replace(PARAMETERS, encode(SEQUENCE, encode(OCTET_STRING, bytes(12)), encode_integer(12))),
    "GCM with the default tag": replace(PARAMETERS, encode(SEQUENCE, encode(OCTET_STRING, bytes(12)))),
    "GCM with a long nonce": replace(PARAMETERS, encode(SEQUENCE, encode(OCTET_STRING, bytes(16)), encode_integer(16))),
    "AES-256-GCM": PLAIN.replace(bytes.fromhex("0609608648016503040106"), bytes.fromhex("060960864801650304012e")),
    "AES-256 key wrap": PLAIN.replace(bytes.fromhex("0609608648016503040105"), bytes.fromhex("060960864801650304012d")),
}


@pytest.mark.parametrize("why", MALFORMED)
def test_any_other_form_is_malformed(why: str) -> None:
    with pytest.raises(SealError) as caught:
        Envelope.from_bytes(MALFORMED[why])
    assert caught.value.reason is SealReason.MALFORMED


@pytest.mark.parametrize("encryption", ContentEncryption)
def test_nothing_more_fits_in_anywhere(encryption: ContentEncryption) -> None:
    gcm = encryption is ContentEncryption.AES128_GCM
    envelope = dataclasses.replace(
        ENVELOPE,
        encryption=encryption,
        nonce=bytes(12) if gcm else b"",
        wrapped_key=bytes(24 if gcm else 40),
        # A name by key identifier: unlike an issuer's, nothing in it is left to the comparison.
        recipient=encode(0xA0),
    )
    variants = list(extended(envelope.to_bytes()))
    # The recipient's name is compared as a whole where it is used.
    variants = [data for data in variants if encode(0xA0, NULL) not in data]
    assert len(variants) > 12
    for data in variants:
        with pytest.raises(SealError):
            Envelope.from_bytes(data)
    for tail in (b"\0", NULL, envelope.to_bytes()):
        with pytest.raises(SealError):
            Envelope.from_bytes(envelope.to_bytes() + tail)


@pytest.mark.parametrize("why", ALGORITHM)
def test_any_other_algorithm_is_refused(why: str) -> None:
    with pytest.raises(SealError) as caught:
        Envelope.from_bytes(ALGORITHM[why])
    assert caught.value.reason is SealReason.ALGORITHM


def test_a_named_curve_is_read_and_kept() -> None:
    named = dataclasses.replace(ENVELOPE, names_curve=True)
    assert Envelope.from_bytes(named.to_bytes()) == named
