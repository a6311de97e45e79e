"""Sealing content for one recipient, signing documents, and opening both (TR-03116-3 §8, RFC 5652, RFC 5083).

Decides when bytes from a network become content that a named party said: encrypted first, then signed; opened the other
way round, and not one byte is decrypted before the signature of a pinned signer holds. Refuses with one error, whatever
the bytes. It must never look for content inside a message in any other way than through ``open_sealed``.

The cryptography of a message is one ECDSA and one ECDH operation on brainpoolP256r1; the rest is kept small beside it.
PP-0073: FCS_COP.1/CMS, FCO_NRO.2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from pki.certificates import Purpose, VerifiedCertificate
from pki.cms import content_encryption, key_agreement
from pki.cms.enveloped import Envelope
from pki.cms.identifiers import ID_AUTH_ENVELOPED_DATA, ID_DATA, ContentEncryption
from pki.cms.names import names_of
from pki.cms.signed import Attributes, SignedData, digest
from pki.errors import SealError, SealReason
from wire.profiles import KeyAgreement

MAX_MESSAGE_SIZE: Final = 4 * 1024 * 1024
"""Bytes of a sealed message or signed document: four times the largest content document, hashed in milliseconds."""

_ECDSA: Final = ec.ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class Opened:
    """Content, and whose signature held over it."""

    content: bytes
    signer: VerifiedCertificate


def seal(
    content: bytes,
    *,
    recipient: x509.Certificate,
    signer: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    random: Callable[[int], bytes],
    key_agreement: KeyAgreement = KeyAgreement.TR_03111,
) -> bytes:
    """Encrypt ``content`` for the ENC certificate ``recipient``; sign with ``key`` of the SIG certificate ``signer``.

    Both certificates must have been verified by the caller: a TrustStore decides whether they are good now.
    ``random(count)`` gives fresh bytes; content key, nonce and ephemeral key of the message are drawn from it.
    Returns DER. Raises SealError(ALGORITHM) on a key of another curve or one that is not the signer's, and TokenError
    where ``key`` lives in a token that is lost.
    """
    return seal_with(
        ContentEncryption.AES128_GCM,
        content,
        recipient=recipient,
        signer=signer,
        key=key,
        random=random,
        agreement=key_agreement,
    )


def seal_with(
    encryption: ContentEncryption,
    content: bytes,
    *,
    recipient: x509.Certificate,
    signer: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    random: Callable[[int], bytes],
    agreement: KeyAgreement,
) -> bytes:
    """:func:`seal` with either content encryption: what other gateways may send, for testing that it is read."""
    envelope = _envelop(encryption, content, recipient=recipient, random=random, agreement=agreement)
    return _sign(ID_AUTH_ENVELOPED_DATA, envelope.to_bytes(), signer, key)


def envelop(
    content: bytes,
    *,
    recipient: x509.Certificate,
    random: Callable[[int], bytes],
    key_agreement: KeyAgreement = KeyAgreement.TR_03111,
) -> bytes:
    """AuthEnvelopedData in DER that nobody signed: the first half of :func:`seal`, for who must not be known.

    Nothing in it depends on the sender. It is worth nothing by itself; :func:`sign_envelope` is the other half. Raises
    SealError(ALGORITHM).
    """
    return _envelop(
        ContentEncryption.AES128_GCM, content, recipient=recipient, random=random, agreement=key_agreement
    ).to_bytes()


def sign_envelope(
    envelope: bytes, *, recipient: x509.Certificate, signer: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> bytes:
    """Sign another's :func:`envelop` for the party that opens it, without being able to (TR-03109-1, pseudonymous).

    1. It is one AuthEnvelopedData in the DER that we would write, so that no further byte travels in it.
    2. It is for ``recipient``.

    Raises SealError: MALFORMED, ALGORITHM, NOT_FOR_US; TokenError.
    """
    # 1
    read = Envelope.from_bytes(envelope)
    if read.to_bytes() != envelope:
        raise SealError(SealReason.MALFORMED, "an AuthEnvelopedData in another spelling")
    # 2
    if read.recipient not in names_of(recipient).as_recipient():
        raise SealError(SealReason.NOT_FOR_US, "the envelope names another recipient")
    return _sign(ID_AUTH_ENVELOPED_DATA, envelope, signer, key)


def _envelop(
    encryption: ContentEncryption,
    content: bytes,
    *,
    recipient: x509.Certificate,
    random: Callable[[int], bytes],
    agreement: KeyAgreement,
) -> Envelope:
    names = names_of(recipient)
    content_key = random(content_encryption.CONTENT_KEY_SIZES[encryption])
    if encryption is ContentEncryption.AES128_GCM:
        nonce = random(content_encryption.GCM_NONCE_SIZE)
        ciphertext, tag = content_encryption.encrypt_gcm(content, content_key, nonce)
    else:
        nonce = b""
        ciphertext, tag = content_encryption.encrypt_cbc_cmac(content, content_key)
    ephemeral = key_agreement.ephemeral_key(random)
    return Envelope(
        key_agreement=agreement,
        ephemeral_point=key_agreement.encode_point(ephemeral.public_key()),
        recipient=names.issuer_and_serial,
        wrapped_key=key_agreement.wrap(content_key, ephemeral, names.public_key),
        encryption=encryption,
        nonce=nonce,
        ciphertext=ciphertext,
        tag=tag,
    )


def open_sealed(
    sealed: bytes,
    *,
    signers: Sequence[VerifiedCertificate],
    recipient: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
) -> Opened:
    """Verify, then decrypt. ``recipient`` and ``key`` are our ENC certificate and its key, in a token or not.

    To return, all of this must hold:

    1. The message is one SignedData in DER, within MAX_MESSAGE_SIZE, with one signer and nothing that is not signed.
    2. Its content is an AuthEnvelopedData.
    3. The signer that it names is one of ``signers``, and that certificate is for signatures.
    4. The signed attributes state this content type and the digest of this content.
    5. The signature over the attributes holds under the signer's brainpoolP256r1 key, with SHA-256.
    6. The content is one AuthEnvelopedData in DER with one recipient.
    7. That recipient is us.
    8. The content key unwraps with our key and the ephemeral point, which lies on our curve.
    9. The tag over the content holds, and only then is it decrypted (and unpadded).

    The caller MUST still: have verified the signers at this time (their type says that it was done), compare the
    signer's identity with the tunnel's, and refuse replays. Raises SealError; TokenError if the token is lost.
    """
    # 1. to 5. are the same for every signed thing.
    signed, signer = _verify(sealed, ID_AUTH_ENVELOPED_DATA, signers)
    # 6. to 9. are the same for every envelope.
    return Opened(_decrypt(signed.content, recipient, key), signer)


def open_envelope(envelope: bytes, *, recipient: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Decrypt an :func:`envelop` that stands within something whose signature held already (a profile in an order).

    Steps 6 to 9 of :func:`open_sealed`. It says nothing of who wrote the content: the caller MUST know that from what
    is around it. Raises SealError; TokenError if the token is lost.
    """
    if len(envelope) > MAX_MESSAGE_SIZE:
        raise SealError(SealReason.MALFORMED, f"more than {MAX_MESSAGE_SIZE} bytes in one message")
    return _decrypt(envelope, recipient, key)


