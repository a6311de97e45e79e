"""AuthEnvelopedData with one key-agreement recipient: fields <-> bytes (RFC 5083, RFC 5753, TR-03116-3 §8).

Decides which of the many forms that CMS allows is ours: version 0, no originator information, one recipient by
ephemeral-static key agreement without user keying material, content of type id-data, no attributes on either side.
Anything else is refused. Decrypts nothing: see ``pki.cms.sealing``.
"""

from dataclasses import dataclass
from typing import Final, Self

from pki.cms.content_encryption import CONTENT_KEY_SIZES, GCM_NONCE_SIZE, TAG_SIZE
from pki.cms.identifiers import (
    AES128_GCM,
    AES128_WRAP_ALGORITHM,
    AES_CBC_CMAC_128,
    BRAINPOOL_P256R1,
    EC_PUBLIC_KEY,
    ID_AUTH_ENVELOPED_DATA,
    ID_DATA,
    KEY_AGREEMENT_ALGORITHMS,
    ContentEncryption,
    version,
)
from pki.der import BIT_STRING, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, DerError, Reader, encode
from pki.errors import SealError, SealReason
from wire.profiles import KeyAgreement

_VERSION: Final = version(0)
_RECIPIENT_VERSION: Final = version(3)
_CONTEXT_0: Final = 0xA0
_CONTEXT_1: Final = 0xA1
_IMPLICIT_0: Final = 0x80
_KEY_WRAP_OVERHEAD: Final = 8

_KEY_ALGORITHM: Final = encode(SEQUENCE, EC_PUBLIC_KEY)
_KEY_ALGORITHM_WITH_CURVE: Final = encode(SEQUENCE, EC_PUBLIC_KEY, BRAINPOOL_P256R1)
_KEY_AGREEMENT_FIELDS: Final = {
    name: encode(SEQUENCE, identifier, AES128_WRAP_ALGORITHM) for name, identifier in KEY_AGREEMENT_ALGORITHMS.items()
}
# RFC 5084 §3.2: the tag's length is 12 unless it is written; TR-03116-3 §8 wants 16.
_GCM_TAG_LENGTH: Final = encode(INTEGER, bytes((TAG_SIZE,)))
# Unverified: whether the TR gives id-aes-CBC-CMAC-128 any parameters. None are written or read.
_CBC_CMAC_ALGORITHM: Final = encode(SEQUENCE, AES_CBC_CMAC_128)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields of one AuthEnvelopedData.

    ``ephemeral_point`` is the originator's public key as it stands in the message; ``recipient`` an encoded
    KeyAgreeRecipientIdentifier; ``nonce`` is empty for CBC-CMAC. ``names_curve`` tells whether the originator's key
    carries the name of its curve, which RFC 5753 §3.1.1 leaves open.
    """

    key_agreement: KeyAgreement
    ephemeral_point: bytes
    recipient: bytes
    wrapped_key: bytes
    encryption: ContentEncryption
    nonce: bytes
    ciphertext: bytes
    tag: bytes
    names_curve: bool = False

    def to_bytes(self) -> bytes:
        """The ContentInfo, in DER."""
        recipient = encode(
            _CONTEXT_1,
            _RECIPIENT_VERSION,
            encode(
                _CONTEXT_0,
                encode(
                    _CONTEXT_1,
                    _KEY_ALGORITHM_WITH_CURVE if self.names_curve else _KEY_ALGORITHM,
                    encode(BIT_STRING, b"\0", self.ephemeral_point),
                ),
            ),
            _KEY_AGREEMENT_FIELDS[self.key_agreement],
            encode(SEQUENCE, encode(SEQUENCE, self.recipient, encode(OCTET_STRING, self.wrapped_key))),
        )
        if self.encryption is ContentEncryption.AES128_GCM:
            parameters = encode(SEQUENCE, encode(OCTET_STRING, self.nonce), _GCM_TAG_LENGTH)
            algorithm = encode(SEQUENCE, AES128_GCM, parameters)
        else:
            algorithm = _CBC_CMAC_ALGORITHM
        content = encode(SEQUENCE, ID_DATA, algorithm, encode(_IMPLICIT_0, self.ciphertext))
        tag = encode(OCTET_STRING, self.tag)
        enveloped = encode(SEQUENCE, _VERSION, encode(SET, recipient), content, tag)
        return encode(SEQUENCE, ID_AUTH_ENVELOPED_DATA, encode(_CONTEXT_0, enveloped))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a ContentInfo. Raises SealError(MALFORMED or ALGORITHM)."""
        try:
            return cls._read(data)
        except DerError as error:
            raise SealError(SealReason.MALFORMED, f"not an AuthEnvelopedData: {error}") from error

    @classmethod
    def _read(cls, data: bytes) -> Self:
        whole = Reader(data)
        outer = whole.enter(SEQUENCE)
        whole.finish()
        outer.expect(ID_AUTH_ENVELOPED_DATA)
        explicit = outer.enter(_CONTEXT_0)
        outer.finish()
        fields = explicit.enter(SEQUENCE)
        explicit.finish()
        fields.expect(_VERSION)
        recipients = fields.enter(SET)
        content = fields.enter(SEQUENCE)
        tag = fields.take(OCTET_STRING)
        fields.finish()

        recipient = recipients.enter(_CONTEXT_1)
        recipients.finish()  # One recipient: who else could read a message is never the sender's secret.
        recipient.expect(_RECIPIENT_VERSION)
        originator = recipient.enter(_CONTEXT_0)
        algorithm = recipient.element(SEQUENCE)
        keys = recipient.enter(SEQUENCE)
        recipient.finish()
        originator_key = originator.enter(_CONTEXT_1)
        originator.finish()
        names_curve = _read_key_algorithm(originator_key)
        point = originator_key.bit_string_octets()
        originator_key.finish()
        key = keys.enter(SEQUENCE)
        keys.finish()
        identifier = key.element(_CONTEXT_0 if key.next_tag() == _CONTEXT_0 else SEQUENCE)
        wrapped = key.take(OCTET_STRING)
        key.finish()

        content.expect(ID_DATA)
        encryption, nonce = _read_content_algorithm(content.enter(SEQUENCE))
        ciphertext = content.take(_IMPLICIT_0)
        content.finish()
        if len(tag) != TAG_SIZE or len(wrapped) != CONTENT_KEY_SIZES[encryption] + _KEY_WRAP_OVERHEAD:
            raise DerError("a tag or a wrapped key has the wrong size")
        agreement = _read_key_agreement(algorithm)
        return cls(agreement, point, identifier, wrapped, encryption, nonce, ciphertext, tag, names_curve)


