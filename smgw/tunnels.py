"""How this gateway makes tunnels at this moment: with the keys that are in use and by what it believes now.

Decides when a backend is made anew: when other revocation lists came, so that a revocation counts at the next dial, and
when the gateway's keys were renewed, so that the next tunnel shows the new certificate. It opens nothing itself.
"""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from pki.certificates import Purpose, TrustStore
from pki.pin import read_pin
from pki.tls import InProcessBackend, TlsIdentity, chain_of
from pki.token_tls import StunnelBackend, TokenAddress
from pki.tunnel import Tunnel, TunnelBackend, TunnelPeer
from smgw.config import Configuration, TunnelKind
from smgw.identity import Identity

MakeBackend = Callable[[Identity, TrustStore], TunnelBackend]
"""Builds the real backend for one set of keys and one ground of trust. Raises TunnelError, TokenError."""


class CurrentBackend:
    """A tunnel backend of this moment (TunnelBackend). Safe to use from several threads."""

    def __init__(self, identity: Callable[[], Identity], trust: Callable[[], TrustStore], make: MakeBackend) -> None:
        """Make the first one at once: what cannot make tunnels does not start. Raises what ``make`` raises."""
        self._identity = identity
        self._trust = trust
        self._make = make
        self._lock = Lock()
        self._made_for = (identity(), trust())
        self._backend = make(*self._made_for)

    def open(self, peer: TunnelPeer, *, timeout: float) -> Tunnel:
        """See TunnelBackend.open."""
        return self._current().open(peer, timeout=timeout)

    def _current(self) -> TunnelBackend:
        with self._lock:
            identity, trust = self._identity(), self._trust()
            if identity is not self._made_for[0] or trust is not self._made_for[1]:
                self._backend = self._make(identity, trust)
                self._made_for = (identity, trust)
            return self._backend


def backend_maker(
    configuration: Configuration, clock: Callable[[], datetime], monotonic: Callable[[], float]
) -> MakeBackend:
    """The way of making tunnels that the configuration names."""
    pin = read_pin(configuration.token.pin_file)

    def make(identity: Identity, trust: TrustStore) -> TunnelBackend:
        chain = chain_of(identity.certificates[Purpose.TLS].certificate, trust)
        if configuration.wan.tunnel is TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY:
            return InProcessBackend(TlsIdentity(chain, identity.keys[Purpose.TLS]), trust, clock=clock)
        softhsm = configuration.token.configuration
        address = TokenAddress(
            module=configuration.token.module,
            token=configuration.token.label,
            environment={} if softhsm is None else {"SOFTHSM2_CONF": str(softhsm)},
            key=identity.labels[Purpose.TLS],
        )
        return StunnelBackend(address, pin, chain, trust, clock=clock, monotonic=monotonic)

    return make
