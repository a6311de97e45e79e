"""Coming in and going out: the log-in page, the own password, and the files of the pages' look."""

from flask import Response, request, send_from_directory
from werkzeug.exceptions import TooManyRequests

from admin.errors import UserError, UserReason
from admin.web.desk import UNPROCESSABLE, Desk
from admin.web.forms import first

SESSION_COOKIE = "__Host-session"
"""The prefix has browsers insist on Secure, on this very host and on the whole path: no neighbour can plant one."""


def static_file(_desk: Desk, *, name: str) -> Response:
    """Style and script."""
    response = send_from_directory("static", name, max_age=3600)
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def login_form(desk: Desk) -> Response:
    """Ask for name and password."""
    return desk.page("login.html", refused="")


def login(desk: Desk) -> Response:
    """Let somebody in, with a new session; an earlier one of this browser is not taken over."""
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    try:
        user = desk.office.users.log_in(name, password, desk.now)
    except UserError as error:
        if error.reason not in {UserReason.LOCKED, UserReason.LOG_IN}:
            raise
        status = TooManyRequests.code if error.reason is UserReason.LOCKED else UNPROCESSABLE
        return desk.page("login.html", status or UNPROCESSABLE, refused=str(error), name=name[:40])
    key = desk.console.sessions.open(user, desk.now)
    response = desk.go("gateways")
    keep_cookie(response, SESSION_COOKIE, key)
    return response


def logout(desk: Desk) -> Response:
    """End the session."""
    if desk.visit is not None:
        desk.console.sessions.close(desk.visit, desk.now)
    response = desk.go("login_form")
    response.delete_cookie(SESSION_COOKIE, secure=True, httponly=True, samesite="Strict")
    return response


def account(desk: Desk) -> Response:
    """One's own account."""
    return desk.page("account.html", refused="")


def change_password(desk: Desk) -> Response:
    """A new password for oneself: whoever knows the present one; all sessions end, this one too."""
    present, new, again = (request.form.get(name, "") for name in ("present", "new", "again"))
    refused = first(["the two new passwords differ"] if new != again else [])
    if not refused:
        try:
            desk.office.users.prove(desk.by, present, desk.now)
            desk.office.users.set_password(desk.by, new, desk.by, desk.now)
        except UserError as error:
            refused = str(error)
    if refused:
        return desk.page("account.html", UNPROCESSABLE, refused=refused)
    return desk.go("login_form")


def keep_cookie(response: Response, name: str, value: str) -> None:
    """A cookie for this host alone, never over plain HTTP, never for a script, never from another site."""
    response.set_cookie(name, value, secure=True, httponly=True, samesite="Strict", path="/")
