"""The module behind the token: the errors that people will see, and what to do about each."""

import os
import subprocess
import sys
from pathlib import Path

import pkcs11
import pytest

from pki.errors import TokenError, TokenReason
from pki.token_module import load, translated, use_configuration
from tests.softhsm import MODULE, shared_configuration

pytestmark = pytest.mark.token


@pytest.mark.parametrize(
    ("error", "reason", "advice"),
    [
        (pkcs11.NoSuchToken(), TokenReason.NO_TOKEN, "initialise"),
        (pkcs11.MultipleTokensReturned(), TokenReason.NO_TOKEN, "initialise"),
        (pkcs11.UserPinNotInitialized(), TokenReason.NO_TOKEN, "initialise"),
        (pkcs11.PinIncorrect(), TokenReason.PIN_WRONG, "correct its file"),
        (pkcs11.PinLocked(), TokenReason.PIN_WRONG, "locked"),
        (pkcs11.UserAlreadyLoggedIn(), TokenReason.IN_USE, "already"),
        (pkcs11.MechanismInvalid(), TokenReason.KEY_REFUSED, "refuses"),
        (pkcs11.DeviceRemoved(), TokenReason.LOST, "still there"),
        (pkcs11.SessionHandleInvalid(), TokenReason.LOST, "still there"),
        (pkcs11.GeneralError(), TokenReason.LOST, "still there"),
    ],
)
def test_every_error_becomes_ours(error: Exception, reason: TokenReason, advice: str) -> None:
    with pytest.raises(TokenError) as caught, translated("gateway"):
        raise error
    assert caught.value.reason is reason
    assert advice in str(caught.value)
    assert caught.value.__cause__ is error


def test_the_module_is_loaded_once() -> None:
    shared_configuration()
    assert load(MODULE) is load(MODULE)


def test_a_fresh_process_with_a_bad_configuration(tmp_path: Path) -> None:
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path / 'absent'}\n")
    program = (
        "from pathlib import Path; from pki.errors import TokenError; from pki.token_module import *\n"
        f"use_configuration(Path('{configuration}'))\n"
        f"try: load(Path('{MODULE}'))\n"
        "except TokenError as error: print(error.reason.value)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout == "configuration\n"


def test_the_configuration_in_use_is_named_in_the_environment_for_children() -> None:
    configuration = shared_configuration()
    use_configuration(configuration)
    assert os.environ["SOFTHSM2_CONF"] == str(configuration)
