"""What a tunnel is to its user: bytes to one pinned peer, over mutual TLS, for 48 hours at most.

Decides the interface that the two ways of making a tunnel share: ``pki.token_tls`` (the key stays in the token) and
``pki.tls`` (the key in process memory). It opens nothing itself. Every failure is a TunnelError with its reason; a
tunnel that failed once stays closed, because bytes may have been lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from cryptography import x509

from pki.certificates import Role
from pki.errors import TunnelError, TunnelReason

MAX_TUNNEL_AGE: Final = timedelta(hours=48)
"""TR-03116-3 §4: no TLS session of the WAN outlives this, resumption included."""

PROBE_AFTER: Final = 20
"""Seconds of silence after which a probed tunnel asks the peer's machine for a sign of life (TCP keep-alive)."""
PROBE_EVERY: Final = 5
PROBES: Final = 4
"""So many without an answer break the tunnel: 40 seconds after the peer's machine was gone."""


@dataclass(frozen=True, slots=True)
class TunnelPeer:
    """Whom a tunnel leads to: an address, and the one TLS certificate that may stand behind it.

    ``probed`` is for a tunnel on which only the peer speaks first: it would not notice that the peer's machine is gone.
    """

    host: str
    port: int
    certificate: x509.Certificate
    role: Role = Role.EMT
    probed: bool = False


def require_age(opened_at: datetime, now: datetime) -> None:
    """FIA_UAU.6: refuse a tunnel older than MAX_TUNNEL_AGE, or from the future. Raises TunnelError(CLOSED)."""
    # A clock that was set back would otherwise lengthen the session's life.
    if not opened_at <= now < opened_at + MAX_TUNNEL_AGE:
        raise TunnelError(TunnelReason.CLOSED, "the tunnel has reached its age of 48 hours: open a new one")


class Tunnel(Protocol):
    """An open tunnel. Not for use by several threads at once."""

    @property
    def opened_at(self) -> datetime:
        """When the handshake was made, aware UTC; the tunnel refuses service MAX_TUNNEL_AGE later."""
        ...

    def send(self, data: bytes) -> None:
        """Hand over all of ``data``. Raises TunnelError."""
        ...

    def receive(self, count: int, timeout: float) -> bytes:
        """At least one and at most ``count`` bytes, within ``timeout`` seconds; ``b""`` once the peer ended in order.

        Raises TunnelError: TIMEOUT (the tunnel stays usable), or CLOSED when it broke.
        """
        ...

    def close(self) -> None:
        """End it; may be called again."""
        ...


class TunnelBackend(Protocol):
    """A way of making tunnels with one identity of ours."""

    def open(self, peer: TunnelPeer, *, timeout: float) -> Tunnel:
        """Dial ``peer`` and return only when the handshake is done and the peer's certificate is the pinned, good one.

        Raises TunnelError; within ``timeout`` seconds.
        """
        ...
