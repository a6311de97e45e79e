"""What every answer carries and every request is held to, whoever sends it (PP-0073 FTP_ITC.1/USR).

Decides: nothing is loaded from elsewhere, no script or style stands inside a page, no frame, no copy of personal data
in any cache; what another site's page sends with her browser is refused; and a form of this page carries a token that
only this page can have told.

No Strict-Transport-Security: the certificate is the gateway's own and no authority's, and a browser that was told to
insist would let nobody in any more on the day the gateway renews it. There is no plain HTTP here to fall back to.
"""

import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from flask import Flask, Response, g, request
from werkzeug.exceptions import BadRequest, Forbidden

MAXIMUM_BODY: Final = 64 * 1024
"""Octets of a request: the largest form has prices of a few stages, the largest question of a program a few lines."""
MAXIMUM_FIELDS: Final = 128
MAXIMUM_ADDRESS: Final = 2048
"""Characters of a path with its query: the longest that a page of ours links to has some three hundred."""
FORM_COOKIE: Final = "__Host-form"
"""The secret of forms where there is no session; the prefix keeps neighbours from planting one."""
TOKEN_FIELD: Final = "form_token"  # noqa: S105 - the name of a field
SECRET_OCTETS: Final = 32
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), "
        "usb=()",
    }
)
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FROM_HERE: Final = frozenset({"same-origin", "none"})
"""Values of ``Sec-Fetch-Site`` for a page of this server, and for what a person typed."""


def guard(app: Flask) -> None:
    """Have ``app`` keep the rules of this file."""
    app.config["MAX_CONTENT_LENGTH"] = MAXIMUM_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAXIMUM_BODY
    app.config["MAX_FORM_PARTS"] = MAXIMUM_FIELDS
    app.before_request(_refuse_other_sites)
    app.after_request(_with_headers)


def form_token() -> str:
    """What the forms of this visitor's pages carry: from the secret of her session, or of the form cookie."""
    return form_token_of(_form_secret())


def form_token_of(secret: str) -> str:
    """What forms carry while ``secret`` is the secret of the session, or of the form cookie."""
    return hmac.digest(secret.encode(), b"a form of this page", "sha256").hex()


def require_form_token() -> None:
    """Refuse a form that no page of ours, fetched by this very browser, has given out. Raises BadRequest."""
    if not form_token_holds(request.form.get(TOKEN_FIELD, "")):
        raise BadRequest


def form_token_holds(sent: str) -> bool:
    """Whether a page of ours, fetched by this very browser, has given ``sent`` out."""
    return bool(_held_secret()) and hmac.compare_digest(sent.encode(), form_token().encode())


def keep_cookie(response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """A cookie for this host alone, never over plain HTTP, never for a script, never sent from another site."""
    response.set_cookie(name, value, max_age=seconds, secure=True, httponly=True, samesite="Strict", path="/")


def drop_cookie(response: Response, name: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(name, secure=True, httponly=True, samesite="Strict", path="/")


def _held_secret() -> str:
    """The secret that this browser already has: its session's, or its form cookie's."""
    session = g.get("session_secret", "")
    held = session or request.cookies.get(FORM_COOKIE, "")
    return held if len(held) >= SECRET_OCTETS else ""


def _form_secret() -> str:
    held = _held_secret()
    if held:
        return held
    if "new_form_secret" not in g:
        g.new_form_secret = g.random(SECRET_OCTETS).hex()
    return str(g.new_form_secret)


def _refuse_other_sites() -> None:
    """Refuse what changes something and comes from a page of another site, by the browser's own word.

    A program sends no such header; a browser always does, and no page can keep it from doing so.
    """
    if len(request.environ.get("REQUEST_URI", request.full_path)) > MAXIMUM_ADDRESS:
        raise BadRequest
    site = request.headers.get("Sec-Fetch-Site", "none")
    if request.method not in SAFE_METHODS and site not in _FROM_HERE:
        raise Forbidden


def _with_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    if "new_form_secret" in g:
        keep_cookie(response, FORM_COOKIE, g.new_form_secret)
    return response
