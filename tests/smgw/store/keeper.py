"""What the store needs of a security module, in software: for tests of the store alone."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pki.errors import TokenError, TokenReason
from smgw.store.store_key import STORAGE_LABEL


class Keeper:
    """Wraps under keys by label, as the token does; ``seen`` are the secrets that it wrapped, in order."""

    def __init__(self) -> None:
        self._keys: dict[str, AESGCM] = {}
        self.seen: list[bytes] = []
        self.generate_storage_key(STORAGE_LABEL)

    def random(self, count: int) -> bytes:
        return secrets.token_bytes(count)

    def labels(self) -> list[str]:
        return sorted(self._keys)

    def generate_storage_key(self, label: str) -> None:
        if label in self._keys:
            raise TokenError(TokenReason.KEY_EXISTS, label)
        self._keys[label] = AESGCM(secrets.token_bytes(32))

    def destroy_key(self, label: str) -> None:
        if label not in self._keys:
            raise TokenError(TokenReason.KEY_MISSING, label)
        del self._keys[label]

    def wrap_secret(self, label: str, secret: bytes, context: bytes) -> bytes:
        self.seen.append(secret)
        nonce = secrets.token_bytes(12)
        return nonce + self._keys[label].encrypt(nonce, secret, context)

    def unwrap_secret(self, label: str, wrapped: bytes, context: bytes) -> bytes:
        try:
            return self._keys[label].decrypt(wrapped[:12], wrapped[12:], context)
        except InvalidTag as error:
            raise TokenError(TokenReason.UNWRAP, "not wrapped here") from error
