"""gunicorn's thread worker, with nobody's silence costing a thread or a place for long.

Decides where a new connection waits for its first byte: in the poller, for the time of a silence inside a request.
gunicorn itself lets a thread wait for it (five seconds, so a few silent clients occupy all threads) and then lets the
connection rest as long as a tunnel may rest between two deliveries. From the first byte on ``tls.PatientSocket`` bounds
the handshake and every wait for more.

And it ends connections that rest: ``door`` says whose certificate is not good any more, within seconds of a new
revocation list.
"""

import selectors
import ssl
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from gunicorn.workers.gthread import ThreadWorker

from datacenter.config import Limits
from datacenter.door import Door, Round


class PatientWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """A thread works for a connection only when there is something to read."""

    silence_seconds = float(Limits().request_seconds)
    keepalived_conns: "deque[Any]"
    door: ClassVar[Door | None] = None
    """Set where the application is made; None behind a front, whose connections are not ours to judge."""

    def enqueue_req(self, conn: Any) -> None:
        """A new connection waits with gunicorn's own pending ones; its first byte brings it back here."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        conn.timeout = time.monotonic() + self.silence_seconds
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Whether the connection stays open after the answer: not one that ``tls.hang_up`` marked."""
        stays = super().handle_request(req, conn)
        return bool(stays) and not getattr(conn.sock, "leaving", False)

    def murder_pending(self) -> None:
        """Part of every turn of gunicorn's loop: look whether the resting connections are to be judged."""
        super().murder_pending()
        if self.door is not None and self.keepalived_conns and self.door.due():
            # In a thread, because reading changed files of many gateways takes its time.
            self.tpool.submit(self._look, self.door)

    def _look(self, door: Door) -> None:
        current = door.round()
        if current is not None:
            self.method_queue.defer(self._begin, door, current)

    def _begin(self, door: Door, current: Round) -> None:
        """In gunicorn's own thread: nobody speaks on these connections while their certificates are read."""
        resting = [conn for conn in self.keepalived_conns if getattr(conn, "judged", None) is not current]
        for conn in resting:
            conn.judged = current
        if resting:
            self.tpool.submit(self._judge, door, current, [(conn, _shown(conn)) for conn in resting])

    def _judge(self, door: Door, current: Round, resting: Sequence[tuple[Any, bytes]]) -> None:
        gone = [conn for conn, shown in resting if door.refuses(shown, current.ground)]
        if gone:
            self.method_queue.defer(self._dismiss, gone)

    def _dismiss(self, gone: Sequence[Any]) -> None:
        """End them, in gunicorn's own thread; one that speaks again by now is refused by its request instead."""
        marked = set(map(id, gone))
        for conn in [conn for conn in self.keepalived_conns if id(conn) in marked]:
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()
        self.keepalived_conns = deque(conn for conn in self.keepalived_conns if id(conn) not in marked)


def _shown(conn: Any) -> bytes:
    """DER of the client certificate; empty, which nobody believes, where the connection is broken already."""
    try:
        return conn.sock.getpeercert(binary_form=True) or b"" if isinstance(conn.sock, ssl.SSLSocket) else b""
    except (OSError, ValueError):
        return b""
