"""The one TLS profile of the WAN, contexts that follow it, and tunnels whose key stands in process memory.

Decides versions, suites, groups and what a handshake must prove (TR-03116-3 §4). TLS 1.2 always, 1.3 offered, nothing
below; ECDSA over ECDHE only; no renegotiation, no compression, no resumption here. Both sides show certificates:
OpenSSL checks chain and revocation lists inside the handshake (with the system's clock), then ``TrustStore.verify``
decides role, purpose and pin before one application byte passes. There is no way to make a context without that.

:class:`InProcessBackend` is for load generators and platforms without stunnel (design D2): a gateway uses it only where
its configuration says ``private-key-in-process-memory``, and keeps the key in its token otherwise (``pki.token_tls``).
PP-0073: FCS_CKM.1/TLS, FCS_COP.1/TLS, FTP_ITC.1/WAN.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from pki.certificates import Purpose, TrustStore, VerifiedCertificate, fingerprint
from pki.checks import authority_key_identifier, subject_key_identifier
from pki.errors import CertificateError, TunnelError, TunnelReason
from pki.tls_engine import TlsEngine
from pki.tunnel import PROBE_AFTER, PROBE_EVERY, PROBES, TunnelPeer, require_age

__all__ = [
    "GROUPS",
    "GROUPS_TLS13",
    "SUITES",
    "SUITES_TLS13",
    "InProcessBackend",
    "InProcessTunnel",
    "TlsEngine",
    "TlsIdentity",
    "chain_of",
    "client_context",
    "server_context",
    "shake_hands",
]

SUITES: Final = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256"
"""TLS 1.2, both mandatory; CBC with encrypt-then-MAC, which OpenSSL offers by itself (TR-03116-3 §4)."""
SUITES_TLS13: Final = "TLS_AES_128_GCM_SHA256"
GROUPS: Final = ("prime256v1", "brainpoolP256r1", "brainpoolP384r1")
"""Mandatory groups of TLS 1.2; secp256r1 (OpenSSL: prime256v1) first, because its handshakes are cheaper."""
GROUPS_TLS13: Final = ("brainpoolP256r1tls13", "brainpoolP384r1tls13")
"""The brainpool groups have numbers of their own in TLS 1.3 (RFC 8734); OpenSSL knows them from 3.2 on."""

SEND_TIMEOUT: Final = 30.0
"""Seconds that a peer may take without reading; then it is taken for dead."""
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """Who we are: our TLS certificate and the CA certificates below the root, and the key (never shown)."""

    chain: tuple[x509.Certificate, ...]
    key: ec.EllipticCurvePrivateKey = field(repr=False)


def chain_of(certificate: x509.Certificate, trust: TrustStore) -> tuple[x509.Certificate, ...]:
    """``certificate`` and the CA below the root that issued it, as far as ``trust`` has it: what our end shows.

    Only its own: RFC 5246 §7.4.2 wants each certificate of the chain to certify the one before it. A CA is told by name
    and key identifier; nothing is believed by that, our peer verifies.
    """
    issuers = (
        authority
        for authority in trust.authorities[len(trust.roots) :]
        if authority.subject == certificate.issuer
        and subject_key_identifier(authority) == authority_key_identifier(certificate)
    )
    return (certificate, *tuple(issuers)[:1])


def client_context(identity: TlsIdentity, trust: TrustStore) -> SSL.Context:
    """A context to dial with. Raises TunnelError(HANDSHAKE) where OpenSSL does not take the identity."""
    return _context(SSL.TLS_CLIENT_METHOD, identity, trust)


def server_context(identity: TlsIdentity, trust: TrustStore) -> SSL.Context:
    """A context to accept with; clients must show a certificate. Raises TunnelError(HANDSHAKE)."""
    context = _context(SSL.TLS_SERVER_METHOD, identity, trust)
    context.set_options(SSL.OP_CIPHER_SERVER_PREFERENCE)
    return context


def _context(method: int, identity: TlsIdentity, trust: TrustStore) -> SSL.Context:
    context = SSL.Context(method)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    # A session ends with its tunnel. Tickets would need keys that are rotated and an age that a renewed ticket hides.
    context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(SUITES.encode())
    context.set_tls13_ciphersuites(SUITES_TLS13.encode())
    _offer_groups(context)
    store = context.get_cert_store()
    if store is None:
        raise TunnelError(TunnelReason.HANDSHAKE, "OpenSSL gave no certificate store")
    try:
        for authority in trust.authorities:
            store.add_cert(crypto.X509.from_cryptography(authority))
        for revocations in trust.crls:
            store.add_crl(revocations)
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        context.use_certificate(identity.chain[0])
        for authority in identity.chain[1:]:
            context.add_extra_chain_cert(authority)
        context.use_privatekey(identity.key)
        context.check_privatekey()
    except (SSL.Error, crypto.Error, IndexError) as error:
        raise TunnelError(TunnelReason.HANDSHAKE, f"our own TLS certificate and key do not fit: {error}") from error
    return context


def _offer_groups(context: SSL.Context) -> None:
    # pyOpenSSL's own set_tmp_ecdh takes one group and forgets the others, but secp256r1 and both brainpool groups are
    # mandatory. The call behind it is public in OpenSSL; only the handle to the context is not public in pyOpenSSL.
    groups = ":".join((*GROUPS, *GROUPS_TLS13)).encode()
    if SSL._lib.SSL_CTX_set1_curves_list(context._context, groups) != 1:  # type: ignore[attr-defined]  # noqa: SLF001
        raise TunnelError(TunnelReason.HANDSHAKE, "this OpenSSL does not know the mandatory groups")


class InProcessTunnel:
    """A tunnel over a socket that it owns; made by :class:`InProcessBackend` or accepted by :mod:`pki.acceptor`."""

    def __init__(
        self, connection: socket.socket, engine: TlsEngine, clock: Callable[[], datetime], early: bytes
    ) -> None:
        """Take over a connection whose handshake is done; ``early`` is what :func:`shake_hands` returned."""
        self._socket = connection
        self._engine = engine
        self._clock = clock
        self._opened_at = clock()
        self._plaintext = early
        self._closed = False

    @property
    def opened_at(self) -> datetime:
        """When the handshake was done, aware UTC."""
        return self._opened_at

    @property
    def parameters(self) -> tuple[str, str, str]:
        """TLS version, suite and group."""
        return self._engine.parameters

    def send(self, data: bytes) -> None:
        """Encrypt and hand over all of ``data``. Raises TunnelError: CLOSED or TIMEOUT; the tunnel is closed then."""
        self._require_open()
        try:
            self._engine.send(data)
            self._socket.settimeout(SEND_TIMEOUT)
            self._socket.sendall(self._engine.outgoing())
        except TimeoutError as error:
            self.close()
            raise TunnelError(TunnelReason.TIMEOUT, "the peer does not take what we send") from error
        except OSError as error:
            self.close()
            raise TunnelError(TunnelReason.CLOSED, f"the connection broke: {error.strerror}") from error

    def receive(self, count: int, timeout: float) -> bytes:
        """One to ``count`` bytes, or ``b""`` after the peer's orderly end. Raises TunnelError: TIMEOUT or CLOSED."""
        self._require_open()
        deadline = time.monotonic() + timeout
        while not self._plaintext:
            if self._engine.ended:
                return b""
            try:
                data = _read(self._socket, deadline)
                self._plaintext = self._engine.receive(data)
            except TunnelError as error:
                if error.reason is not TunnelReason.TIMEOUT:
                    self.close()
                raise
        taken, self._plaintext = self._plaintext[:count], self._plaintext[count:]
        return taken

    def close(self) -> None:
        """Say goodbye and close the socket."""
        if self._closed:
            return
        self._closed = True
        self._engine.close()
        try:
            self._socket.settimeout(0)
            self._socket.sendall(self._engine.outgoing())
        except OSError:
            # The goodbye is a courtesy: a peer that is gone, or does not read, misses nothing.
            pass
        finally:
            self._socket.close()

    def _require_open(self) -> None:
        if self._closed:
            raise TunnelError(TunnelReason.CLOSED, "the tunnel is closed")
        try:
            require_age(self._opened_at, self._clock())
        except TunnelError:
            self.close()
            raise


