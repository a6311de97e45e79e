import copy

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki.errors import TokenError, TokenReason
from pki.token_key import TokenKey
from smgw.keys.current_key import CurrentKey

ECDSA = ec.ECDSA(SHA256())


class Tokens:
    """Two software keys that pass for keys in a token; a label that is not there is a destroyed key."""

    def __init__(self) -> None:
        self.keys = {label: ec.generate_private_key(ec.BrainpoolP256R1()) for label in ("SIG", "SIG.2")}
        self.signed: list[str] = []

    def key(self, label: str) -> TokenKey:
        return TokenKey(self, label, self.keys[label].public_key())

    def sign_digest(self, label: str, digest: bytes) -> bytes:
        self.signed.append(label)
        if label not in self.keys:
            raise TokenError(TokenReason.KEY_MISSING, "destroyed")
        return bytes(63) + b"\1"

    def agree(self, label: str, point: bytes, size: int) -> bytes:
        return label.encode().ljust(size)


def test_it_is_whichever_key_is_in_use() -> None:
    tokens = Tokens()
    first, second = tokens.key("SIG"), tokens.key("SIG.2")
    current = [first]
    key = CurrentKey(lambda: current[0])
    key.sign(b"one", ECDSA)
    assert key.public_key().public_numbers() == first.public_key().public_numbers()
    current[0] = second
    key.sign(b"two", ECDSA)
    assert key.public_key().public_numbers() == second.public_key().public_numbers()
    assert tokens.signed == ["SIG", "SIG.2"]
    assert (key.curve.name, key.key_size) == (second.curve.name, second.key_size)
    assert key.exchange(ec.ECDH(), first.public_key()).startswith(b"SIG.2")


def test_a_key_destroyed_between_looking_up_and_signing_is_followed() -> None:
    tokens = Tokens()
    answers = [tokens.key("SIG"), tokens.key("SIG.2"), tokens.key("SIG.2")]
    del tokens.keys["SIG"]
    assert CurrentKey(lambda: answers.pop(0)).sign(b"one", ECDSA)
    assert tokens.signed == ["SIG", "SIG.2"]


def test_a_key_that_is_simply_gone_refuses() -> None:
    tokens = Tokens()
    held = tokens.key("SIG")
    del tokens.keys["SIG"]
    with pytest.raises(TokenError) as refusal:
        CurrentKey(lambda: held).sign(b"one", ECDSA)
    assert refusal.value.reason is TokenReason.KEY_MISSING
    assert tokens.signed == ["SIG"]


def test_it_is_never_handed_on() -> None:
    held = ec.generate_private_key(ec.BrainpoolP256R1())
    key = CurrentKey(lambda: held)
    assert copy.copy(key) is key
    assert copy.deepcopy(key) is key
    for hand_on in (key.private_numbers, lambda: key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())):
        with pytest.raises(TokenError) as refusal:
            hand_on()
        assert refusal.value.reason is TokenReason.KEY_REFUSED
