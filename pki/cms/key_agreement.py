"""From two elliptic-curve keys to a key-encryption key, and a content key under it.

TR-03116-3 §8, TR-03111 §4.3, RFC 5753 §7. Decides the curve, the form of a public point, the key derivation and
the key wrap. A point that is not on the curve, compressed or at infinity is refused before any secret touches it.
PP-0073: FCS_CKM.1/CMS.
"""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pki.cms.identifiers import AES128_WRAP_ALGORITHM
from pki.der import OCTET_STRING, SEQUENCE, encode
from pki.errors import SealError, SealReason

CURVE: Final = ec.BrainpoolP256R1()
POINT_SIZE: Final = 65
"""0x04, then both coordinates: uncompressed points only (TR-03116-3)."""

_KEY_ENCRYPTION_KEY_SIZE: Final = 16
_SCALAR_RANDOM_SIZE: Final = 40
"""64 bits more than the order has, so that the reduction's bias is below 2^-64 (FIPS 186-5 A.2.1)."""
_ORDER: Final = 0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7
"""Of brainpoolP256r1 (RFC 5639 §3.4)."""

# RFC 5753 §7.2: ECC-CMS-SharedInfo binds the wrap algorithm and the length of its key in bits; no entityUInfo.
_SHARED_INFO: Final = encode(
    SEQUENCE,
    AES128_WRAP_ALGORITHM,
    encode(0xA2, encode(OCTET_STRING, (8 * _KEY_ENCRYPTION_KEY_SIZE).to_bytes(4, "big"))),
)


def ephemeral_key(random: Callable[[int], bytes]) -> ec.EllipticCurvePrivateKey:
    """A key for one message, drawn from ``random``."""
    scalar = int.from_bytes(random(_SCALAR_RANDOM_SIZE), "big") % (_ORDER - 1) + 1
    return ec.derive_private_key(scalar, CURVE)


def encode_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """The 65 bytes of an uncompressed point. Raises SealError(ALGORITHM) on another curve."""
    require_curve(key)
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def decode_point(point: bytes) -> ec.EllipticCurvePublicKey:
    """A public key from an uncompressed point. Raises SealError(MALFORMED)."""
    if len(point) != POINT_SIZE or point[0] != 0x04:
        raise SealError(SealReason.MALFORMED, "the ephemeral key is not an uncompressed point of brainpoolP256r1")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    except ValueError as error:
        raise SealError(SealReason.MALFORMED, "the ephemeral key is not a point on brainpoolP256r1") from error


def require_curve(key: object) -> ec.EllipticCurvePublicKey:
    """Return ``key`` if it is a public key on brainpoolP256r1. Raises SealError(ALGORITHM)."""
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != CURVE.name:
        raise SealError(SealReason.ALGORITHM, "a certificate's key is not on brainpoolP256r1")
    return key


def wrap(content_key: bytes, own: ec.EllipticCurvePrivateKey, other: ec.EllipticCurvePublicKey) -> bytes:
    """The content key under the key that both sides derive (RFC 3394), 8 bytes longer than it."""
    return aes_key_wrap(_key_encryption_key(own, other), content_key)


def unwrap(wrapped: bytes, own: ec.EllipticCurvePrivateKey, other: ec.EllipticCurvePublicKey) -> bytes:
    """The content key, exactly as it was wrapped. Raises SealError(DECRYPTION)."""
    try:
        return aes_key_unwrap(_key_encryption_key(own, other), wrapped)
    except InvalidUnwrap as error:
        raise SealError(SealReason.DECRYPTION, "the content key was not wrapped for this key") from error


def _key_encryption_key(own: ec.EllipticCurvePrivateKey, other: ec.EllipticCurvePublicKey) -> bytes:
    # The shared secret is the x-coordinate with the field's 32 octets (TR-03111 §4.3); both inputs are on one curve.
    secret = own.exchange(ec.ECDH(), other)
    return X963KDF(SHA256(), _KEY_ENCRYPTION_KEY_SIZE, _SHARED_INFO).derive(secret)
