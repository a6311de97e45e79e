import pytest

from pki.cms.identifiers import (
    ATTRIBUTE_CONTENT_TYPE,
    ATTRIBUTE_MESSAGE_DIGEST,
    ATTRIBUTE_SIGNING_TIME,
    ECDSA_SHA256_ALGORITHM,
    ID_DATA,
    ID_SIGNED_DATA,
    SHA256_ALGORITHM,
)
from pki.cms.signed import Attributes, SignedData
from pki.der import OCTET_STRING, SEQUENCE, SET, UTC_TIME, encode, encode_integer, encode_object_identifier
from pki.errors import SealError, SealReason
from tests.pki.cms.extended import NULL, extended

SIGNER = encode(SEQUENCE, encode(SEQUENCE), encode_integer(5))
SHA1 = encode(SEQUENCE, encode_object_identifier("1.3.14.3.2.26"))
SHA256_WITH_NULL = encode(SEQUENCE, encode_object_identifier("2.16.840.1.101.3.4.2.1"), b"\x05\x00")

CONTENT_TYPE = encode(SEQUENCE, ATTRIBUTE_CONTENT_TYPE, encode(SET, ID_DATA))
MESSAGE_DIGEST = encode(SEQUENCE, ATTRIBUTE_MESSAGE_DIGEST, encode(SET, encode(OCTET_STRING, bytes(32))))


def signing_time(text: bytes, tag: int = UTC_TIME) -> bytes:
    return encode(SEQUENCE, ATTRIBUTE_SIGNING_TIME, encode(SET, encode(tag, text)))


def signer_info(
    *,
    version: int = 1,
    signer: bytes = SIGNER,
    digest: bytes = SHA256_ALGORITHM,
    attributes: bytes = CONTENT_TYPE + MESSAGE_DIGEST,
    algorithm: bytes = ECDSA_SHA256_ALGORITHM,
    tail: bytes = b"",
) -> bytes:
    return encode(
        SEQUENCE,
        encode_integer(version),
        signer,
        digest,
        encode(0xA0, attributes),
        algorithm,
        encode(OCTET_STRING, b"s"),
        tail,
    )


def message(
    *,
    version: int = 1,
    digests: bytes = SHA256_ALGORITHM,
    content: bytes | None = None,
    between: bytes = b"",
    signers: bytes | None = None,
) -> bytes:
    if content is None:
        content = encode(SEQUENCE, ID_DATA, encode(0xA0, encode(OCTET_STRING, b"content")))
    infos = encode(SET, signer_info() if signers is None else signers)
    signed = encode(SEQUENCE, encode_integer(version), encode(SET, digests), content, between, infos)
    return encode(SEQUENCE, ID_SIGNED_DATA, encode(0xA0, signed))


def test_the_plain_form_is_read() -> None:
    signed = SignedData.from_bytes(message())
    assert (signed.content, signed.signature, signed.signer) == (b"content", b"s", SIGNER)
    assert signed.to_bytes() == message()


@pytest.mark.parametrize(
    "time", [signing_time(b"261121014045Z"), signing_time(b"20261121014045Z", 0x18)], ids=["utc", "generalized"]
)
def test_a_signing_time_is_read_and_kept(time: bytes) -> None:
    attributes = b"".join(sorted((CONTENT_TYPE, MESSAGE_DIGEST, time)))
    data = message(signers=signer_info(attributes=attributes))
    signed = SignedData.from_bytes(data)
    assert signed.attributes.signing_time is not None
    assert signed.to_bytes() == data


TWO_VALUES = encode(SEQUENCE, ATTRIBUTE_CONTENT_TYPE, encode(SET, ID_DATA * 2))