def _read_key_algorithm(originator_key: Reader) -> bool:
    if originator_key.skip(_KEY_ALGORITHM):
        return False
    if originator_key.skip(_KEY_ALGORITHM_WITH_CURVE):
        return True
    raise SealError(SealReason.ALGORITHM, "the ephemeral key is not on brainpoolP256r1")


def _read_key_agreement(algorithm: bytes) -> KeyAgreement:
    for name, field in _KEY_AGREEMENT_FIELDS.items():
        if algorithm == field:
            return name
    raise SealError(SealReason.ALGORITHM, "neither key-agreement algorithm that is read, or not with AES-128 key wrap")


def _read_content_algorithm(algorithm: Reader) -> tuple[ContentEncryption, bytes]:
    if algorithm.skip(AES128_GCM):
        parameters = algorithm.enter(SEQUENCE)
        algorithm.finish()
        nonce = parameters.take(OCTET_STRING)
        if len(nonce) != GCM_NONCE_SIZE or not parameters.skip(_GCM_TAG_LENGTH):
            raise SealError(SealReason.ALGORITHM, "AES-GCM is read with a 96-bit nonce and a 128-bit tag only")
        parameters.finish()
        return ContentEncryption.AES128_GCM, nonce
    if algorithm.skip(AES_CBC_CMAC_128):
        algorithm.finish()
        return ContentEncryption.AES128_CBC_CMAC, b""
    algorithm.element(OBJECT_IDENTIFIER)
    raise SealError(SealReason.ALGORITHM, "neither content encryption that is read")
