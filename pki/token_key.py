"""A private key that stays in its token but looks like any other to ``cryptography``.

:class:`TokenKey` is accepted wherever an ``EllipticCurvePrivateKey`` is: request, certificate and revocation list
builders, CMS, so that keys in hardware need no second code path. Hashing happens here (public data); everything that
touches the secret happens in the token. It refuses to be exported, because there is nothing to export.
"""

from typing import NoReturn, Protocol, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from pki.errors import TokenError, TokenReason


class Operations(Protocol):
    """What a key needs from its token."""

    def sign_digest(self, label: str, digest: bytes) -> bytes:
        """Raw r||s over ``digest``."""

    def agree(self, label: str, point: bytes, size: int) -> bytes:
        """The shared x-coordinate of ``size`` octets."""


class TokenKey(ec.EllipticCurvePrivateKey):
    """A private key in a token; ``label`` is its name there (also in the ``pkcs11:`` URI that stunnel is given)."""

    __slots__ = ("_public_key", "_token", "label")

    def __init__(self, token: Operations, label: str, public_key: ec.EllipticCurvePublicKey) -> None:
        """Made by ``Token.key`` and ``Token.generate_key``."""
        self._token = token
        self.label = label
        self._public_key = public_key

    def sign(
        self, data: bytes | bytearray | memoryview, signature_algorithm: ec.EllipticCurveSignatureAlgorithm
    ) -> bytes:
        """ECDSA signature over ``data`` (or over a digest, with ``Prehashed``), DER encoded.

        Raises:
            TokenError: LOST, KEY_MISSING.
            UnsupportedAlgorithm: for deterministic signatures, which a token does not make.
        """
        if not isinstance(signature_algorithm, ec.ECDSA) or signature_algorithm.deterministic_signing:
            raise UnsupportedAlgorithm("a token signs with ECDSA and its own random numbers")
        raw = self._token.sign_digest(self.label, self._digest(bytes(data), signature_algorithm.algorithm))
        half = len(raw) // 2
        return utils.encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:  # noqa: ARG002 - ECDH is all there is
        """The x-coordinate shared with ``peer_public_key``, as long as the field (ECKA-DH, TR-03111).

        Raises:
            TokenError: KEY_REFUSED where this key may only sign or the peer's is on another curve; LOST.
        """
        if peer_public_key.curve.name != self.curve.name:
            raise TokenError(TokenReason.KEY_REFUSED, f"the peer's key is on {peer_public_key.curve.name}")
        # cryptography has checked that the peer's point is on the curve; a token need not.
        point = peer_public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return self._token.agree(self.label, point, (self.key_size + 7) // 8)

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key."""
        return self._public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        """Bits of the curve's order."""
        return self._public_key.key_size

    def private_numbers(self) -> NoReturn:
        """Refuse: TokenError KEY_REFUSED."""
        raise TokenError(TokenReason.KEY_REFUSED, f"the private key {self.label!r} does not leave its token")

    def private_bytes(
        self,
        encoding: serialization.Encoding,  # noqa: ARG002 - the interface's arguments
        format: serialization.PrivateFormat,  # noqa: A002, ARG002
        encryption_algorithm: serialization.KeySerializationEncryption,  # noqa: ARG002
    ) -> NoReturn:
        """Refuse: TokenError KEY_REFUSED."""
        self.private_numbers()

    def __copy__(self) -> Self:
        """The same key: there is only the one in the token."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """The same key."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: TokenError KEY_REFUSED."""
        self.private_numbers()

    def __repr__(self) -> str:
        """Label and curve."""
        return f"<TokenKey {self.label} {self.curve.name}>"

    def _digest(self, data: bytes, algorithm: utils.Prehashed | hashes.HashAlgorithm) -> bytes:
        if isinstance(algorithm, utils.Prehashed):
            if len(data) != algorithm.digest_size:
                message = "the digest is not as long as its hash algorithm's"
                raise ValueError(message)
            digest = data
        else:
            hasher = hashes.Hash(algorithm)
            hasher.update(data)
            digest = hasher.finalize()
        # FIPS 186-4: the leftmost bits of a hash that is longer than the order. Not every token does it itself.
        return digest[: (self.key_size + 7) // 8]
