"""SignedData with one signer and its content inside: fields <-> bytes (RFC 5652 §5, TR-03116-3 §8).

Decides which form is ours: ECDSA with SHA-256, signed attributes with content type and message digest and, from
others, a signing time; no unsigned attributes and no embedded certificates or revocation lists, because the signer is
pinned and bytes that no signature covers would make a message malleable. Verifies nothing: see ``pki.cms.sealing``.
PP-0073: FCS_COP.1/HASH.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from pki.cms.identifiers import (
    ATTRIBUTE_CONTENT_TYPE,
    ATTRIBUTE_MESSAGE_DIGEST,
    ATTRIBUTE_SIGNING_TIME,
    ECDSA_SHA256_ALGORITHM,
    ID_DATA,
    ID_SIGNED_DATA,
    SHA256_ALGORITHM,
    version,
)
from pki.der import (
    GENERALIZED_TIME,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    UTC_TIME,
    DerError,
    Reader,
    encode,
    encode_set_of,
)
from pki.errors import SealError, SealReason

_EXPLICIT_0: Final = 0xA0
_KEY_IDENTIFIER: Final = 0x80
_TIME_SIZES: Final = {UTC_TIME: 13, GENERALIZED_TIME: 15}
"""YYMMDDhhmmssZ and YYYYMMDDhhmmssZ (RFC 5652 §11.3)."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """Signed attributes: encoded content type, message digest (32 bytes), encoded signing time if one was given.

    A gateway's message carries no signing time: its content says when it was made, under the same signature.
    """

    content_type: bytes
    message_digest: bytes
    signing_time: bytes | None = None

    def to_bytes(self) -> bytes:
        """The SET OF in DER: what the signature covers (RFC 5652 §5.4)."""
        attributes = [
            encode(SEQUENCE, ATTRIBUTE_CONTENT_TYPE, encode(SET, self.content_type)),
            encode(SEQUENCE, ATTRIBUTE_MESSAGE_DIGEST, encode(SET, encode(OCTET_STRING, self.message_digest))),
        ]
        if self.signing_time is not None:
            attributes.append(encode(SEQUENCE, ATTRIBUTE_SIGNING_TIME, encode(SET, self.signing_time)))
        return encode_set_of(*attributes)

    @classmethod
    def read(cls, attributes: Reader) -> Self:
        """Read the content of the set: each type once, nothing unknown, in DER's order. Raises DerError."""
        values: dict[bytes, bytes] = {}
        before = b""
        while attributes.next_tag() is not None:
            encoded = attributes.element(SEQUENCE)
            if encoded <= before:
                raise DerError("the signed attributes are not in ascending order")
            before = encoded
            attribute = Reader(encoded).enter(SEQUENCE)
            kind = attribute.element(OBJECT_IDENTIFIER)
            if kind in values:
                raise DerError("a signed attribute stands twice")
            value_set = attribute.enter(SET)
            attribute.finish()
            values[kind] = _read_value(kind, value_set)
            value_set.finish()
        if ATTRIBUTE_CONTENT_TYPE not in values or ATTRIBUTE_MESSAGE_DIGEST not in values:
            raise DerError("content type or message digest is not among the signed attributes")
        return cls(values[ATTRIBUTE_CONTENT_TYPE], values[ATTRIBUTE_MESSAGE_DIGEST], values.get(ATTRIBUTE_SIGNING_TIME))


