"""One request of one person: who it is, when it is, and what the office has.

Decides how a page is answered; every view is a function of a desk and the parts of its path. What a view may be called
by whom is decided in ``routes``, before it is called.
"""

from dataclasses import dataclass
from datetime import datetime

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from admin.office import Office
from admin.session import Environment
from admin.users import User
from admin.web.errands import Errands
from admin.web.forms import Form
from admin.web.sessions import Sessions, Visit
from wire.errors import WireError
from wire.orders import Command
from wire.reading import DeviceId

SEE_OTHER = 303
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Console:
    """What one console has for all of its requests."""

    office: Office
    environment: Environment
    sessions: Sessions
    errands: Errands


@dataclass(frozen=True, slots=True)
class Desk:
    """One request. ``visit`` is None where nobody is logged in, which only public pages see."""

    console: Console
    now: datetime
    visit: Visit | None
    form_token: str

    @property
    def office(self) -> Office:
        """The office."""
        return self.console.office

    @property
    def user(self) -> User:
        """Who is logged in; a page that is not public is reached by nobody else."""
        if self.visit is None:
            message = "nobody is logged in"
            raise RuntimeError(message)
        return self.visit.user

    @property
    def by(self) -> str:
        """The user's name in the audit log."""
        return self.user.name

    @property
    def form(self) -> Form:
        """The form that was sent."""
        return Form(request.form, request.files)

    def gateway(self, text: str) -> DeviceId:
        """The gateway that a path or a query names. Raises NotFound where it names none."""
        try:
            return DeviceId(text)
        except WireError as error:
            raise NotFound from error

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page."""
        known = {"user": None if self.visit is None else self.visit.user, "form_token": self.form_token}
        return make_response(render_template(template, now=self.now, **known, **values), status)

    def go(self, name: str, **values: object) -> Response:
        """Elsewhere, after something was done: loading that page again does nothing again."""
        response = redirect(url_for(name, **values), SEE_OTHER)  # type: ignore[arg-type] # values of a path
        return make_response(response)

    def order(self, gateway: DeviceId, command: Command) -> Response:
        """Queue an order, wake the gateway, and show how it goes on. Raises InventoryError."""
        return self.carry_out(self.office.orders.queue(gateway, command, self.by, self.now))

    def carry_out(self, number: int) -> Response:
        """Wake the gateway of an order and show how it goes on. Raises InventoryError, OrderBookError."""
        self.console.errands.wake(self.office.orders.get(number).gateway, self.by)
        return self.go("order", number=number)