class InProcessBackend:
    """Makes tunnels with a software key (TunnelBackend)."""

    def __init__(self, identity: TlsIdentity, trust: TrustStore, *, clock: Callable[[], datetime]) -> None:
        """``clock`` gives aware UTC. Raises TunnelError(HANDSHAKE) where key and certificate do not fit."""
        self._context = client_context(identity, trust)
        self._trust = trust
        self._clock = clock

    def open(self, peer: TunnelPeer, *, timeout: float) -> InProcessTunnel:
        """Dial, shake hands, verify; see TunnelBackend.open."""
        pinned = {fingerprint(peer.certificate)}

        def verify(certificate: x509.Certificate) -> VerifiedCertificate:
            return self._trust.verify(certificate, role=peer.role, purpose=Purpose.TLS, at=self._clock(), pinned=pinned)

        # A pinned certificate that is not good now is not dialled at all.
        try:
            verify(peer.certificate)
        except CertificateError as error:
            raise TunnelError(TunnelReason.PEER_CERTIFICATE, f"the peer's pinned certificate: {error}") from error
        deadline = time.monotonic() + timeout
        try:
            connection = socket.create_connection((peer.host, peer.port), timeout=timeout)
        except TimeoutError as error:
            raise TunnelError(TunnelReason.TIMEOUT, f"{peer.host}:{peer.port} does not answer") from error
        except OSError as error:
            raise TunnelError(TunnelReason.UNREACHABLE, f"{peer.host}:{peer.port}: {error.strerror}") from error
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if peer.probed:
                _probe(connection)
            engine = TlsEngine(self._context, server=False, verify=verify)
            early = shake_hands(connection, engine, deadline)
        except BaseException:
            connection.close()
            raise
        return InProcessTunnel(connection, engine, self._clock, early)


