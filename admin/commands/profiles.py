"""``smgw-admin profiles``: drafts, checks, and what gateways are told."""

from pathlib import Path
from typing import TextIO

import click

from admin.commands.done import carry_out, no_wait_option, timeout_option
from admin.drafts import MAXIMUM_CHARACTERS
from admin.errors import DraftError, DraftReason
from admin.session import GatewayType, Session, administers
from wire.reading import DeviceId

_gateway = click.argument("gateway", type=GatewayType())
_drafts = click.argument("drafts", nargs=-1, required=True, metavar="DRAFT...")


@click.group(epilog="Example: smgw-admin profiles issue netz EABC0012345678")
def profiles() -> None:
    """Write drafts of profiles, check them, issue them to gateways, withdraw them."""


@profiles.command(epilog="Example: smgw-admin profiles draft netz netz.toml")
@click.argument("name")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@administers
def draft(session: Session, *, name: str, file: TextIO) -> None:
    """Keep the profile in FILE (TOML; - is standard input) as the draft NAME.

    Leave the version out, and it gets the next one of its gateway when it is issued.
    """
    text = _read(file)
    with session.office() as office:
        profile = office.drafts.save(name, text, session.operator, session.now)
    session.one(
        {"draft": name, "kind": profile.KIND, "id": profile.id},
        f"{name} is a draft of the {profile.KIND} profile {profile.id}; "
        f"issue it with: smgw-admin profiles issue {name} GATEWAY",
    )


@profiles.command("import", epilog="Example: smgw-admin profiles import drafts/*.toml")
@click.argument("files", nargs=-1, required=True, type=click.File("r", encoding="utf-8"), metavar="FILE...")
@administers
def import_(session: Session, *, files: tuple[TextIO, ...]) -> None:
    """Keep the profile in each FILE (TOML) as the draft of the file's own name: netz.toml becomes the draft netz.

    Where one is refused, those before it are kept.
    """
    rows = []
    with session.office() as office:
        for file in files:
            name = Path(file.name).stem
            profile = office.drafts.save(name, _read(file), session.operator, session.now)
            rows.append({"draft": name, "kind": profile.KIND, "id": profile.id})
    session.rows(("draft", "kind", "id"), rows, "")


def _read(file: TextIO) -> str:
    """What stands in ``file``, cut where no draft goes on. Raises DraftError."""
    try:
        return file.read(MAXIMUM_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise DraftError(DraftReason.MALFORMED, f"{file.name} is not UTF-8") from error


@profiles.command("list", epilog="Example: smgw-admin profiles list --json")
@administers
def list_(session: Session) -> None:
    """List the drafts."""
    with session.office() as office:
        rows = []
        for one in office.drafts.all():
            profile = office.drafts.profile(one.name)
            rows.append(
                {"draft": one.name, "kind": profile.KIND, "id": profile.id, "by": one.by, "saved_at": one.saved_at}
            )
    session.rows(
        ("draft", "kind", "id", "by", "saved_at"), rows, "no drafts; keep one with: smgw-admin profiles draft NAME FILE"
    )


@profiles.command(epilog="Example: smgw-admin profiles show netz > netz.toml")
@click.argument("name")
@administers
def show(session: Session, *, name: str) -> None:
    """Print the draft NAME as it was written."""
    with session.office() as office:
        found = office.drafts.get(name)
    if session.as_json:
        session.one({"draft": name, "text": found.text, "by": found.by, "saved_at": found.saved_at})
    else:
        click.echo(found.text, nl=not found.text.endswith("\n"))


@profiles.command(epilog="Example: smgw-admin profiles delete netz")
@click.argument("name")
@administers
def delete(session: Session, *, name: str) -> None:
    """Forget the draft NAME; what was issued from it stays with the gateways."""
    with session.office() as office:
        office.drafts.delete(name, session.operator, session.now)
    session.one({"draft": name}, f"the draft {name} is deleted")


@profiles.command(epilog="Example: smgw-admin profiles installed EABC0012345678")
@_gateway
@administers
def installed(session: Session, *, gateway: DeviceId) -> None:
    """List the profiles that GATEWAY holds by confirmed orders."""
    with session.office() as office:
        office.inventory.get(gateway)
        rows = [
            {
                "kind": profile.KIND,
                "id": profile.id,
                "version": profile.version,
                "valid_from": profile.valid_from,
                "valid_until": profile.valid_until,
            }
            for profile in office.orders.holding(gateway).profiles.values()
        ]
    session.rows(("kind", "id", "version", "valid_from", "valid_until"), rows, f"{gateway} holds none by our orders")


@profiles.command(epilog="Example: smgw-admin profiles check meter netz EABC0012345678")
@_drafts
@_gateway
@administers
def check(session: Session, *, drafts: tuple[str, ...], gateway: DeviceId) -> None:
    """Say whether the DRAFTs could be issued to GATEWAY together; nothing is queued."""
    with session.office() as office:
        office.inventory.get(gateway)
        found = office.drafts.check(drafts, gateway)
    rows = [{"kind": profile.KIND, "id": profile.id, "version": profile.version} for profile in found]
    told = ", ".join(f"{row['kind']} {row['id']} version {row['version']}" for row in rows)
    session.one({"gateway": gateway.text, "profiles": rows}, f"{gateway} can be given {told}")


@profiles.command(epilog="Example: smgw-admin profiles issue meter netz netz-series EABC0012345678")
@_drafts
@_gateway
@no_wait_option
@timeout_option
@administers
def issue(session: Session, *, drafts: tuple[str, ...], gateway: DeviceId, no_wait: bool, timeout: int | None) -> None:
    """Issue the DRAFTs to GATEWAY as one order: check, queue, wake, wait, show the reply.

    All of them are installed, or none. What contradicts the profiles of the gateway is refused before anything is
    queued.
    """
    with session.office() as office:
        number = office.drafts.issue_together(drafts, gateway, session.operator, session.now)
        carry_out(session, office, number, no_wait=no_wait, timeout=timeout)


@profiles.command(epilog="Example: smgw-admin profiles withdraw evaluation netz-series EABC0012345678")
@click.argument("kind")
@click.argument("identifier", metavar="ID")
@_gateway
@no_wait_option
@timeout_option
@administers
def withdraw(
    session: Session, *, kind: str, identifier: str, gateway: DeviceId, no_wait: bool, timeout: int | None
) -> None:
    """Withdraw the profile ID of KIND (meter, evaluation, communication, …) from GATEWAY."""
    with session.office() as office:
        number = office.drafts.withdraw([(kind, identifier)], gateway, session.operator, session.now)
        carry_out(session, office, number, no_wait=no_wait, timeout=timeout)
