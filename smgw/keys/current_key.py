"""A private key that stands for whichever one is in use at the moment of signing.

Decides nothing. It exists so that a part which signs with the gateway's SIG key for years (the inner signature of every
reading) need not know that keys change: between looking the key up and using it, a renewal may have destroyed it.
"""

from collections.abc import Callable
from typing import NoReturn, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pki.errors import TokenError, TokenReason


class CurrentKey(ec.EllipticCurvePrivateKey):
    """Asks for the key at each use. Whoever shows a certificate with the signature takes both from one Identity."""

    def __init__(self, current: Callable[[], ec.EllipticCurvePrivateKey]) -> None:
        """``current`` gives the key in use."""
        self._current = current

    def sign(
        self, data: bytes | bytearray | memoryview, signature_algorithm: ec.EllipticCurveSignatureAlgorithm
    ) -> bytes:
        """Sign with the key in use. Raises TokenError."""
        key = self._current()
        try:
            return key.sign(data, signature_algorithm)
        except TokenError as error:
            following = self._current()
            if error.reason is not TokenReason.KEY_MISSING or following is key:
                raise
            # Destroyed between looking it up and using it: its successor was in use before it was destroyed.
            return following.sign(data, signature_algorithm)

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """Agree with the key in use. Raises TokenError."""
        return self._current().exchange(algorithm, peer_public_key)

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key of the key in use."""
        return self._current().public_key()

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return self._current().curve

    @property
    def key_size(self) -> int:
        """Bits of the curve's order."""
        return self._current().key_size

    def private_numbers(self) -> NoReturn:
        """Refuse: TokenError KEY_REFUSED."""
        raise TokenError(TokenReason.KEY_REFUSED, "the key in use is used here and never handed on")

    def private_bytes(
        self,
        encoding: serialization.Encoding,  # noqa: ARG002 - the interface's arguments
        format: serialization.PrivateFormat,  # noqa: A002, ARG002
        encryption_algorithm: serialization.KeySerializationEncryption,  # noqa: ARG002
    ) -> NoReturn:
        """Refuse: TokenError KEY_REFUSED."""
        self.private_numbers()

    def __copy__(self) -> Self:
        """The same key."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """The same key."""
        return self
