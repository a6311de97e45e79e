"""SoftHSM2 tokens for tests: one token folder per test process, as many tokens in it as tests want.

The module is a singleton of the process and reads its configuration once, so every test shares the folder and takes a
token of its own from it.
"""

import atexit
import itertools
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from pki.token import initialise_token, use_configuration

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "0123456789"
SO_PIN = "9876543210"
_NUMBERS = itertools.count(1)


def write_configuration(folder: Path) -> Path:
    """Write ``softhsm2.conf`` beside a new ``tokens`` folder in ``folder``."""
    tokens = folder / "tokens"
    tokens.mkdir(mode=0o700)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    return configuration


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="softhsm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_configuration(folder)
    return folder


def shared_configuration() -> Path:
    """The configuration of this test process, in use from now on; skips where SoftHSM2 is not installed."""
    if not MODULE.exists():
        pytest.skip("SoftHSM2 is not installed (apt install softhsm2)")
    configuration = _folder() / "softhsm2.conf"
    use_configuration(configuration)
    return configuration


def fresh_token() -> str:
    """Initialise a new token with :data:`PIN`; gives its label."""
    shared_configuration()
    label = f"test-{next(_NUMBERS)}"
    initialise_token(MODULE, label, PIN, SO_PIN)
    return label
