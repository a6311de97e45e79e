"""Refusals as pages: what happened, in words, and what to do next.

Decides which status each refusal has, and that nothing else is told: an address that nobody has and one that belongs to
somebody else are answered octet for octet alike (FDP_ACF.1), and what fails inside is told to whoever runs the gateway,
never to a browser. Two pages say more. After too many wrong attempts: why, and until when (FIA_AFL.1). In a state in
which nobody is served: what is wrong, to whoever has proved that he is one of those who would be (FPT_FLS.1).
"""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from flask import Flask, Response, make_response, render_template
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from han_web import auth
from han_web.states import CONDITIONS, word
from han_web.words import mark, say
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
INTERNAL: Final = 500
TEXTS: Final[Mapping[int, tuple[str, ...]]] = MappingProxyType(
    {
        400: (
            mark("That was not understood"),
            mark("The address or the form is not one of this page. If you had it open for long, load it again."),
        ),
        401: (mark("Name or password is wrong"), mark("Log in once more.")),
        403: (
            mark("Not for you"),
            mark("This page is for somebody else's role, or another website has sent you here."),
        ),
        404: (
            mark("There is nothing here"),
            mark("Perhaps the address was mistyped, or what was here is no longer kept."),
        ),
        405: (mark("That was not understood"), mark("Use the links and buttons of these pages.")),
        413: (mark("Too much at once"), mark("Ask for a shorter time.")),
        429: (mark("Too soon"), mark("Wait a little and try again.")),
        500: (
            mark("Something went wrong"),
            mark("It is not your fault. Try again; if it stays, tell your meter operator."),
        ),
        503: (
            mark("Not at the moment"),
            mark("The gateway is in a state in which it serves nobody: what it would show could not be relied on."),
            mark("Your meter operator has been told, and nobody else can put it right. What was measured is not lost."),
        ),
    }
)
"""Title and sentences of each status."""
LOCKED: Final = (
    mark("Log-in is locked"),
    mark("There were several wrong attempts under this name. Each further one makes the wait longer."),
    mark("If it was not you, tell your meter operator. If it was a program of yours, correct its password first."),
)
FULL: Final = (
    mark("Too many are logged in"),
    mark("As many browsers are logged in as the gateway can serve. Log out elsewhere, or try again in ten minutes."),
)
LARGE: Final = (mark("That is too long"), mark("No form of this page needs so much."))
_log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Have ``app`` answer refusals with pages."""
    app.register_error_handler(Exception, refused)


def refused(error: Exception) -> Response:
    """The page of a refusal."""
    if isinstance(error, HTTPException):
        if error.code is not None and error.code < 400:
            return make_response(error.get_response())
        return _page(error.code or INTERNAL, lines=LARGE if isinstance(error, RequestEntityTooLarge) else None)
    if isinstance(error, LoginRefusedError):
        texts = {RefusedReason.LOCKED: LOCKED, RefusedReason.FULL: FULL}.get(error.reason)
        until = None if error.until is None else int(error.until.timestamp())
        return _page(REFUSED_STATUS[error.reason], lines=texts, until=until)
    if isinstance(error, HanError):
        until = None if error.until is None else int(error.until.timestamp())
        conditions = _conditions() if error.reason is HanReason.NOT_NOW else []
        return _page(STATUS[error.reason], until=until, conditions=conditions)
    _log.error("a page failed", exc_info=error)
    return _page(INTERNAL)


def _page(
    status: int,
    *,
    lines: tuple[str, ...] | None = None,
    until: int | None = None,
    conditions: list[tuple[str, int]] | None = None,
) -> Response:
    title, *said = lines or TEXTS.get(status, TEXTS[400] if status < INTERNAL else TEXTS[INTERNAL])
    page = render_template(
        "refused.html",
        status=status,
        title=say(title),
        lines=[say(one) for one in said],
        until=until,
        conditions=conditions or [],
    )
    response = make_response(page, status)
    if until is not None:
        # Seconds, and never none: a program that waits so long comes when it is over (RFC 9110 §10.2.3).
        response.headers["Retry-After"] = str(max(1, until - int(auth.now().timestamp())))
    return response


def _conditions() -> list[tuple[str, int]]:
    """What is wrong with the gateway, for somebody who is known; a stranger is told that something is."""
    if auth.current_visitor() is None:
        return []
    return [(word(CONDITIONS, condition), since) for condition, since in auth.current_port().wrong(auth.now())]
