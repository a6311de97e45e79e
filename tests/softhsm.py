"""SoftHSM2 tokens for tests: one token folder per test process, as many tokens in it as tests want.

The module is a singleton of the process and reads its configuration once, so every test shares the folder and takes a
token of its own from it. Tests that only use a token borrow one that others left as it was.
"""

import atexit
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.token import Token, initialise_token, use_configuration
from pki.token_module import OPEN

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "0123456789"
SO_PIN = "9876543210"
IN_MEMORY = Path("/dev/shm")
"""SoftHSM2 brings every attribute of a key to the disk by itself: making one waits ten times as long as it works. Where
there is a file system in memory, tokens lie there; a process that is killed leaves the same files in either."""
_NUMBERS = itertools.count(1)
_LOGINS = 8
"""Octets at the beginning of SoftHSM2's ``token.object`` that count how often it was written: at every log-in."""


def write_configuration(folder: Path) -> Path:
    """Write ``softhsm2.conf`` beside a new ``tokens`` folder in ``folder``."""
    tokens = folder / "tokens"
    tokens.mkdir(mode=0o700)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    return configuration


@cache
def _folder() -> Path:
    in_memory = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="softhsm-", dir=in_memory))
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


@dataclass(frozen=True)
class LentToken:
    """A token for one test, with its keys made already."""

    label: str
    public_keys: Mapping[str, ec.EllipticCurvePublicKey]
    folder: Path
    content: Mapping[str, bytes]


_FREE: dict[tuple[str, ...], list[LentToken]] = {}


def lend_token(*labels: str) -> LentToken:
    """A token with a key (brainpoolP256r1) for each label, as it was on its first day; end with :func:`take_back`.

    Making tokens and keys takes longer than most tests, and every token makes each log-in to any other slower.
    """
    shared_configuration()
    free = _FREE.setdefault(labels, [])
    return free.pop() if free else _made(labels)


def take_back(token: LentToken) -> None:
    """Lend ``token`` to the next test, unless this one changed it or has it open still."""
    if token.label not in OPEN and _content(token.folder) == token.content:
        _FREE[tuple(token.public_keys)].append(token)


def _made(labels: tuple[str, ...]) -> LentToken:
    tokens = _folder() / "tokens"
    before = set(tokens.iterdir())
    label = fresh_token()
    (folder,) = set(tokens.iterdir()) - before
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic) as token:
        keys = {each: token.generate_key(each, ec.BrainpoolP256R1()).public_key() for each in labels}
    return LentToken(label, keys, folder, _content(folder))


def _content(folder: Path) -> dict[str, bytes]:
    """Every file of the token; the first octets of its description only count the log-ins."""
    found = {file.name: file.read_bytes() for file in folder.iterdir()}
    return {name: data[_LOGINS:] if name == "token.object" else data for name, data in found.items()}
