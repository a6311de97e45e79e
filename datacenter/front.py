"""Behind a TLS front: the client certificate arrives in a header, and only from the front.

Decides when a header may speak for a handshake: only on a Unix socket, whose file permissions let nobody but the front
in, and only if the front says that it verified the client. The front must *set* both headers, so that a client's own
are overwritten (docs/production.md has the configuration). ``ingest`` step 1 then verifies the certificate as ever.

A gateway whose certificate is revoked or over is refused at its next request here as well, but its connection is the
front's: nginx ends it when it rests too long, or at ``nginx -s reload`` after the new lists were written.
"""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from cryptography.hazmat.primitives.serialization import Encoding

from datacenter.config import Config
from datacenter.errors import ConfigError
from pki.certificates import TrustStore
from pki.errors import CertificateError
from pki.tls import GROUPS, SUITES

CERTIFICATE_HEADER = "X-Client-Certificate"
"""PEM, percent-encoded (nginx: ``$ssl_client_escaped_cert``)."""
VERIFIED_HEADER = "X-Client-Verified"
"""``SUCCESS`` (nginx: ``$ssl_client_verify``)."""

_TEMPLATE = Path(__file__).with_name("nginx.conf.in")
_CERTIFICATE = "HTTP_" + CERTIFICATE_HEADER.upper().replace("-", "_")
_VERIFIED = "HTTP_" + VERIFIED_HEADER.upper().replace("-", "_")


class FrontPeer:
    """The client certificate from the front's header."""

    def certificate(self, environ: Mapping[str, Any], at: float) -> bytes | None:  # noqa: ARG002 - the front counts age
        """PEM; None if this did not come over a Unix socket, or the front did not vouch for it."""
        connection = environ.get("gunicorn.socket")
        if not isinstance(connection, socket.socket) or connection.family is not socket.AF_UNIX:
            return None
        if environ.get(_VERIFIED) != "SUCCESS":
            return None
        return unquote_to_bytes(environ.get(_CERTIFICATE, "")) or None


def write_nginx(config: Config, folder: Path, *, user: str | None = None) -> Path:
    """Write ``nginx.conf`` and the bundles that it names into ``folder``; returns the file for ``nginx -c``.

    nginx reads one file of authorities and one of revocation lists, so both are written anew, by renaming, whenever
    this is called: after every change of the trust folder, followed by ``nginx -s reload``. ``user`` is who nginx's
    workers become when it is started by root; it must be allowed to use the socket. Raises ConfigError.
    """
    if config.listen.socket is None:
        raise ConfigError("[listen] socket is missing: a front needs one to pass deliveries on")
    try:
        trust = TrustStore.from_folder(config.trust)
    except CertificateError as error:
        raise ConfigError(str(error)) from error
    authorities = b"".join(each.public_bytes(Encoding.PEM) for each in trust.authorities)
    revocations = b"".join(each.public_bytes(Encoding.PEM) for each in trust.crls)
    values = {
        "USER": f"user {user};" if user else "",
        "FOLDER": str(folder.resolve()),
        "LISTEN": f"{config.listen.host}:{config.listen.port}",
        "GROUPS": ":".join(GROUPS),
        "SUITES": SUITES,
        "CERTIFICATE": str(config.keys.tls_certificate),
        "KEY": str(config.keys.tls_key),
        "SOCKET": str(config.listen.socket),
        "BODY_BYTES": str(config.limits.body_bytes),
        "SESSION_SECONDS": str(config.limits.session_seconds),
        "IDLE_SECONDS": str(config.limits.idle_seconds),
        "REQUEST_SECONDS": str(config.limits.request_seconds),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        # What comes from our own configuration still must not end a directive and begin another.
        if set(value) & set("\"'{}\n") or (name != "USER" and ";" in value):
            raise ConfigError(f"{value!r} cannot stand in nginx.conf")
        text = text.replace(f"@{name}@", value)
    for name, data in (
        ("authorities.pem", authorities),
        ("revocations.pem", revocations),
        ("nginx.conf", text.encode()),
    ):
        fresh = folder / f".{name}"
        fresh.write_bytes(data)
        fresh.replace(folder / name)
    return folder / "nginx.conf"
