"""Tokens that tests lend each other: whoever gets one finds it as it was on its first day."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.token import Token
from tests.softhsm import MODULE, PIN, lend_token, take_back

pytestmark = pytest.mark.token
KEY = "LENT"


def opened(label: str) -> Token:
    return Token.open(MODULE, label, PIN, monotonic=time.monotonic)


def test_a_token_that_was_only_used_is_lent_again() -> None:
    first, other = lend_token(KEY), lend_token(KEY)
    assert first.label != other.label
    with opened(first.label) as token:
        assert token.labels() == [KEY]
        assert token.key(KEY).public_key() == first.public_keys[KEY]
        token.sign_digest(KEY, bytes(32))
    take_back(first)
    assert lend_token(KEY) is first


def test_one_that_was_changed_or_is_open_is_not() -> None:
    made, destroyed, busy = (lend_token(KEY) for _ in range(3))
    with opened(made.label) as token:
        token.generate_key("OTHER", ec.BrainpoolP256R1())
    with opened(destroyed.label) as token:
        token.destroy_key(KEY)
    with opened(busy.label):
        for one in (made, destroyed, busy):
            take_back(one)
        assert lend_token(KEY).label not in {made.label, destroyed.label, busy.label}
