"""A token's first day: PINs that are drawn once, a SoftHSM2 configuration of its own, nothing made twice."""

import os
import stat
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from pki.errors import TokenError, TokenReason
from pki.new_token import TokenConfiguration, create_token
from pki.pin import read_pin
from pki.token import Token
from tests.softhsm import MODULE, shared_configuration

pytestmark = pytest.mark.token
_LABELS = count(1)


@pytest.fixture
def chosen(tmp_path: Path) -> TokenConfiguration:
    """A token that is not there yet."""
    return TokenConfiguration(MODULE, shared_configuration(), f"new-{next(_LABELS)}", tmp_path / "new" / "pin")


def labels(chosen: TokenConfiguration) -> list[str]:
    with Token.open(MODULE, chosen.label, read_pin(chosen.pin_file), monotonic=time.monotonic) as token:
        return token.labels()


def test_a_token_and_its_pins_are_made_once(chosen: TokenConfiguration) -> None:
    drawn: list[int] = []

    def random(size: int) -> bytes:
        drawn.append(size)
        return os.urandom(size)

    create_token(chosen, random)
    files = [chosen.pin_file, chosen.pin_file.with_name("pin.so")]
    pins = [read_pin(file) for file in files]
    assert pins[0] != pins[1]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    drawn.clear()
    create_token(chosen, random)
    assert (drawn, [read_pin(file) for file in files]) == ([], pins)
    assert labels(chosen) == []


def test_a_token_whose_pin_was_lost_is_not_made_anew(chosen: TokenConfiguration) -> None:
    create_token(chosen, os.urandom)
    chosen.pin_file.unlink()
    create_token(chosen, os.urandom)
    with pytest.raises(TokenError) as refusal:
        labels(chosen)
    assert refusal.value.reason is TokenReason.PIN_WRONG


def test_a_softhsm_configuration_of_its_own(chosen: TokenConfiguration, tmp_path: Path) -> None:
    """Made with its token folder where there is none; left alone where there is one."""
    configuration = tmp_path / "softhsm2.conf"
    own = replace(chosen, configuration=configuration)
    try:
        create_token(own, os.urandom)
        written = configuration.read_text()
        assert f"directories.tokendir = {tmp_path / 'tokens'}" in written
        assert stat.S_IMODE((tmp_path / "tokens").stat().st_mode) == 0o700
        configuration.write_text(written + "# by hand\n")
        create_token(own, os.urandom)
        assert configuration.read_text().endswith("# by hand\n")
        assert labels(own) == []
    finally:
        shared_configuration()


def test_a_token_that_cannot_be_made(chosen: TokenConfiguration, tmp_path: Path) -> None:
    with pytest.raises(TokenError) as caught:
        create_token(replace(chosen, module=tmp_path / "none.so"), os.urandom)
    assert caught.value.reason is TokenReason.NO_MODULE
