"""``smgw-admin renew``: new keys and certificates for gateways that operate, before theirs are over."""

from datetime import timedelta
from pathlib import Path

import click

from admin.commands.done import timeout_option
from admin.commands.enrol import folder_option, walk_of, walked
from admin.exit import Exit, leave
from admin.renew import DEFAULT_DAYS, LONGEST_DAYS, due, renew_all
from admin.renew import renew as renew_one
from admin.session import GatewayType, Session, administers
from wire.reading import DeviceId


@click.command(epilog="Example: smgw-admin renew EABC0012345678; smgw-admin renew --due-within 60 --list")
@click.argument("gateway", type=GatewayType(), required=False)
@click.option(
    "--due-within",
    "days",
    type=click.IntRange(0, LONGEST_DAYS),
    metavar="DAYS",
    help=f"All operating gateways whose certificates end within DAYS ({DEFAULT_DAYS} is usual).",
)
@click.option("--list", "only_list", is_flag=True, help="Only list those that are due.")
@folder_option
@timeout_option
@administers
def renew(
    session: Session,
    *,
    gateway: DeviceId | None,
    days: int | None,
    only_list: bool,
    folder: Path | None,
    timeout: int | None,
) -> None:
    """Renew the keys and certificates of GATEWAY, or of all gateways that are due; an interrupted renewal goes on."""
    if (gateway is None) is (days is None) or (only_list and days is None):
        message = "name one GATEWAY, or use --due-within DAYS"
        raise click.UsageError(message)
    if gateway is None and folder is not None:
        message = "--folder is for one GATEWAY: with --due-within each has a folder of its own"
        raise click.UsageError(message)
    if gateway is not None:
        walked(session, renew_one, gateway=gateway, folder=folder, timeout=timeout)
        return
    with session.office() as office:
        waiting = due(office.inventory.all(), timedelta(days=days or 0), session.now)
        if only_list:
            rows = [{"gateway": each.record.gateway.text, "ends_at": each.ends_at} for each in waiting]
            session.rows(("gateway", "ends_at"), rows, "no certificates end so soon")
            return
        results = [
            {"gateway": each.gateway, "renewed": not each.failure, "failure": each.failure}
            for each in renew_all(waiting, lambda record: walk_of(session, office, record.gateway, None, timeout))
        ]
        session.rows(("gateway", "renewed", "failure"), results, "no certificates end so soon")
    if not all(each["renewed"] for each in results):
        leave(Exit.UNANSWERED)
