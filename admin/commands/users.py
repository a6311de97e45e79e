"""``smgw-admin users``: who may log in to the console.

Decides that a password is never an argument, which every user of the machine could read in the list of processes: it is
asked for, or read from a file.
"""

import sys
from pathlib import Path

import click

from admin.errors import ConfigError
from admin.session import Session, administers
from admin.users import MAXIMUM_PASSWORD, UserRole

_name = click.argument("name")
_role = click.option(
    "--role",
    type=click.Choice([str(role) for role in UserRole]),
    default=UserRole.VIEWER.value,
    show_default=True,
    help="viewer looks; operator also wakes and orders; supervisor also users, life cycle, renewals.",
)
_file = click.option(
    "--password-file",
    "file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Read the password from the first line of this file (- is standard input), instead of asking.",
)


@click.group(epilog="Example: smgw-admin users add anna --role supervisor")
def users() -> None:
    """Let people in to the console, change what they may, let them in no more."""


@users.command(epilog="Example: smgw-admin users add anna --role operator")
@_name
@_role
@_file
@administers
def add(session: Session, *, name: str, role: str, file: Path | None) -> None:
    """Let NAME in."""
    password = _password(file)
    with session.office() as office:
        office.users.add(name, UserRole(role), password, session.operator, session.now)
    session.one({"name": name, "role": role}, f"{name} may log in as {role}")


@users.command("list", epilog="Example: smgw-admin users list --json")
@administers
def list_(session: Session) -> None:
    """List who may log in."""
    with session.office() as office:
        rows = [{"name": one.name, "role": one.role.value, "added_at": one.added_at} for one in office.users.all()]
    session.rows(("name", "role", "added_at"), rows, "nobody; let somebody in: smgw-admin users add NAME --role ROLE")


@users.command(epilog="Example: smgw-admin users role anna supervisor")
@_name
@click.argument("role", type=click.Choice([str(role) for role in UserRole]))
@administers
def role(session: Session, *, name: str, role: str) -> None:
    """Give NAME another role."""
    with session.office() as office:
        office.users.change_role(name, UserRole(role), session.operator, session.now)
    session.one({"name": name, "role": role}, f"{name} is {role}")


@users.command(epilog="Example: smgw-admin users password anna")
@_name
@_file
@administers
def password(session: Session, *, name: str, file: Path | None) -> None:
    """Set a new password for NAME; sessions and lock-outs end."""
    with session.office() as office:
        office.users.get(name)
        office.users.set_password(name, _password(file), session.operator, session.now)
    session.one({"name": name}, f"{name} has a new password")


@users.command(epilog="Example: smgw-admin users remove anna")
@_name
@administers
def remove(session: Session, *, name: str) -> None:
    """Let NAME in no more."""
    with session.office() as office:
        office.users.remove(name, session.operator, session.now)
    session.one({"name": name}, f"{name} may log in no more")


def _password(file: Path | None) -> str:
    if file is None:
        try:
            asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        except click.Abort as error:
            if sys.stdin.isatty():
                raise
            raise ConfigError("nobody is here to be asked for the password: --password-file FILE") from error
        return asked
    try:
        with click.open_file(str(file), encoding="utf-8") as stream:
            line: str = stream.readline(MAXIMUM_PASSWORD + 2)
            return line.rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the password cannot be read from {file}: {error}") from error
