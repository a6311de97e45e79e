"""gunicorn's thread worker, with nobody's silence costing a thread or a place for long.

Decides where a new connection waits for its first byte: in the poller, for the time of a silence inside a request.
gunicorn itself lets a thread wait for it (five seconds, so a few silent clients occupy all threads) and then lets the
connection rest as long as a tunnel may rest between two deliveries. From the first byte on ``tls.PatientSocket`` bounds
the handshake and every wait for more.
"""

import selectors
import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from datacenter.config import Limits


class PatientWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """A thread works for a connection only when there is something to read."""

    silence_seconds = float(Limits().request_seconds)

    def enqueue_req(self, conn: Any) -> None:
        """A new connection waits with gunicorn's own pending ones; its first byte brings it back here."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        conn.timeout = time.monotonic() + self.silence_seconds
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))
