"""Coming in and going out: name and password, the browser's own dialogue, the language.

Decides what is told to somebody who is not let in: that name or password is wrong, never which; and of a lock-out why
it is and until when (PP-0073 FIA_AFL.1), the same whether or not the name exists.
"""

from typing import Final

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from han_web import auth, words
from han_web.auth import SEE_OTHER, SESSION_COOKIE, current_port, now, require_own_form
from han_web.security import drop_cookie, keep_cookie
from smgw.han.port import LoginRefusedError, RefusedReason, Visitor
from smgw.logs.texts import Language

pages = Blueprint("entry", __name__)
LONGEST: Final = 256
"""Characters of a name or a password; what is longer is wrong without being looked at."""
UNAUTHORIZED: Final = 401


@pages.get("/login")
def login_form() -> ResponseReturnValue:
    """Ask for name and password."""
    if auth.current_visitor() is not None:
        return redirect(url_for("now.now"), SEE_OTHER)
    return render_template("login.html", wrong=False, left=request.args.get("left", ""))


@pages.post("/login")
def log_in() -> ResponseReturnValue:
    """Let somebody in (FIA_UAU.2), with a new session: one that this browser had before is ended, never taken over."""
    require_own_form()
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    if not name or not password or len(name) > LONGEST or len(password) > LONGEST:
        return render_template("login.html", wrong=True, name=name[:LONGEST]), UNAUTHORIZED
    try:
        visitor = current_port().door.by_password(name, password, now())
        return _welcome(visitor)
    except LoginRefusedError as error:
        if error.reason is not RefusedReason.WRONG:
            raise
        return render_template("login.html", wrong=True, name=name), UNAUTHORIZED


@pages.get("/login/digest")
def by_digest() -> ResponseReturnValue:
    """The browser's own dialogue (HKS2): challenged once, and a session from then on."""
    stale = False
    try:
        visit = auth.by_digest()
        if visit is not None:
            return _welcome(visit.visitor)
    except LoginRefusedError as error:
        if error.reason not in {RefusedReason.WRONG, RefusedReason.STALE}:
            raise
        stale = error.reason is RefusedReason.STALE
    response = make_response(render_template("login.html", wrong=True), UNAUTHORIZED)
    response.headers["WWW-Authenticate"] = current_port().door.challenge(now(), stale=stale)
    return response


@pages.post("/logout")
@auth.either_page
def log_out() -> ResponseReturnValue:
    """End the session."""
    current_port().door.close_session(request.cookies.get(SESSION_COOKIE, ""), now())
    response = make_response(redirect(url_for("entry.login_form", left=1), SEE_OTHER))
    drop_cookie(response, SESSION_COOKIE)
    # The browser may still hold the page before this one.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@pages.post("/language")
def choose_language() -> ResponseReturnValue:
    """Keep the language that somebody chose, and go back to where she was."""
    require_own_form()
    chosen = request.form.get("language", "")
    back = request.form.get("back", "/")
    # A path of this server only: "//host" and "/\host" are somebody else's.
    fit = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    response = make_response(redirect(back if fit else "/", SEE_OTHER))
    if chosen in {one.value for one in Language}:
        keep_cookie(response, words.LANGUAGE_COOKIE, chosen, words.LANGUAGE_SECONDS)
    return response


def _welcome(visitor: Visitor) -> Response:
    door = current_port().door
    secret = door.open_session(visitor, now())
    door.close_session(request.cookies.get(SESSION_COOKIE, ""), now())
    response = make_response(redirect(url_for("now.now"), SEE_OTHER))
    keep_cookie(response, SESSION_COOKIE, secret)
    return response
