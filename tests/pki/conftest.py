"""An open SoftHSM2 token per test, and a small software SM-PKI for all of them."""

import time
from collections.abc import Iterator

import pytest

from pki.token import Token
from testbed.small_pki import SmallPki
from tests.softhsm import MODULE, PIN, fresh_token


@pytest.fixture
def token() -> Iterator[Token]:
    """A fresh token, logged in; mark the test with ``token``."""
    with Token.open(MODULE, fresh_token(), PIN, monotonic=time.monotonic) as opened:
        yield opened


@pytest.fixture(scope="session")
def small_pki() -> SmallPki:
    """Root, sub-CA and triples with software keys."""
    return SmallPki()
