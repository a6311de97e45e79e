"""The console's application: built from the table of routes, with everything denied that the table does not allow.

Decides what every request goes through, in this order: 1. who holds the session of the cookie; 2. whether the role is
enough; 3. whether a form that changes something carries the token of this session; only then the view. And what every
answer carries: nothing is loaded from elsewhere, no script or style inside a page, no frame, no copy in a cache.
"""

import logging
from datetime import timedelta
from typing import Final

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException

from admin.errors import AdminError, StorageError
from admin.office import Office
from admin.session import Environment
from admin.wake import Timing
from admin.web import shown
from admin.web.desk import SEE_OTHER, Console, Desk
from admin.web.entry import SESSION_COOKIE, keep_cookie
from admin.web.errands import Errands
from admin.web.routes import PUBLIC, ROUTES, Everybody, Route
from admin.web.sessions import Sessions, Visit, same
from pki.errors import TrustError
from wire.errors import WireError

FORM_COOKIE: Final = "__Host-form"
"""The token of the log-in form, before there is a session: a form that was not fetched here does not have it."""
MAXIMUM_BODY: Final = 512 * 1024
"""Three certificates as files are a few kilobytes; a draft has at most 64."""
MAXIMUM_FIELDS: Final = 256
CONFLICT, UNAVAILABLE = 409, 503
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# No Strict-Transport-Security: it would bind every other program on this host name to TLS, and here is no plain HTTP.
METHODS: Final = frozenset({"GET", "HEAD", "POST"})

_log = logging.getLogger(__name__)


def create_app(office: Office, environment: Environment) -> Flask:
    """The WSGI application over ``office``; thread-safe."""
    chosen = office.configuration.wake_up
    timing = Timing(
        clock=environment.clock,
        monotonic=environment.monotonic,
        sleep=environment.sleep,
        timeout=timedelta(seconds=chosen.timeout_seconds),
        resend=timedelta(seconds=chosen.resend_seconds),
    )
    sessions = Sessions(office.engine, office.audit, environment.random)
    console = Console(office, environment, sessions, Errands(office, timing))
    app = Flask("admin.web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAXIMUM_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAXIMUM_BODY
    app.config["MAX_FORM_PARTS"] = MAXIMUM_FIELDS
    app.jinja_options = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    shown.equip(app.jinja_env)
    app.extensions["console"] = console
    for route in ROUTES:
        app.add_url_rule(
            route.path, route.name, _entrance(console, route), methods=[route.method], provide_automatic_options=False
        )
    app.after_request(_guarded)
    app.register_error_handler(Exception, _refused)
    return app


def _entrance(console: Console, route: Route):  # type: ignore[no-untyped-def] # noqa: ANN202 - what Flask calls
    def entrance(**parts: object) -> Response:
        now = console.environment.clock()
        # 1
        visit = console.sessions.find(request.cookies.get(SESSION_COOKIE, ""), now, used=not route.by_itself)
        # 2
        if not isinstance(route.least, Everybody):
            if visit is None:
                return make_response(redirect(url_for("login_form"), SEE_OTHER))
            if not visit.user.may(route.least):
                raise Forbidden(f"that needs the role {route.least}; yours is {visit.user.role}")
        # 3
        token = _form_token(console, visit)
        if route.method == "POST" and not same(request.form.get("form_token", ""), token):
            raise BadRequest("this form was not sent from a page of yours, or that page is too old; load it again")
        response = route.view(Desk(console, now, visit, token), **parts)
        if visit is None and route.least is PUBLIC and request.cookies.get(FORM_COOKIE, "") != token:
            keep_cookie(response, FORM_COOKIE, token)
        return response

    return entrance


def _form_token(console: Console, visit: Visit | None) -> str:
    """The token of the session; before there is one, that of the cookie, and without it a new one that nobody knows."""
    if visit is not None:
        return visit.form_token
    held = request.cookies.get(FORM_COOKIE, "")
    return held if len(held) == len(console.sessions.token()) else console.sessions.token()


def _guarded(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _refused(error: Exception) -> Response:
    """A refusal as a page: its sentence, and never a trace."""
    if isinstance(error, HTTPException) and error.code is not None:
        status, sentence = error.code, error.description or ""
    elif isinstance(error, StorageError):
        status, sentence = UNAVAILABLE, str(error)
    elif isinstance(error, AdminError | TrustError | WireError):
        status, sentence = CONFLICT, str(error)
    else:
        _log.error("a page failed", exc_info=error)
        status, sentence = 500, "an internal error; see the console's log"
    return make_response(render_template("refused.html", status=status, sentence=sentence, user=None), status)
