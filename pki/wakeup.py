"""The signature under a wake-up: the administrator's word that his gateway shall dial him now (TR-03109-1).

Decides how it is written: raw r||s, 32 bytes each (TR-03111 §5.2), so that every wake-up has the same size. Whether the
signer's certificate is good now, and whether the wake-up is for this gateway, fresh and new, is decided elsewhere
(``smgw/wan/wakeup.py``): this file never says that a wake-up may wake anybody.
"""

from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from pki.certificates import Purpose, Role, VerifiedCertificate
from pki.cms.names import names_of
from pki.errors import SealError, SealReason
from wire.reading import DeviceId
from wire.wakeup import SIGNATURE_SIZE, WakeUp, signed_bytes

_ECDSA: Final = ec.ECDSA(SHA256())
_HALF: Final = SIGNATURE_SIZE // 2


def sign_wake_up(gateway: DeviceId, issued_at: datetime, nonce: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The whole datagram that wakes ``gateway``, signed with an administrator's SIG key, which may live in a token.

    Raises:
        WakeUpError: the moment or the nonce cannot stand in a wake-up.
        TokenError: the security module refuses.
    """
    r, s = decode_dss_signature(key.sign(signed_bytes(gateway, issued_at, nonce), _ECDSA))
    signature = r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
    return WakeUp(gateway=gateway, issued_at=issued_at, nonce=nonce, signature=signature).to_bytes()


def verify_wake_up(wake_up: WakeUp, signer: VerifiedCertificate) -> None:
    """Return if the administrator of ``signer`` signed ``wake_up``.

    1. The certificate is an administrator's, and for signatures.
    2. Signature over domain, header, addressee, time and nonce, with SHA-256.

    What a caller MUST still do: know that this is *his* administrator (the pin that ``signer`` was verified with), and
    that the wake-up is addressed to him, fresh, and not seen before.

    Raises:
        SealError: UNKNOWN_SIGNER or SIGNATURE.
    """
    # 1. An administrator's signature certificate: only the GWA may wake a gateway (PP-0073, access SFP).
    if signer.role is not Role.GWA or signer.purpose is not Purpose.SIG:
        raise SealError(SealReason.UNKNOWN_SIGNER, "only an administrator's signature certificate stands behind it")
    # 2. Its signature over this wake-up.
    r = int.from_bytes(wake_up.signature[:_HALF], "big")
    s = int.from_bytes(wake_up.signature[_HALF:], "big")
    public_key = names_of(signer.certificate).public_key
    try:
        public_key.verify(encode_dss_signature(r, s), wake_up.signed_bytes(), _ECDSA)
    except InvalidSignature as error:
        raise SealError(SealReason.SIGNATURE, "the signature of a wake-up does not hold") from error
