"""Accepts tunnels: the administrator's end of mutual TLS, where gateways and market participants dial us.

Decides when somebody who dialled counts as known: after OpenSSL checked chain and revocation lists in the handshake
and after the owner's ``verify``, over the trust store of that very moment. :class:`Acceptor` only takes connections;
each is shaken hands with by whoever serves it (:meth:`Incoming.shake_hands`), so that a slow peer delays nobody else.
New revocation lists take effect for the next handshake, and for open tunnels as soon as their owner asks again
(:meth:`AcceptedTunnel.verify_again`). The profile of TLS is that of ``pki.tls`` (TR-03116-3 §4).
"""

import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from cryptography import x509
from OpenSSL import SSL

from pki.certificates import TrustStore, VerifiedCertificate
from pki.errors import CertificateError, TunnelError, TunnelReason
from pki.tls import InProcessTunnel, TlsIdentity, server_context, shake_hands
from pki.tls_engine import TlsEngine

DEFAULT_BACKLOG: Final = 128
"""Connections that the kernel keeps until they are accepted: a region's gateways after a power cut come in waves."""

Address = tuple[str, int]
"""Host and port of who dialled."""
Verify = Callable[[x509.Certificate, TrustStore, datetime], VerifiedCertificate]
"""The last word on who dialled: TrustStore.verify with role, purpose and pins filled in. Raises CertificateError."""


class AcceptedTunnel(InProcessTunnel):
    """A tunnel that a peer opened to us; made by :meth:`Incoming.shake_hands`."""

    def __init__(
        self,
        connection: socket.socket,
        engine: TlsEngine,
        clock: Callable[[], datetime],
        early: bytes,
        *,
        address: Address,
        verify: Callable[[x509.Certificate, datetime], VerifiedCertificate],
    ) -> None:
        """Take over a connection whose handshake is done."""
        super().__init__(connection, engine, clock, early)
        if engine.peer is None:
            raise RuntimeError("a tunnel is accepted after its handshake")
        self._peer = engine.peer
        self._address = address
        self._verify = verify

    @property
    def peer(self) -> VerifiedCertificate:
        """Who is there, as last verified."""
        return self._peer

    @property
    def address(self) -> Address:
        """Where the peer dialled from; for logs, it proves nothing."""
        return self._address

    def verify_again(self, at: datetime) -> VerifiedCertificate:
        """Decide anew about the same certificate, with the revocation lists of now; the tunnel itself stays as it is.

        Whoever owns the tunnel MUST close it when this raises.

        Raises:
            CertificateError: with the reason, as ``verify`` gave it: revoked, expired, locked out, ...
        """
        self._peer = self._verify(self._peer.certificate, at)
        return self._peer


class Incoming:
    """Somebody dialled; nothing is known about him yet. Either :meth:`shake_hands` or :meth:`close` must follow."""

    def __init__(self, owner: "Acceptor", connection: socket.socket, address: Address) -> None:
        """Take over an accepted connection."""
        self._owner = owner
        self._socket = connection
        self.address = address

    def shake_hands(self, timeout: float) -> AcceptedTunnel:
        """Prove each to the other, within ``timeout`` seconds; to be called in the thread that will serve the tunnel.

        Raises:
            TunnelError: PEER_CERTIFICATE, HANDSHAKE, TIMEOUT, CLOSED; the connection is closed then.
        """
        deadline = time.monotonic() + timeout
        try:
            self._socket.settimeout(timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            engine = self._owner.engine()
            early = shake_hands(self._socket, engine, deadline)
            return AcceptedTunnel(
                self._socket, engine, self._owner.clock, early, address=self.address, verify=self._owner.verify
            )
        except OSError as error:
            self.close()
            raise TunnelError(TunnelReason.CLOSED, f"the connection broke: {error.strerror}") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up without a word."""
        self._socket.close()


class Acceptor:
    """A listening port with one identity of ours; thread-safe."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        identity: TlsIdentity,
        trust: Callable[[], TrustStore],
        verify: Verify,
        clock: Callable[[], datetime],
        backlog: int = DEFAULT_BACKLOG,
    ) -> None:
        """Listen on ``host`` and ``port`` (0: any free one).

        ``trust`` gives what is believed now: the same object while nothing changed, because a TLS context is built for
        every new one. ``clock`` gives aware UTC. Raises TunnelError: UNREACHABLE where the address cannot be listened
        on, HANDSHAKE where key and certificate do not fit.
        """
        self._identity = identity
        self._trust = trust
        self._verify = verify
        self.clock = clock
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._believed, self._context = self._current(None)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family, backlog=backlog)
        except OSError as error:
            raise TunnelError(TunnelReason.UNREACHABLE, f"cannot listen on {host}:{port}: {error.strerror}") from error
        self._port: int = self._listener.getsockname()[1]

    @property
    def port(self) -> int:
        """Where we listen."""
        return self._port

    def accept(self, timeout: float) -> Incoming | None:
        """The next who dialled, or None: nobody within ``timeout`` seconds, no place for another, or we are closed."""
        if self._closed.is_set():
            return None
        try:
            self._listener.settimeout(timeout)
            connection, address = self._listener.accept()
        except TimeoutError:
            return None
        except OSError:
            # Without descriptors or memory there is no place for another connection; it waits in the backlog and we do
            # not turn in circles meanwhile. A listener that was closed ends the waiting at once.
            self._closed.wait(timeout)
            return None
        return Incoming(self, connection, (str(address[0]), int(address[1])))

    def engine(self) -> TlsEngine:
        """The server's end of one handshake, over what is believed now. Raises TunnelError."""
        with self._lock:
            self._believed, self._context = self._current(self._believed)
            trust, context = self._believed, self._context

        def verify(certificate: x509.Certificate) -> VerifiedCertificate:
            return self._verify(certificate, trust, self.clock())

        return TlsEngine(context, server=True, verify=verify)

    def verify(self, certificate: x509.Certificate, at: datetime) -> VerifiedCertificate:
        """The owner's word on a certificate, over what is believed now. Raises CertificateError."""
        return self._verify(certificate, self._trust(), at)

    def close(self) -> None:
        """Stop listening; tunnels that are open stay so. May be called again, and while another thread accepts."""
        if self._closed.is_set():
            return
        self._closed.set()
        try:
            # Closing alone would leave a waiting accept() in its wait.
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        finally:
            self._listener.close()

    def _current(self, before: TrustStore | None) -> tuple[TrustStore, SSL.Context]:
        try:
            trust = self._trust()
        except CertificateError as error:
            raise TunnelError(TunnelReason.PEER_CERTIFICATE, f"nobody can be believed now: {error}") from error
        return (trust, self._context) if trust is before else (trust, server_context(self._identity, trust))
