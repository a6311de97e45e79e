"""What the gateway tells the people of its own machine: one JSON object for each connection to a Unix socket.

Decides who may ask: the owner of the state folder, by mode 0600 in a folder of mode 0700. The answer holds counts and
reasons and no consumption value. Nothing that a client sends is read.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_logger = logging.getLogger(__name__)

SOCKET_NAME = "status.sock"
ANSWER_TIMEOUT = 2.0
"""Seconds for a client to take its answer; one that does not read must not keep the others waiting."""
MAX_STATUS_SIZE = 4 * 1024 * 1024
_BACKLOG = 4


class StatusError(Exception):
    """No gateway answers in this folder, or not as agreed."""


class StatusServer:
    """Answers on its own thread until it is closed."""

    def __init__(self, folder: Path, snapshot: Callable[[], dict[str, Any]]) -> None:
        """Listen in ``folder``; what a killed gateway left is replaced (the caller holds the folder's lock)."""
        self._path = folder / SOCKET_NAME
        self._snapshot = snapshot
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        os.fchmod(self._socket.fileno(), 0o600)  # before the name exists, so there is no moment with a wider mode
        with _short_name(self._path) as name:
            self._socket.bind(name)
        self._socket.listen(_BACKLOG)
        self._thread = threading.Thread(target=self._serve, name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and take the name away."""
        self._path.unlink(missing_ok=True)
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            with connection:
                try:
                    connection.settimeout(ANSWER_TIMEOUT)
                    connection.sendall(json.dumps(self._snapshot(), sort_keys=True).encode("ascii"))
                except OSError:
                    continue  # the client went away or does not read
                except Exception:
                    # A store that is busy or full, or a defect of ours: this client gets no answer, the next one may.
                    _logger.exception("status")


def read_status(folder: Path) -> dict[str, Any]:
    """Ask the gateway whose state lies in ``folder``. Raises StatusError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, _short_name(folder / SOCKET_NAME) as name:
        connection.settimeout(2 * ANSWER_TIMEOUT)
        data = bytearray()
        try:
            connection.connect(name)
            while part := connection.recv(65536):
                data += part
                if len(data) > MAX_STATUS_SIZE:
                    raise StatusError("the answer is too large")
        except OSError as error:
            raise StatusError(f"no gateway answers in {folder}: {error.strerror or error}") from error
    try:
        status = json.loads(data)
    except ValueError as error:
        raise StatusError("the answer is not whole") from error
    if not isinstance(status, dict):
        raise StatusError("the answer is not an object")
    return status


@contextmanager
def _short_name(path: Path) -> Iterator[str]:
    """A name of ``path`` that fits into the 108 bytes of a socket address, however deep the folder lies."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StatusError(f"no folder {path.parent}: {error.strerror}") from error
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
