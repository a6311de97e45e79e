"""The datacenter's HTTP face: one path, translated to :mod:`datacenter.ingest` and back.

Decides the HTTP status of every outcome, in one table, because the gateway acts on it: 200 may be forgotten, 422 will
never be accepted and is set aside, everything else is tried again later. So 422 is only for what the opened content
itself decides for ever. Whatever waiting, a renewed certificate, a registration or sealing anew can heal is not final:
it would befall every delivery of that gateway, and each would be set aside. It never answers with text of a sender or
of an exception.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from cryptography import x509
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from datacenter.config import Limits
from datacenter.errors import DatacenterError, RefusalReason, RefusedError
from datacenter.ingest import Ingest
from datacenter.tls import hang_up
from pki.certificates import VerifiedCertificate, load_certificate
from pki.errors import CertificateError

PATH = "/deliveries"
"""Where gateways POST; the communication profile names it."""

BAD_SEAL, FORBIDDEN, TOO_LARGE, UNSUPPORTED, FINAL, TEMPORARY = 400, 403, 413, 415, 422, 503
STATUS: Mapping[RefusalReason, int] = {
    # Not a fault of the content: once the certificate is renewed or registered, the same readings are welcome.
    RefusalReason.TUNNEL_CERTIFICATE: FORBIDDEN,
    RefusalReason.TUNNEL_TOO_OLD: FORBIDDEN,
    RefusalReason.SIGNER_CERTIFICATE: FORBIDDEN,
    # The gateway signs with a renewed key before anybody registered it here.
    RefusalReason.UNKNOWN_SIGNER: FORBIDDEN,
    # The readings are welcome by the way that belongs to their form: nothing is wrong with them.
    RefusalReason.PSEUDONYM: FORBIDDEN,
    # It seals for our former key, until its administrator has given it the profile with the new one.
    RefusalReason.NOT_FOR_US: FORBIDDEN,
    # Nothing was opened, so nothing is known against the content: a gateway seals it anew for every attempt.
    RefusalReason.SEAL_MALFORMED: BAD_SEAL,
    RefusalReason.SEAL_SIGNATURE: BAD_SEAL,
    RefusalReason.DECRYPTION: BAD_SEAL,
    RefusalReason.ALGORITHM: BAD_SEAL,
    RefusalReason.TOO_LARGE: TOO_LARGE,
    RefusalReason.MEDIA_TYPE: UNSUPPORTED,
    RefusalReason.TRUST_STALE: TEMPORARY,
    # Its clock is ahead of ours: what lies in the future becomes acceptable by waiting.
    RefusalReason.FUTURE: TEMPORARY,
    RefusalReason.CONTENT: FINAL,
    RefusalReason.FOREIGN_GATEWAY: FINAL,
    RefusalReason.TOO_OLD: FINAL,
    RefusalReason.CONFLICTING_DELIVERY: FINAL,
    RefusalReason.CONFLICTING_READING: FINAL,
}
"""Every reason stands here: a new one has no status, and so cannot become final, before somebody thought about it."""

_log = logging.getLogger(__name__)


class Peer(Protocol):
    """How the client certificate of a request is found; one implementation per way in."""

    def certificate(self, environ: Mapping[str, Any], at: float) -> bytes | None:
        """DER or PEM of the certificate that the TLS end has proven, None if there is none. Raises RefusedError."""


def create_app(
    ingest: Ingest, *, peer: Peer, limits: Limits, clock: Callable[[], datetime], monotonic: Callable[[], float]
) -> Flask:
    """The WSGI application; thread-safe."""
    app = Flask("datacenter", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = limits.body_bytes

    @app.post(PATH)
    def deliver() -> Response | tuple[Response, int]:
        now = clock()
        try:
            identity = ingest.admit(_certificate(peer, monotonic()), at=now)
            receipt = ingest.ingest(_body(identity), media_type=_media_type(), tunnel_identity=identity, at=now)
        except RefusedError as refused:
            ingest.record(refused, at=now)
            if refused.reason is RefusalReason.TUNNEL_CERTIFICATE:
                # Who is not believed gets this answer and no other; it comes again over a handshake or not at all.
                hang_up(request.environ)
            return jsonify(reason=refused.reason.value), STATUS[refused.reason]
        except DatacenterError as error:
            _log.error("temporarily unable: %s", error)
            return jsonify(result="temporary"), TEMPORARY
        return jsonify(result=receipt.result.value)

    return app


def _certificate(peer: Peer, at: float) -> x509.Certificate:
    shown = peer.certificate(request.environ, at)
    if shown is None:
        raise RefusedError(RefusalReason.TUNNEL_CERTIFICATE, "missing")
    try:
        return load_certificate(shown)
    except CertificateError as error:
        raise RefusedError(RefusalReason.TUNNEL_CERTIFICATE, error.reason.value) from error


def _body(identity: VerifiedCertificate) -> bytes:
    """The whole body within its bound; refused before it is read where its length is announced."""
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise RefusedError(RefusalReason.TOO_LARGE, gateway=identity.identity) from error


def _media_type() -> str:
    """The content type; a content encoding makes it another one: nothing is decompressed here."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        return ""
    return request.headers.get("Content-Type", "")
