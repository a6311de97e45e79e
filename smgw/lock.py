"""One process for each identity: a lock on the state folder and one on the file that opens the token.

Decides that a second gateway with the same identity does not start on this machine, whether it was started with the
same configuration or with a copy that names another folder but the same PIN file. The locks end with the process,
however it ends. A twin on another machine is the receivers' to notice: its deliveries conflict with the numbers of the
first (docs/journey.md, step 9).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pki.errors import TokenError, TokenReason
from smgw.store.errors import StoreError, StoreReason

LOCK_NAME = "lock"
_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""Neither inherited, nor through a link, nor waiting for the other end of a pipe that somebody put there."""


class AlreadyRunningError(Exception):
    """Another process holds this gateway's identity."""


@contextmanager
def identity_lock(state: Path, pin_file: Path) -> Iterator[None]:
    """Hold both locks while the block runs.

    Raises AlreadyRunningError; StoreError(FOLDER) and TokenError(PIN_FILE) where there is nothing to lock.
    """
    with ExitStack() as held:
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(state / LOCK_NAME, os.O_RDWR | os.O_CREAT | _SAFELY, 0o600)
        except OSError as error:
            raise StoreError(StoreReason.FOLDER, f"{state} cannot be used: {error.strerror}") from error
        held.enter_context(_locked(lock, state / LOCK_NAME))
        try:
            pin = os.open(pin_file, os.O_RDONLY | _SAFELY)
        except OSError as error:
            raise TokenError(TokenReason.PIN_FILE, f"the PIN file {pin_file}: {error.strerror}") from error
        held.enter_context(_locked(pin, pin_file))
        yield


@contextmanager
def _locked(descriptor: int, path: Path) -> Iterator[None]:
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunningError(f"two gateways with the same identity: another process holds {path}") from error
        yield
    finally:
        os.close(descriptor)
