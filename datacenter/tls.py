"""The TLS end of the embedded server: one context per state of the trust files, and sockets that do not wait for ever.

Decides what a handshake must prove before a byte of HTTP is read: TLS 1.2 with the two mandatory suites, a client
certificate whose chain and revocation lists hold (OpenSSL checks them with the system's clock). It does not decide who
the client is: ``ingest`` step 1 verifies the certificate again, fully, for every request.
"""

import os
import ssl
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from datacenter.config import Config, KeyFiles, Limits
from datacenter.errors import ConfigError, RefusalReason, RefusedError
from datacenter.trust import LOOK_SECONDS, State, folder_state
from pki.tls import SUITES

OPENSSL_CONFIGURATION = Path(__file__).with_name("openssl.cnf")
_HANDSHAKE_ROUNDS = 8


def server_context(trust: Path, keys: KeyFiles) -> ssl.SSLContext:
    """A context that asks for client certificates and checks them. Raises ConfigError.

    TLS 1.3 is not offered here: OpenSSL 3.0 has no signature algorithms for brainpool certificates in it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    context.options |= (
        ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_TICKET
    )
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN | ssl.VerifyFlags.VERIFY_X509_STRICT
    try:
        context.load_cert_chain(keys.tls_certificate, keys.tls_key)
        for path in sorted([*trust.glob("*.pem"), *trust.glob("*.crl")]):
            context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"TLS: {error}") from error
    context.sslsocket_class = PatientSocket
    return context


class PatientSocket(ssl.SSLSocket):
    """A socket whose blocking mode ends: gunicorn's threads would otherwise wait for a silent peer for ever."""

    silence_seconds = float(Limits().request_seconds)
    leaving = False
    """Whether the answer to the present request is the last (see :func:`hang_up`)."""

    def setblocking(self, flag: bool) -> None:
        """Blocking means: for at most ``silence_seconds``."""
        self.settimeout(None if flag else 0.0)

    def settimeout(self, value: float | None) -> None:
        """No time-out means ``silence_seconds``: so it is from the wrapping of a socket on, before its handshake."""
        super().settimeout(self.silence_seconds if value is None else value)


class CurrentContext:
    """The context for new connections: built once, and again when trust or key files changed; thread-safe.

    Building it for every connection would cost a third of the handshakes per second (docs/production.md).
    """

    def __init__(self, config: Config, monotonic: Callable[[], float]) -> None:
        """Build the first one. Raises ConfigError."""
        self._config = config
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked = monotonic()
        self._state = self._look()
        self._context = self._build()

    def get(self) -> ssl.SSLContext:
        """What holds now. Raises ConfigError while the files cannot be used: then nobody gets in."""
        if self._monotonic() - self._looked < LOOK_SECONDS:
            return self._context
        with self._lock:
            state = self._look()
            if state != self._state:
                self._context, self._state = self._build(), state
            self._looked = self._monotonic()
            return self._context

    def _look(self) -> tuple[State, int, int]:
        keys = self._config.keys
        try:
            return (
                folder_state(self._config.trust),
                keys.tls_certificate.stat().st_mtime_ns,
                keys.tls_key.stat().st_mtime_ns,
            )
        except OSError as error:
            raise ConfigError(f"{error.filename}: {error.strerror}") from error

    def _build(self) -> ssl.SSLContext:
        return server_context(self._config.trust, self._config.keys)


class DirectPeer:
    """The client certificate from the TLS socket that gunicorn hands to the application."""

    def __init__(self, limits: Limits) -> None:
        """Remember since when each connection is open."""
        self._session_seconds = limits.session_seconds
        self._since: weakref.WeakKeyDictionary[ssl.SSLSocket, float] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def certificate(self, environ: Mapping[str, Any], at: float) -> bytes | None:
        """DER; None without TLS. Raises RefusedError(TUNNEL_TOO_OLD) on a session past its 48 h (TR-03109-1)."""
        connection = environ.get("gunicorn.socket")
        if not isinstance(connection, ssl.SSLSocket):
            return None
        with self._lock:
            since = self._since.setdefault(connection, at)
        if at - since > self._session_seconds:
            hang_up(environ)
            raise RefusedError(RefusalReason.TUNNEL_TOO_OLD)
        return connection.getpeercert(binary_form=True)


def hang_up(environ: Mapping[str, Any]) -> None:
    """Let ``worker`` end this connection after the answer to the present request.

    A front's connections are not touched: other gateways speak over them as well.
    """
    connection = environ.get("gunicorn.socket")
    if isinstance(connection, PatientSocket):
        connection.leaving = True


def restart_with_groups() -> None:
    """Replace this process by itself under our OpenSSL configuration, unless it runs under it already.

    The library reads it once, when it is loaded, so setting the variable now would be too late. The process keeps its
    number, its descriptors and its arguments; whoever supervises it notices nothing.
    """
    wanted = str(OPENSSL_CONFIGURATION)
    if os.environ.get("OPENSSL_CONF") != wanted:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, sys.orig_argv, os.environ | {"OPENSSL_CONF": wanted})  # noqa: S606 - ourselves


def require_own_handshake(context: ssl.SSLContext, config: Config) -> None:
    """Shake hands with ourselves, in memory, over brainpoolP256r1 with our own certificate on both ends.

    Proves before the first gateway comes that the groups are in force, that our certificate and key belong together
    and that the revocation lists are current. Raises ConfigError.
    """
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False  # The peer is this very process; there is no host to name.
    client_context.maximum_version = ssl.TLSVersion.TLSv1_2
    client_context.set_ecdh_curve("brainpoolP256r1")
    try:
        client_context.load_cert_chain(config.keys.tls_certificate, config.keys.tls_key)
        for path in sorted(config.trust.glob("*.pem")):
            client_context.load_verify_locations(cafile=path)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = [
            client_context.wrap_bio(to_client, to_server),
            context.wrap_bio(to_server, to_client, server_side=True),
        ]
        for _ in range(_HANDSHAKE_ROUNDS):
            if not [end for end in ends if not _shaken(end)]:
                return
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"TLS does not work with our own certificate: {error}") from error
    raise ConfigError("TLS does not work with our own certificate: the handshake does not end")


def _shaken(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
