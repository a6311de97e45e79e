"""``smgw-admin introduction``: the document by which a new gateway knows this administrator."""

from pathlib import Path

import click

from admin.errors import ConfigError
from admin.introduction import introduction as signed
from admin.session import Session, administers
from pki.store import write_atomically


@click.command(epilog="Example: smgw-admin introduction administrator.cms --host admin.example.net")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--host", required=True, help="Name or address at which gateways dial us.")
@click.option("--id", "identifier", default="administrator", show_default=True, help="Identifier of the profile.")
@click.option("--number", type=click.IntRange(min=1), default=1, show_default=True, help="Version of the profile.")
@administers
def introduction(session: Session, *, file: Path, host: str, identifier: str, number: int) -> None:
    """Write our own profile, signed, to FILE: the one that a new gateway starts with.

    It goes onto the gateway as [administrator] profile, beside our SIG certificate as [trust] administrator.
    """
    with session.office() as office:
        document = signed(office, identifier, host, number, session.now)
    try:
        write_atomically(file, document)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
    session.one({"file": str(file), "id": identifier, "version": number}, f"{file}: a gateway that has it knows us")
