"""The inner signature: the gateway's word on one reading, made when it was recorded (TR-03109-1).

Decides how a signature over ``Reading.signed_bytes`` is written: raw r||s, 32 bytes each (TR-03111 §5.2). It stays with
the value from the gateway's store to an exported row, through every hand in between, and is independent of messages.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from pki.certificates import Purpose, Role, VerifiedCertificate
from pki.cms.names import names_of
from pki.errors import SealError, SealReason
from wire.errors import ReadingError
from wire.reading import INNER_SIGNATURE_SIZE, DeviceId, Reading, SignedReading

_ECDSA: Final = ec.ECDSA(SHA256())
_HALF: Final = INNER_SIGNATURE_SIZE // 2


def sign_reading(reading: Reading, gateway: DeviceId, key: ec.EllipticCurvePrivateKey) -> SignedReading:
    """Sign ``reading`` with the SIG key of ``gateway``, which may live in a token. Raises TokenError.

    PP-0073 FCO_NRO.2; PTB-A 50.8, inner signature.
    """
    r, s = decode_dss_signature(key.sign(reading.signed_bytes(gateway), _ECDSA))
    return SignedReading(reading, r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big"))


def verify_reading(signed: SignedReading, signer: VerifiedCertificate) -> Reading:
    """Return the reading if the inner signature of the gateway that ``signer`` names holds.

    1. The certificate is a gateway's, and for signatures: its identity is the gateway under the signature.
    2. Signature over domain, gateway, device, quantity, value, unit, time and status, with SHA-256.

    Raises SealError(UNKNOWN_SIGNER or SIGNATURE).
    PP-0073 FCO_NRO.2; PTB-A 50.8, inner signature.
    """
    # 1. A gateway's signature certificate.
    if signer.role is not Role.SMGW or signer.purpose is not Purpose.SIG:
        raise SealError(SealReason.UNKNOWN_SIGNER, "only a gateway's signature certificate stands behind a reading")
    try:
        gateway = DeviceId(signer.identity)
    except ReadingError as error:
        raise SealError(SealReason.UNKNOWN_SIGNER, "the certificate names no gateway") from error
    # 2. Its signature over this reading.
    check_reading(signed, gateway, names_of(signer.certificate).public_key)
    return signed.reading


def check_reading(signed: SignedReading, gateway: DeviceId, key: ec.EllipticCurvePublicKey) -> None:
    """Step 2 of :func:`verify_reading` alone: ``key`` made the signature; whose key it is, is another question.

    Raises SealError(SIGNATURE).
    """
    r = int.from_bytes(signed.signature[:_HALF], "big")
    s = int.from_bytes(signed.signature[_HALF:], "big")
    try:
        key.verify(encode_dss_signature(r, s), signed.reading.signed_bytes(gateway), _ECDSA)
    except InvalidSignature as error:
        raise SealError(SealReason.SIGNATURE, "the inner signature of a reading does not hold") from error
