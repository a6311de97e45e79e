"""TLS without a socket: bytes in, bytes out (TR-03116-3 §4).

Decides when a connection counts as open: after OpenSSL's handshake, which checks chain and revocation lists, and after
the last word of a TrustStore on role, purpose and pin. No application byte passes either way before both.
PP-0073: FIA_UAU.2, FIA_UID.2.
"""

from collections.abc import Callable, Sequence
from typing import Final

from cryptography import x509
from OpenSSL import SSL

from pki.certificates import VerifiedCertificate
from pki.errors import CertificateError, TunnelError, TunnelReason

MAX_PLAINTEXT: Final = 16_384
"""Bytes of one TLS record (RFC 8446 §5.1); one read asks for no more."""

_CERTIFICATE_WORDS: Final = ("certificate", "unknown ca", "crl")

Verify = Callable[[x509.Certificate], VerifiedCertificate]
"""The last word on a peer: TrustStore.verify with role, purpose, time and pins filled in. Raises CertificateError."""


class TlsEngine:
    """One end of one TLS connection, without IO: feed what arrived, send what is outgoing.

    Until the handshake is done and ``verify`` accepted the peer, nothing is decrypted for and nothing accepted from the
    user of the engine. After any TunnelError only :meth:`outgoing` may be called, for the alert.
    """

    def __init__(self, context: SSL.Context, *, server: bool, verify: Verify) -> None:
        """Prepare; a client's first bytes are outgoing at once."""
        self._connection = SSL.Connection(context)
        self._verify = verify
        self._peer: VerifiedCertificate | None = None
        self._ended = False
        if server:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
            self.receive(b"")

    @property
    def peer(self) -> VerifiedCertificate | None:
        """Who is there; None until the handshake is done."""
        return self._peer

    @property
    def ended(self) -> bool:
        """Whether the peer said that it will send no more (close_notify)."""
        return self._ended

    @property
    def parameters(self) -> tuple[str, str, str]:
        """Version, suite and group of the connection, as OpenSSL calls them."""
        return (
            self._connection.get_protocol_version_name(),
            self._connection.get_cipher_name() or "",
            self._connection.get_group_name() or "",
        )

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the network; return the plaintext that they complete.

        Raises TunnelError: PEER_CERTIFICATE, HANDSHAKE, or CLOSED once the connection is broken.
        """
        view = memoryview(data)
        plaintext: list[bytes] = []
        while True:
            if view:
                view = view[self._connection.bio_write(bytes(view)) :]
            if self._peer is None and not self._ended:
                self._shake_hands()
            if self._peer is not None:
                plaintext.append(self._decrypt())
            if not view:
                return b"".join(plaintext)

    def send(self, data: bytes) -> None:
        """Encrypt ``data``; the result is outgoing. Raises TunnelError(CLOSED)."""
        if self._peer is None:
            raise RuntimeError("nothing is sent before the peer is known")
        view = memoryview(data)
        try:
            while view:
                view = view[self._connection.send(bytes(view[:MAX_PLAINTEXT])) :]
        except SSL.Error as error:
            raise TunnelError(TunnelReason.CLOSED, "the TLS connection is broken") from error

    def outgoing(self) -> bytes:
        """Bytes for the network, possibly none."""
        parts: list[bytes] = []
        try:
            while True:
                parts.append(self._connection.bio_read(65_536))
        except SSL.WantReadError:
            return b"".join(parts)

    def close(self) -> None:
        """Say that no more will be sent; the message is outgoing."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            # An unfinished or broken connection has no orderly end; there is nobody left to tell.
            return

    def _shake_hands(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise _handshake_error(error) from error
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            raise TunnelError(TunnelReason.PEER_CERTIFICATE, "the peer showed no certificate")
        try:
            self._peer = self._verify(certificate)
        except CertificateError as error:
            # Whatever would finish the handshake for the peer is not sent: to him as well there was never a tunnel.
            self.outgoing()
            raise TunnelError(TunnelReason.PEER_CERTIFICATE, f"the peer's certificate: {error}") from error

    def _decrypt(self) -> bytes:
        parts: list[bytes] = []
        try:
            while not self._ended:
                parts.append(self._connection.recv(MAX_PLAINTEXT))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self._ended = True
        except SSL.Error as error:
            raise TunnelError(TunnelReason.CLOSED, f"the TLS connection broke: {_words(error)}") from error
        return b"".join(parts)


def _handshake_error(error: SSL.Error) -> TunnelError:
    words = _words(error)
    # An alert is the peer's word about us; everything else about certificates is ours about the peer.
    if "alert" not in words and any(word in words for word in _CERTIFICATE_WORDS):
        return TunnelError(TunnelReason.PEER_CERTIFICATE, f"the peer's certificate is refused: {words}")
    return TunnelError(TunnelReason.HANDSHAKE, f"the TLS handshake failed: {words}")


def _words(error: SSL.Error) -> str:
    """OpenSSL's queue of (library, function, reason), as one sentence."""
    queue: Sequence[object] = error.args[0] if error.args and isinstance(error.args[0], (list, tuple)) else ()
    reasons = [str(entry[-1]) for entry in queue if isinstance(entry, tuple) and entry]
    return "; ".join(reasons) or "the connection ended"
