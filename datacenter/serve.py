"""The server itself: gunicorn inside our process, with mutual TLS directly or on a Unix socket behind a front.

Decides how the parts are put together for a worker process. Whatever cannot work is found out before the first worker
starts and ends the program with a sentence; after that, trouble with database or trust files is answered 503 and
logged, and the server stays.
"""

import logging
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask
from gunicorn.app.base import BaseApplication

from datacenter import database
from datacenter.config import Config, owner_only
from datacenter.door import Door
from datacenter.errors import ConfigError
from datacenter.front import FrontPeer
from datacenter.ingest import Ingest
from datacenter.readings import Archive
from datacenter.refusals import Refusals
from datacenter.server import Peer, create_app
from datacenter.tls import CurrentContext, DirectPeer, PatientSocket, require_own_handshake
from datacenter.trust import Trust
from datacenter.worker import PatientWorker
from pki.certificates import load_certificate
from pki.errors import CertificateError

GRACEFUL_SECONDS = 30
"""After SIGTERM: time for requests that are being answered; the rest come again."""
_HEARTBEAT_SECONDS = 60
_SOCKET_UMASK = 0o007
"""The front's group may use the socket, others may not."""

Wrap = Callable[[Any], Any]


def clock() -> datetime:
    """The server's clock: aware UTC."""
    return datetime.now(UTC)


def encryption_key(config: Config) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """What gateways seal for, and the key that opens it. Raises ConfigError."""
    keys = config.keys
    try:
        certificate = load_certificate(keys.encryption_certificate.read_bytes())
        key = load_pem_private_key(owner_only(keys.encryption_key).read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm, CertificateError) as error:
        raise ConfigError(f"encryption key: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ConfigError(f"{keys.encryption_key} is not the key of {keys.encryption_certificate}")
    return certificate, key


def build(config: Config, *, now: Callable[[], datetime] = clock) -> Flask:
    """The application of one worker process; ``extensions["door"]`` judges resting connections. Raises ConfigError."""
    engine = database.engine(config.database)
    recipient, key = encryption_key(config)
    trust = Trust(config.trust, config.gateways, time.monotonic, config.administrators)
    ingest = Ingest(
        trust=trust,
        recipient=recipient,
        key=key,
        archive=Archive(engine),
        refusals=Refusals(engine),
        limits=config.limits,
    )
    peer: Peer = FrontPeer() if config.listen.socket else DirectPeer(config.limits)
    application = create_app(ingest, peer=peer, limits=config.limits, clock=now, monotonic=time.monotonic)
    application.extensions["door"] = None if config.listen.socket else Door(trust, now, time.monotonic)
    return application


def check(config: Config) -> CurrentContext | None:
    """Find out now what would fail later; creates missing tables. Raises ConfigError and StorageError."""
    encryption_key(config)
    Trust(config.trust, config.gateways, time.monotonic, config.administrators)
    engine = database.engine(config.database)
    database.prepare(engine)
    engine.dispose()
    if config.listen.socket:
        return None
    owner_only(config.keys.tls_key)
    context = CurrentContext(config, time.monotonic)
    require_own_handshake(context.get(), config)
    return context


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """gunicorn with our settings, and with nothing read from its command line, environment or files."""

    def __init__(self, config: Config, context: CurrentContext | None, load: Callable[[], Any]) -> None:
        """``load`` makes the WSGI application inside each worker; ``context`` is None on a Unix socket."""
        self._config = config
        self._context = context
        self._load = load
        super().__init__()

    def load_config(self) -> None:
        """Set everything that matters explicitly."""
        listen, limits = self._config.listen, self._config.limits
        PatientSocket.silence_seconds = PatientWorker.silence_seconds = float(limits.request_seconds)
        settings: dict[str, Any] = {
            "bind": f"unix:{listen.socket}" if listen.socket else _address(listen.host, listen.port),
            "umask": _SOCKET_UMASK if listen.socket else 0o077,
            "worker_class": PatientWorker,
            "workers": listen.workers,
            "threads": listen.threads,
            "worker_connections": limits.connections,
            "keepalive": limits.idle_seconds,
            "timeout": _HEARTBEAT_SECONDS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "limit_request_line": 1024,
            "limit_request_fields": 32,
            "limit_request_field_size": 8190,
            "forwarded_allow_ips": "",
            "control_socket_disable": True,
            "loglevel": "warning",
        }
        if self._context is not None:
            settings |= {
                "certfile": str(self._config.keys.tls_certificate),
                "keyfile": str(self._config.keys.tls_key),
                "ssl_context": self._current_context,
            }
        for name, value in settings.items():
            # Settings that an older gunicorn does not have are defaults there.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, in the worker."""
        return self._load()

    def _current_context(self, _settings: object, _default: object) -> ssl.SSLContext:
        if self._context is None:
            raise RuntimeError("no TLS on a Unix socket")
        return self._context.get()


def run(config: Config, *, wrap: Wrap = lambda application: application) -> None:
    """Serve until SIGTERM or SIGINT; ends the process with gunicorn's exit code (0 after either signal).

    ``wrap`` puts WSGI middleware around the application. Raises ConfigError and StorageError before it starts.
    """
    context = check(config)
    where = config.listen.socket or _address(config.listen.host, config.listen.port)
    logging.getLogger(__name__).info("%s listens on %s", config.name, where)

    def load() -> Any:
        application = build(config)
        PatientWorker.door = application.extensions["door"]
        return wrap(application)

    Server(config, context, load).run()


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
