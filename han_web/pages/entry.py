"""Coming in and going out."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

pages = Blueprint("entry", __name__)


@pages.get("/login")
def login_form() -> ResponseReturnValue:
    """Ask for name and password."""
    return render_template("login.html")
