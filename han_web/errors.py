"""Refusals as pages: what happened, in words, and what to do next.

Decides which status each refusal has, and that nothing else is told: an address that nobody has and one that belongs to
somebody else are answered octet for octet alike (FDP_ACF.1), and what fails inside is told to the gateway's operator,
never to a browser.
"""

import logging
from typing import Final

from flask import Flask, Response, make_response, render_template
from werkzeug.exceptions import HTTPException

from smgw.han.port import HanError, HanReason, LoginRefusedError, RefusedReason

STATUS: Final = {
    HanReason.NOT_FOUND: 404,
    HanReason.TOO_MUCH: 413,
    HanReason.BAD_QUESTION: 400,
    HanReason.TOO_SOON: 429,
    HanReason.NOT_NOW: 503,
    HanReason.NOT_ALLOWED: 403,
}
REFUSED_STATUS: Final = {
    RefusedReason.WRONG: 401,
    RefusedReason.STALE: 401,
    RefusedReason.MALFORMED: 400,
    RefusedReason.LOCKED: 429,
    RefusedReason.FULL: 503,
}
_log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Have ``app`` answer refusals with pages."""
    app.register_error_handler(Exception, refused)


def refused(error: Exception) -> Response:
    """The page of a refusal."""
    if isinstance(error, HTTPException) and error.code is not None:
        status = error.code
    elif isinstance(error, HanError):
        status = STATUS[error.reason]
    elif isinstance(error, LoginRefusedError):
        status = REFUSED_STATUS[error.reason]
    else:
        _log.error("a page failed", exc_info=error)
        status = 500
    return make_response(render_template("refused.html", status=status), status)
