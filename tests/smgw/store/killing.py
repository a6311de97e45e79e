"""A process that is killed while it works with the store."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


def run_and_kill(work: Callable[[Path, int], None], folder: Path, after: float, *, promises: int = 1) -> list[str]:
    """What a child promised that does ``work`` until it is killed, ``after`` seconds behind so many ``promises``.

    ``work`` gets the folder and the descriptor of a pipe, and writes a line for each promise. However busy the machine
    is, so much was done.
    """
    receiving, promising = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(receiving)
            work(folder, promising)
        finally:
            os._exit(1)
    os.close(promising)
    with os.fdopen(receiving, "rb") as pipe:
        begun = b"".join(pipe.readline() for _ in range(promises))
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        told = begun + pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    return told.decode().splitlines()
