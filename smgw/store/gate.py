"""Who is inside the database: many transactions at once, or nobody but the one who exchanges its file.

Decides only that both never happen at the same time. A thread that is inside may go in again (one transaction within
another), also while somebody waits to be alone: otherwise both would wait for ever.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class BusyError(Exception):
    """Somebody stayed inside for too long."""


class Gate:
    """One gate for each open database; safe to use from several threads."""

    def __init__(self) -> None:
        """Open."""
        self._changed = threading.Condition()
        self._inside = 0
        self._closed = False
        self._own = threading.local()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be inside for one transaction; waits while somebody is alone."""
        depth = self._depth()
        with self._changed:
            if depth == 0:
                self._changed.wait_for(lambda: not self._closed)
            self._inside += 1
        self._own.depth = depth + 1
        try:
            yield
        finally:
            self._own.depth = depth
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self, patience: float) -> Iterator[None]:
        """Be the only one, once everybody who was inside has left.

        Raises BusyError where that takes longer than ``patience`` seconds, or where the caller is inside itself.
        """
        with self._changed:
            if self._closed or self._depth():
                raise BusyError
            self._closed = True
            if not self._changed.wait_for(lambda: self._inside == 0, patience):
                self._open()
                raise BusyError
        try:
            yield
        finally:
            with self._changed:
                self._open()

    def _depth(self) -> int:
        """How many transactions of this thread are inside one another."""
        return int(getattr(self._own, "depth", 0))

    def _open(self) -> None:
        self._closed = False
        self._changed.notify_all()
