"""The page of users, for supervisors."""

from flask import Response, request

from admin.errors import UserError
from admin.users import UserRole
from admin.web.desk import UNPROCESSABLE, Desk


def people(desk: Desk) -> Response:
    """Who may log in."""
    return _page(desk)


def add_user(desk: Desk) -> Response:
    """Let somebody in."""
    form = desk.form
    name, role = form.text("name", longest=40), form.member("role", UserRole)
    if form.faults:
        return _page(desk, UNPROCESSABLE, "name and role are needed")
    try:
        desk.office.users.add(name, role, request.form.get("password", ""), desk.by, desk.now)
    except UserError as error:
        return _page(desk, UNPROCESSABLE, str(error))
    return desk.go("people")


def change_role(desk: Desk, *, name: str) -> Response:
    """Give somebody another role."""
    form = desk.form
    role = form.member("role", UserRole)
    form.require_whole()
    desk.office.users.change_role(name, role, desk.by, desk.now)
    return desk.go("people")


def reset_password(desk: Desk, *, name: str) -> Response:
    """Set somebody's password."""
    desk.office.users.set_password(name, request.form.get("password", ""), desk.by, desk.now)
    return desk.go("people")


def remove_user(desk: Desk, *, name: str) -> Response:
    """Let somebody in no more."""
    desk.office.users.remove(name, desk.by, desk.now)
    return desk.go("people")


def _page(desk: Desk, status: int = 200, refused: str = "") -> Response:
    return desk.page("people.html", status, people=desk.office.users.all(), roles=list(UserRole), refused=refused)