@dataclass(frozen=True, slots=True)
class SignedData:
    """One SignedData: encoded content type and signer identifier, content, attributes, signature (DER)."""

    content_type: bytes
    content: bytes
    signer: bytes
    attributes: Attributes
    signature: bytes

    def to_bytes(self) -> bytes:
        """The ContentInfo, in DER."""
        signer_info = encode(
            SEQUENCE,
            _signer_version(self.signer),
            self.signer,
            SHA256_ALGORITHM,
            bytes((_EXPLICIT_0,)) + self.attributes.to_bytes()[1:],
            ECDSA_SHA256_ALGORITHM,
            encode(OCTET_STRING, self.signature),
        )
        signed = encode(
            SEQUENCE,
            _version(self.content_type, self.signer),
            encode(SET, SHA256_ALGORITHM),
            encode(SEQUENCE, self.content_type, encode(_EXPLICIT_0, encode(OCTET_STRING, self.content))),
            encode(SET, signer_info),
        )
        return encode(SEQUENCE, ID_SIGNED_DATA, encode(_EXPLICIT_0, signed))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a ContentInfo. Raises SealError(MALFORMED or ALGORITHM)."""
        try:
            return cls._read(data)
        except DerError as error:
            raise SealError(SealReason.MALFORMED, f"not a SignedData: {error}") from error

    @classmethod
    def _read(cls, data: bytes) -> Self:
        whole = Reader(data)
        outer = whole.enter(SEQUENCE)
        whole.finish()
        outer.expect(ID_SIGNED_DATA)
        explicit = outer.enter(_EXPLICIT_0)
        outer.finish()
        fields = explicit.enter(SEQUENCE)
        explicit.finish()
        stated_version = fields.element(0x02)
        digests = fields.enter(SET)
        encapsulated = fields.enter(SEQUENCE)
        signers = fields.enter(SET)
        fields.finish()

        _expect_algorithm(digests, SHA256_ALGORITHM)
        digests.finish()
        content_type = encapsulated.element(OBJECT_IDENTIFIER)
        wrapper = encapsulated.enter(_EXPLICIT_0)
        encapsulated.finish()
        content = wrapper.take(OCTET_STRING)
        wrapper.finish()

        info = signers.enter(SEQUENCE)
        signers.finish()
        stated_signer_version = info.element(0x02)
        signer = info.element(_KEY_IDENTIFIER if info.next_tag() == _KEY_IDENTIFIER else SEQUENCE)
        _expect_algorithm(info, SHA256_ALGORITHM)
        attributes = Attributes.read(info.enter(_EXPLICIT_0))
        _expect_algorithm(info, ECDSA_SHA256_ALGORITHM)
        signature = info.take(OCTET_STRING)
        info.finish()
        if stated_version != _version(content_type, signer) or stated_signer_version != _signer_version(signer):
            raise DerError("a version does not belong to the form of the message")
        return cls(content_type, content, signer, attributes, signature)


def digest(content: bytes) -> bytes:
    """SHA-256, as the message-digest attribute carries it."""
    return sha256(content).digest()


def _read_value(kind: bytes, values: Reader) -> bytes:
    if kind == ATTRIBUTE_CONTENT_TYPE:
        return values.element(OBJECT_IDENTIFIER)
    if kind == ATTRIBUTE_MESSAGE_DIGEST:
        return values.take(OCTET_STRING)
    if kind == ATTRIBUTE_SIGNING_TIME:
        tag = values.next_tag()
        if tag not in _TIME_SIZES:
            raise DerError("a signing time is not a time")
        element = values.element(tag)
        if len(element) != _TIME_SIZES[tag] + 2 or element[-1:] != b"Z" or not element[2:-1].isdigit():
            raise DerError("a signing time is not in whole seconds of UTC")
        return element
    raise DerError("an unknown signed attribute")


def _expect_algorithm(reader: Reader, algorithm: bytes) -> None:
    if not reader.skip(algorithm):
        reader.element(SEQUENCE)
        raise SealError(SealReason.ALGORITHM, "only ECDSA with SHA-256, without parameters, is read")


def _signer_version(signer: bytes) -> bytes:
    return version(3 if signer[0] == _KEY_IDENTIFIER else 1)


def _version(content_type: bytes, signer: bytes) -> bytes:
    # RFC 5652 §5.1, of its cases those that can occur here.
    return version(1 if content_type == ID_DATA and signer[0] != _KEY_IDENTIFIER else 3)
