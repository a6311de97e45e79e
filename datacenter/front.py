"""Behind a TLS front: the client certificate arrives in a header, and only from the front.

Decides when a header may speak for a handshake: only on a Unix socket, whose file permissions let nobody but the front
in, and only if the front says that it verified the client. The front must *set* both headers, so that a client's own
are overwritten (docs/production.md has the configuration). ``ingest`` step 1 then verifies the certificate as ever.
"""

import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

CERTIFICATE_HEADER = "X-Client-Certificate"
"""PEM, percent-encoded (nginx: ``$ssl_client_escaped_cert``)."""
VERIFIED_HEADER = "X-Client-Verified"
"""``SUCCESS`` (nginx: ``$ssl_client_verify``)."""

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
