"""One process for each identity: a lock on the state folder and one on the file that opens the token.

Decides that a second gateway with the same identity does not start on this machine, whether it was started with the
same configuration or with a copy that names another folder but the same PIN file. The locks end with the process,
however it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOCK_NAME = "lock"


class AlreadyRunningError(Exception):
    """Another process holds this gateway's identity."""


@contextmanager
def identity_lock(state: Path, pin_file: Path) -> Iterator[None]:
    """Hold both locks while the block runs. Raises AlreadyRunningError."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as held:
        for path, flags in ((state / LOCK_NAME, os.O_RDWR | os.O_CREAT), (pin_file, os.O_RDONLY)):
            held.enter_context(_locked(path, flags))
        yield


@contextmanager
def _locked(path: Path, flags: int) -> Iterator[None]:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunningError(f"two gateways with the same identity: another process holds {path}") from error
        yield
    finally:
        os.close(descriptor)
