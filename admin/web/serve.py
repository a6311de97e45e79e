"""The console's server: gunicorn in our process, TLS alone.

Decides that nothing is ever served without TLS: passwords and session cookies travel here. gunicorn, because the
datacenter runs on it already and it is maintained. One worker process with threads: the office and what was begun for
people (wake-ups, renewals) are known to one process.
"""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication

from admin.config import Configuration, Listen
from admin.errors import ConfigError
from admin.office import Office
from admin.session import Environment
from admin.web.app import create_app
from admin.web.certificate import own_certificate
from admin.web.desk import Console
from pki.certificates import fingerprint, load_certificate
from pki.errors import CertificateError

THREADS: Final = 8
REQUEST_SECONDS: Final = 60
GRACEFUL_SECONDS: Final = 15


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """gunicorn with our settings, and with nothing read from its command line, environment or files."""

    def __init__(self, address: str, files: tuple[Path, Path], load: Callable[[], Flask]) -> None:
        """``load`` makes the application inside the worker: a token is opened after the fork, never before."""
        self._address = address
        self._files = files
        self._load = load
        self._opened: Flask | None = None
        super().__init__()

    def load_config(self) -> None:
        """Set everything that matters explicitly."""
        certificate, key = self._files
        settings: dict[str, Any] = {
            "bind": self._address,
            "umask": 0o077,
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "timeout": REQUEST_SECONDS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": 5,
            "limit_request_line": 4094,
            "limit_request_fields": 48,
            "limit_request_field_size": 8190,
            "forwarded_allow_ips": "",
            "control_socket_disable": True,
            "loglevel": "warning",
            "worker_exit": lambda _arbiter, _worker: self.end(),
            "certfile": str(certificate),
            "keyfile": str(key),
            "ssl_context": lambda _settings, _default: context(certificate, key),
        }
        for name, value in settings.items():
            # Settings that an older gunicorn does not have are defaults there.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application, in the worker."""
        self._opened = self._load()
        return self._opened

    def end(self) -> None:
        """The worker ends: nobody waits for a gateway any longer, and the token is left."""
        if self._opened is not None:
            console: Console = self._opened.extensions["console"]
            console.errands.stop()
            console.office.close()


def context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 with forward secrecy, or 1.3; what every browser has (TR-02102-2). Raises ConfigError."""
    chosen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chosen.minimum_version = ssl.TLSVersion.TLSv1_2
    chosen.set_ciphers("ECDHE+AESGCM")
    try:
        chosen.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"[web]: {certificate} and {key} cannot be used: {error}") from error
    return chosen


def _require_free(listen: Listen) -> None:
    """Raise ConfigError where nobody can listen at ``listen``: gunicorn would try again, and say so in many lines."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        socket.create_server((listen.host, listen.port), family=family).close()
    except OSError as error:
        raise ConfigError(f"[web]: cannot listen on {listen.host}:{listen.port}: {error.strerror}") from error


def run(configuration: Configuration, environment: Environment, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ends the process. Raises ConfigError and StorageError before it starts."""
    web = configuration.web
    with Office(configuration, monotonic=environment.monotonic) as office:
        if not office.users.all():
            raise ConfigError("nobody could log in; let somebody in: smgw-admin users add NAME --role supervisor")
    if web.certificate is not None and web.key is not None:
        files = (web.certificate, web.key)
    else:
        files = own_certificate(configuration.database.parent, web.listen.host, environment.clock())
    context(*files)
    _require_free(web.listen)
    try:
        mark = fingerprint(load_certificate(files[0].read_bytes()))
    except (OSError, CertificateError) as error:
        raise ConfigError(f"[web]: {files[0]} cannot be read: {error}") from error
    host = f"[{web.listen.host}]" if ":" in web.listen.host else web.listen.host
    say(f"console: https://{host}:{web.listen.port}/ (SHA-256 of its certificate: {mark})")

    def load() -> Flask:
        return create_app(Office(configuration, monotonic=environment.monotonic), environment)

    Server(f"{host}:{web.listen.port}", files, load).run()