def _decrypt(encoded: bytes, recipient: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    # 6. One AuthEnvelopedData in DER with one recipient.
    envelope = Envelope.from_bytes(encoded)
    # 7. That recipient is us.
    if envelope.recipient not in names_of(recipient).as_recipient():
        raise SealError(SealReason.NOT_FOR_US, "the message names another recipient")
    # 8. The content key unwraps.
    ephemeral = key_agreement.decode_point(envelope.ephemeral_point)
    content_key = key_agreement.unwrap(envelope.wrapped_key, key, ephemeral)
    # 9. The tag holds; then, and only then, plaintext exists.
    if envelope.encryption is ContentEncryption.AES128_GCM:
        return content_encryption.decrypt_gcm(envelope.ciphertext, envelope.tag, content_key, envelope.nonce)
    return content_encryption.decrypt_cbc_cmac(envelope.ciphertext, envelope.tag, content_key)


def sign_document(content: bytes, *, signer: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    """SignedData in DER with ``content`` inside (profiles): readable by everybody, alterable by nobody.

    Raises SealError(ALGORITHM) on a key of another curve or one that is not the signer's; TokenError.
    """
    return _sign(ID_DATA, content, signer, key)


def open_document(document: bytes, *, signers: Sequence[VerifiedCertificate]) -> Opened:
    """Verify a signed document: steps 1 to 5 of :func:`open_sealed`, with content of type id-data. Raises SealError."""
    signed, signer = _verify(document, ID_DATA, signers)
    return Opened(signed.content, signer)


def _sign(content_type: bytes, content: bytes, signer: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    names = names_of(signer)
    # A token whose certificate was renewed without its key would otherwise produce messages that nobody can open.
    if key.public_key() != names.public_key:
        raise SealError(SealReason.ALGORITHM, "the key is not the one in the signer's certificate")
    attributes = Attributes(content_type, digest(content))
    signature = key.sign(attributes.to_bytes(), _ECDSA)
    message = SignedData(content_type, content, names.issuer_and_serial, attributes, signature).to_bytes()
    if len(message) > MAX_MESSAGE_SIZE:
        raise SealError(SealReason.MALFORMED, f"more than {MAX_MESSAGE_SIZE} bytes in one message")
    return message


def _verify(
    message: bytes, content_type: bytes, signers: Sequence[VerifiedCertificate]
) -> tuple[SignedData, VerifiedCertificate]:
    # 1. Bounded, DER, one signer, nothing unsigned.
    if len(message) > MAX_MESSAGE_SIZE:
        raise SealError(SealReason.MALFORMED, f"more than {MAX_MESSAGE_SIZE} bytes in one message")
    signed = SignedData.from_bytes(message)
    # 2. The content is of the type that belongs here.
    if signed.content_type != content_type:
        raise SealError(SealReason.MALFORMED, "the signed content is of another type")
    # 3. The named signer is one of those that the caller believes, and may sign.
    signer = _named_signer(signed.signer, signers)
    # 4. The attributes are about this content.
    if signed.attributes.content_type != content_type or signed.attributes.message_digest != digest(signed.content):
        raise SealError(SealReason.SIGNATURE, "the signed attributes do not belong to this content")
    # 5. The signature over the attributes holds.
    try:
        names_of(signer.certificate).public_key.verify(signed.signature, signed.attributes.to_bytes(), _ECDSA)
    except InvalidSignature as error:
        raise SealError(SealReason.SIGNATURE, "the signature does not hold") from error
    return signed, signer


def _named_signer(identifier: bytes, signers: Sequence[VerifiedCertificate]) -> VerifiedCertificate:
    for candidate in signers:
        if candidate.purpose is Purpose.SIG and identifier in names_of(candidate.certificate).as_signer():
            return candidate
    raise SealError(
        SealReason.UNKNOWN_SIGNER, "the message is signed by none of the certificates that it may be signed by"
    )
