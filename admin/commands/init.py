"""``smgw-admin init``: the administrator's own keys and requests."""

import click

from admin.database import open_database
from admin.keys import request_certificates
from admin.session import Session, administers
from pki.new_token import create_token
from pki.pin import read_pin
from pki.token import Token


@click.command(epilog="Example: smgw-admin init --config admin.toml")
@administers
def init(session: Session) -> None:
    """Make the token, the keys, TLS.csr, SIG.csr and ENC.csr, and the database; what exists stays as it is."""
    configuration = session.configuration()
    chosen = configuration.token
    create_token(chosen, session.environment.random)
    with Token.open(
        chosen.module, chosen.label, read_pin(chosen.pin_file), monotonic=session.environment.monotonic
    ) as token:
        folder = request_certificates(configuration, token)
    open_database(configuration.database).dispose()
    session.one(
        {"requests": str(folder), "database": str(configuration.database)},
        f"requests are in {folder}; have them certified: "
        f'smgw-pki issue STATE {folder} --role GWA --name "{configuration.name}" --host HOST',
    )