MALFORMED = {
    "empty": b"",
    "a number": encode_integer(1),
    "another content type": encode(SEQUENCE, ID_DATA, encode(0xA0, encode(SEQUENCE))),
    "embedded certificates": message(between=encode(0xA0, encode(SEQUENCE))),
    "embedded revocation lists": message(between=encode(0xA1, encode(SEQUENCE))),
    "two signers": message(signers=signer_info() + signer_info(signer=encode(SEQUENCE, b"\x05\x00"))),
    "no signer": message(signers=b""),
    "two digests": message(digests=SHA256_ALGORITHM * 2),
    "no digest": message(digests=b""),
    "no content": message(content=encode(SEQUENCE, ID_DATA)),
    "content in pieces": message(
        content=encode(SEQUENCE, ID_DATA, encode(0xA0, encode(0x24, encode(OCTET_STRING, b"content"))))
    ),
    "version of another form": message(version=3),
    "signer version of another form": message(signers=signer_info(version=3)),
    "unsigned attributes": message(signers=signer_info(tail=encode(0xA1, CONTENT_TYPE))),
    "attribute twice": message(
        signers=signer_info(attributes=CONTENT_TYPE + MESSAGE_DIGEST + MESSAGE_DIGEST.replace(bytes(32), b"\1" * 32))
    ),
    "attribute repeated": message(signers=signer_info(attributes=CONTENT_TYPE * 2 + MESSAGE_DIGEST)),
    "attributes out of order": message(signers=signer_info(attributes=MESSAGE_DIGEST + CONTENT_TYPE)),
    "attribute without a value": message(
        signers=signer_info(attributes=encode(SEQUENCE, ATTRIBUTE_CONTENT_TYPE, encode(SET)) + MESSAGE_DIGEST)
    ),
    "attribute with two values": message(
        signers=signer_info(
            attributes=encode(SEQUENCE, ATTRIBUTE_CONTENT_TYPE, encode(SET, ID_DATA * 2)) + MESSAGE_DIGEST
        )
    ),
    "no message digest": message(signers=signer_info(attributes=CONTENT_TYPE)),
    "no content type": message(signers=signer_info(attributes=MESSAGE_DIGEST)),
    "unknown attribute": message(
        signers=signer_info(
            attributes=encode(SEQUENCE, ID_SIGNED_DATA, encode(SET)) + CONTENT_TYPE + MESSAGE_DIGEST,
        )
    ),
    "signing time without seconds": message(
        signers=signer_info(attributes=CONTENT_TYPE + signing_time(b"2611210140Z") + MESSAGE_DIGEST)
    ),
    "signing time in a zone": message(
        signers=signer_info(attributes=CONTENT_TYPE + signing_time(b"2611210140+01") + MESSAGE_DIGEST)
    ),
    "signing time as text": message(
        signers=signer_info(attributes=CONTENT_TYPE + signing_time(b"261121014045Z", 0x0C) + MESSAGE_DIGEST)
    ),
}


@pytest.mark.parametrize("reason", MALFORMED)
def test_any_other_form_is_malformed(reason: str) -> None:
    with pytest.raises(SealError) as caught:
        SignedData.from_bytes(MALFORMED[reason])
    assert caught.value.reason is SealReason.MALFORMED


def test_nothing_more_fits_in_anywhere() -> None:
    variants = list(extended(message()))
    # The signer's name is compared as a whole where it is used; what stands in it is nobody's business here.
    variants = [data for data in variants if NULL + SIGNER[-3:] not in data and SIGNER[4:] + NULL not in data]
    assert len(variants) > 12
    for data in variants:
        with pytest.raises(SealError):
            SignedData.from_bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        message(digests=SHA1),
        message(digests=SHA256_WITH_NULL),
        message(signers=signer_info(digest=SHA1)),
        message(signers=signer_info(algorithm=SHA256_ALGORITHM)),
    ],
    ids=["sha-1", "parameters", "signer's digest", "signature algorithm"],
)
def test_any_other_algorithm_is_refused(data: bytes) -> None:
    """FCS_COP.1/HASH: SHA-256 and no other."""
    with pytest.raises(SealError) as caught:
        SignedData.from_bytes(data)
    assert caught.value.reason is SealReason.ALGORITHM


def test_attributes_are_written_in_ascending_order() -> None:
    attributes = Attributes(ID_DATA, bytes(32), encode(UTC_TIME, b"261121014045Z"))
    expected = encode(SET, CONTENT_TYPE, signing_time(b"261121014045Z"), MESSAGE_DIGEST)
    assert attributes.to_bytes() == expected


def test_a_signer_named_by_key_identifier_changes_both_versions() -> None:
    data = message(version=3, signers=signer_info(version=3, signer=encode(0x80, bytes(20))))
    assert SignedData.from_bytes(data).to_bytes() == data