def shake_hands(connection: socket.socket, engine: TlsEngine, deadline: float) -> bytes:
    """Carry bytes until the handshake is done and the peer known; raises TunnelError. ``deadline`` is monotonic.

    Returns the plaintext that came along with the end of the handshake: a peer may speak as soon as its part is done.
    """
    early = b""
    while True:
        _write(connection, engine.outgoing())
        if engine.peer is not None:
            return early
        data = _read(connection, deadline)
        try:
            early = engine.receive(data)
        except TunnelError:
            # The alert, so that the peer can say in its log why. That it is gone already is not the reason.
            with suppress(TunnelError):
                _write(connection, engine.outgoing())
            raise


def _probe(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_AFTER)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_EVERY)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)


def _write(connection: socket.socket, data: bytes) -> None:
    if not data:
        return  # What a peer sent before it left is read, although nothing could be sent to it any more.
    try:
        connection.sendall(data)
    except OSError as error:
        raise TunnelError(TunnelReason.HANDSHAKE, f"the peer broke off the handshake: {error}") from error


def _read(connection: socket.socket, deadline: float) -> bytes:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TunnelError(TunnelReason.TIMEOUT, "the peer does not answer in time")
    try:
        connection.settimeout(remaining)
        data = connection.recv(_CHUNK)
    except TimeoutError as error:
        raise TunnelError(TunnelReason.TIMEOUT, "the peer does not answer in time") from error
    except OSError as error:
        raise TunnelError(TunnelReason.CLOSED, f"the connection broke: {error.strerror}") from error
    if not data:
        # The end of the TCP stream without close_notify: somebody cut the line (RFC 8446 §6.1).
        raise TunnelError(TunnelReason.CLOSED, "the connection was cut off")
    return data
