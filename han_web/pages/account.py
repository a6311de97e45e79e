"""One's own password (FIA_UAU.6): changed by whoever knows the present one."""

from typing import Final

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from han_web.auth import SEE_OTHER, SESSION_COOKIE, consumer, current_visitor, either_page, now
from han_web.security import drop_cookie
from han_web.words import mark, say
from smgw.han.door import WRONG_PASSWORD
from smgw.han.passwords import SENTENCES
from smgw.han.port import HanError, HanReason, Visitor
from smgw.logs.readers import Role

pages = Blueprint("account", __name__)
UNPROCESSABLE: Final = 422
DIFFERENT: Final = mark("The two new passwords differ.")
TOLD: Final = (WRONG_PASSWORD, *SENTENCES.values())
"""What the gateway says of a password: these sentences have translations too."""


@pages.get("/account")
@either_page
def account() -> ResponseReturnValue:
    """Who is logged in, and the form for another password."""
    return _page()


@pages.post("/account")
@either_page
def change_password() -> ResponseReturnValue:
    """Have another password from now on."""
    present, new, again = (request.form.get(name, "") for name in ("present", "new", "again"))
    if new != again:
        return _page(wrong=DIFFERENT), UNPROCESSABLE
    try:
        consumer().change_password(present, new, now())
    except HanError as error:
        if error.reason is not HanReason.BAD_QUESTION:
            raise
        return _page(wrong=str(error)), UNPROCESSABLE
    # All sessions of the account are over, this one too.
    response = make_response(redirect(url_for("entry.login_form", left="changed"), SEE_OTHER))
    drop_cookie(response, SESSION_COOKIE)
    return response


def changeable(visitor: Visitor) -> bool:
    """Whether this page can change his password: a technician's is the administrator's to change."""
    return visitor.reader.role is Role.CONSUMER and visitor.has_password


def _page(wrong: str = "") -> str:
    visitor = current_visitor()
    shown = visitor is not None and changeable(visitor)
    return render_template("account.html", wrong=say(wrong) if wrong else "", changeable=shown)
