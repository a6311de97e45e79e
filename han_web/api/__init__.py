"""The interface for her programs: JSON under ``/api/v1`` (TR-03109-1, consumer; HAF1, HAF2).

Decides that every question goes through the same admission before its parameters are read, that what fails is a problem
document, and that nothing under its prefix is answered with a page.
"""

from collections.abc import Callable

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException

from han_web import errors
from han_web.api import problems
from han_web.api.admission import admit
from han_web.api.asked import Question
from han_web.api.routes import PREFIX, ROUTES, Route
from han_web.api.views import VIEWS


def register(app: Flask) -> None:
    """Give ``app`` every question of the table."""
    routes = Blueprint("api", __name__)
    for route in ROUTES:
        entrance = _entrance(route)
        routes.add_url_rule(route.rule, route.name, entrance, methods=[route.method], provide_automatic_options=False)
    routes.register_error_handler(Exception, problems.refused)
    app.register_blueprint(routes)
    # An address that there is not belongs to no blueprint.
    app.register_error_handler(HTTPException, _refused_anywhere)


def _entrance(route: Route) -> Callable[..., Response]:
    view = VIEWS[route.name]
    known = [one.name for one in route.parameters if not one.in_path]

    def entrance(**_: object) -> Response:
        if route.role is not None:
            admit(route.role)
        return view(Question(request.args.to_dict(flat=False), known))

    return entrance


def _refused_anywhere(error: HTTPException) -> Response:
    """A refusal by the frame: a document for a program, a page for a person."""
    return problems.refused(error) if request.path.startswith(f"{PREFIX}/") else errors.refused(error)
