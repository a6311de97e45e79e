"""``smgw-admin web``: the console for people, in a browser."""

import click

from admin.session import Session, administers


@click.command(epilog="Example: smgw-admin web --config admin.toml")
@administers
def web(session: Session) -> None:
    """Serve the console over TLS, on this machine alone unless [web] says otherwise, until SIGTERM or SIGINT.

    Whoever wants to look needs a user: smgw-admin users add NAME --role ROLE.
    """
    # Here, because a server's libraries would slow down every other command.
    from admin.web.serve import run  # noqa: PLC0415

    run(session.configuration(), session.environment, lambda sentence: click.echo(sentence, err=True))
