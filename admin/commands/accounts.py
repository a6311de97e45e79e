"""``smgw-admin accounts``: who may come in at the gateway's own page, in the home area network.

A password is shown once, on standard output or in a letter that its owner alone may read; it is in no argument, no
database and no log.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from admin.accounts import Accounts, Issued, Wanted, client_fingerprint, new_password
from admin.commands.done import carry_out, no_wait_option, timeout_option
from admin.errors import AccountError, AccountReason
from admin.letter import Access, Language, letter, page_of, written
from admin.session import GatewayType, Session, administers
from wire.reading import DeviceId

OLDER_CLIENTS: Final = (
    "The account is open to older clients: programs that ask below /smgw/m2m may log in by HTTP Digest with MD5. "
    "TR-03116-3 permits SHA-2 alone; its page tells the consumer. Take it back with: smgw-admin accounts reset "
)
F = TypeVar("F", bound=Callable[..., Any])
_gateway = click.argument("gateway", type=GatewayType())
_name = click.argument("name")


def _told(command: F) -> F:
    """The options of what is told to the person, and how the order is carried out."""
    options = (
        click.option(
            "--certificate",
            "certificates",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            multiple=True,
            metavar="FILE",
            help="Client certificate (PEM) that opens the page without a password; may be given several times.",
        ),
        click.option("--no-password", is_flag=True, help="A certificate alone opens it."),
        click.option(
            "--older-clients",
            is_flag=True,
            help="Also take HTTP Digest with MD5, an outdated procedure, from a consumer's older programs; "
            "it ends with the next reset without it.",
        ),
        click.option(
            "--until",
            type=click.DateTime(["%Y-%m-%d"]),
            metavar="DATE",
            help="Last day of the account (else ten years for a consumer, one for a technician).",
        ),
        click.option(
            "--language",
            type=click.Choice([one.value for one in Language]),
            default=Language.GERMAN.value,
            show_default=True,
            help="Of the letter.",
        ),
        click.option(
            "--letter",
            "file",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Write the letter to this new file (0600) instead of standard output.",
        ),
        click.option("--address", metavar="URL", default="", help="Where the page is (else as the gateway told it)."),
        no_wait_option,
        timeout_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(epilog="Example: smgw-admin accounts new EABC0012345678 house --consumer house --letter house.txt")
def accounts() -> None:
    """Give people access to the gateway's page in the home area network, list it, renew it, take it away."""


@accounts.command(epilog="Example: smgw-admin accounts new EABC0012345678 house --consumer house --letter house.txt")
@_gateway
@_name
@click.option("--consumer", metavar="ID", help="Whose data are shown: the consumer that a meter's profile names.")
@click.option("--technician", is_flag=True, help="A service technician, who reads the system log.")
@_told
@administers
def new(session: Session, *, gateway: DeviceId, name: str, consumer: str | None, technician: bool, **told: Any) -> None:
    """Make the account NAME at GATEWAY: a password, a letter, an order.

    NAME is what the person types: 1 to 32 small letters, digits, dots, dashes and underscores.
    """
    if technician is (consumer is not None):
        raise click.UsageError("either --consumer ID or --technician: whose account is it?")
    _issue(session, Accounts.new, gateway, name, consumer, **told)


@accounts.command(epilog="Example: smgw-admin accounts reset EABC0012345678 house --letter house.txt")
@_gateway
@_name
@_told
@administers
def reset(session: Session, *, gateway: DeviceId, name: str, **told: Any) -> None:
    """Give the account NAME at GATEWAY another password; the one that its person chose holds no more.

    Its certificates stay, unless others are given.
    """
    _issue(session, Accounts.reset, gateway, name, None, **told)


