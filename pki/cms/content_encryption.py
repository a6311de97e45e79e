"""The two authenticated encryptions of content (TR-03116-3 §8), and nothing about messages.

Decides key sizes, nonces, padding and the order of checks: a tag is checked before anything is decrypted or unpadded,
so padding is never looked at in bytes that nobody authenticated. The layout of the CBC-CMAC variant stands here alone,
because the TR's text for it was not available (docs/deviations.md).
PP-0073: FCS_COP.1/CMS.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.padding import PKCS7

from pki.cms.identifiers import ContentEncryption
from pki.errors import SealError, SealReason

GCM_NONCE_SIZE: Final = 12
"""96 bits (TR-03116-3 §8)."""
TAG_SIZE: Final = 16
"""128 bits, for GCM and for CMAC alike (TR-03116-3 §8)."""

CONTENT_KEY_SIZES: Final = {ContentEncryption.AES128_GCM: 16, ContentEncryption.AES128_CBC_CMAC: 32}
"""Octets of key under the key wrap. Unverified: for CBC-CMAC, K_enc (16) then K_mac (16), wrapped as one key."""

_BLOCK_BITS: Final = 128
_ZERO_IV: Final = bytes(16)
"""TR-03116-3 §8. Safe because a content key encrypts one message only."""


def encrypt_gcm(content: bytes, key: bytes, nonce: bytes) -> tuple[bytes, bytes]:
    """AES-128-GCM without associated data: (ciphertext, tag of 16 bytes)."""
    sealed = AESGCM(key).encrypt(nonce, content, None)
    return sealed[:-TAG_SIZE], sealed[-TAG_SIZE:]


def decrypt_gcm(ciphertext: bytes, tag: bytes, key: bytes, nonce: bytes) -> bytes:
    """Check the tag and decrypt. Raises SealError(DECRYPTION)."""
    try:
        return AESGCM(key).decrypt(nonce, ciphertext + tag, None)
    except InvalidTag as error:
        raise SealError(SealReason.DECRYPTION, "the content does not match its tag") from error


def encrypt_cbc_cmac(content: bytes, key: bytes) -> tuple[bytes, bytes]:
    """AES-128-CBC with padding of RFC 5652 §6.3, then CMAC over the ciphertext: (ciphertext, tag of 16 bytes)."""
    padder = PKCS7(_BLOCK_BITS).padder()
    encryptor = Cipher(algorithms.AES(key[:16]), modes.CBC(_ZERO_IV)).encryptor()
    ciphertext = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    return ciphertext, _cmac(key[16:], ciphertext).finalize()


def decrypt_cbc_cmac(ciphertext: bytes, tag: bytes, key: bytes) -> bytes:
    """Check the tag, then decrypt, then take the padding off. Raises SealError(DECRYPTION)."""
    try:
        _cmac(key[16:], ciphertext).verify(tag)
    except InvalidSignature as error:
        raise SealError(SealReason.DECRYPTION, "the content does not match its tag") from error
    try:
        decryptor = Cipher(algorithms.AES(key[:16]), modes.CBC(_ZERO_IV)).decryptor()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise SealError(SealReason.DECRYPTION, "the authenticated content is not padded as RFC 5652 has it") from error


def _cmac(key: bytes, ciphertext: bytes) -> CMAC:
    calculation = CMAC(algorithms.AES(key))
    calculation.update(ciphertext)
    return calculation