@accounts.command("list", epilog="Example: smgw-admin accounts list EABC0012345678 --json")
@click.argument("gateway", type=GatewayType(), required=False)
@administers
def list_(session: Session, *, gateway: DeviceId | None) -> None:
    """List the accounts of GATEWAY, or of all gateways; those that no gateway has confirmed are ordered."""
    with session.office() as office:
        book = Accounts(office, session.environment.random)
        chosen = [office.inventory.get(gateway)] if gateway is not None else office.inventory.all()
        rows = [
            {
                "gateway": one.gateway.text,
                "name": one.account.name,
                "role": one.account.role.value,
                "consumer": one.account.consumer,
                "password": one.account.verifier is not None,
                "certificates": len(one.account.fingerprints),
                "older_clients": one.account.md5,
                "valid_until": one.account.valid_until,
                "account": one.account.id,
                "version": one.account.version,
                "state": "confirmed" if one.confirmed else "ordered",
            }
            for record in chosen
            for one in book.listed(record.gateway)
        ]
    columns = (
        "gateway",
        "name",
        "role",
        "consumer",
        "password",
        "certificates",
        "older_clients",
        "valid_until",
        "account",
        "state",
    )
    session.rows(columns, rows, "no accounts; make one with: smgw-admin accounts new GATEWAY NAME --consumer ID")


@accounts.command(epilog="Example: smgw-admin accounts withdraw EABC0012345678 house")
@_gateway
@_name
@no_wait_option
@timeout_option
@administers
def withdraw(session: Session, *, gateway: DeviceId, name: str, no_wait: bool, timeout: int | None) -> None:
    """Take the account NAME away from GATEWAY: its password is erased there, and whoever is logged in is out."""
    with session.office() as office:
        number = Accounts(office, session.environment.random).withdraw(gateway, name, session.operator, session.now)
        carry_out(session, office, number, no_wait=no_wait, timeout=timeout)


def _issue(
    session: Session,
    make: Callable[[Accounts, DeviceId, Wanted, str, datetime], Issued],
    gateway: DeviceId,
    name: str,
    consumer: str | None,
    *,
    certificates: tuple[Path, ...],
    no_password: bool,
    older_clients: bool,
    until: datetime | None,
    language: str,
    file: Path | None,
    address: str,
    no_wait: bool,
    timeout: int | None,
) -> None:
    if older_clients and no_password:
        raise click.UsageError("--older-clients is about a password: leave out --no-password")
    at = session.now
    random = session.environment.random
    password = None if no_password else new_password(random)
    wanted = Wanted(name, consumer, _fingerprints(certificates, at), password, _end(until), older_clients)
    with session.office() as office:

        def queue() -> tuple[Issued, Access]:
            issued = make(Accounts(office, random), gateway, wanted, session.operator, at)
            told, page = page_of(office.reports.status(gateway))
            return issued, Access(gateway.text, issued.account, password, (address,) if address else told, page)

        if file is None:
            issued, access = queue()
            _show(session, issued, access, Language(language))
        else:
            with written(file) as stream:
                issued, access = queue()
                stream.write(letter(access, Language(language)))
            _show(session, issued, access, Language(language), file)
        if issued.account.md5:
            click.echo(f"{OLDER_CLIENTS}{gateway} {name}", err=True)
        carry_out(session, office, issued.order, no_wait=no_wait, timeout=timeout)


def _show(session: Session, issued: Issued, access: Access, language: Language, file: Path | None = None) -> None:
    """The only time that the password is shown: here, or in the file, and never in both."""
    account = issued.account
    if session.as_json:
        secret = {} if file is not None else {"password": access.password}
        session.one(
            {
                "gateway": access.gateway,
                "account": account.id,
                "version": account.version,
                "name": account.name,
                "role": account.role.value,
                "consumer": account.consumer,
                "addresses": access.addresses,
                "page_fingerprint": access.page,
                "older_clients": account.md5,
                "valid_until": account.valid_until,
                "letter": None if file is None else str(file),
                "order": issued.order,
                **secret,
            }
        )
    elif file is None:
        click.echo(letter(access, language))
    else:
        session.one({}, f"{file}: the letter to {account.name}; the password stands there and nowhere else")


def _fingerprints(files: Iterable[Path], at: datetime) -> tuple[str, ...]:
    found = []
    for file in files:
        try:
            found.append(client_fingerprint(file.read_bytes(), str(file), at))
        except OSError as error:
            sentence = f"{file} cannot be read: {error.strerror}"
            raise AccountError(AccountReason.CERTIFICATE, sentence) from error
    return tuple(found)


def _end(until: datetime | None) -> datetime | None:
    """Just after the last day."""
    return None if until is None else until.replace(tzinfo=UTC) + timedelta(days=1)
