"""``smgw-admin status``, ``logs``, ``notifications``: what gateways told, kept here; with ``--refresh`` asked anew."""

import json
from typing import Any

import click

from admin.commands.done import silence, tell, timeout_option, wake_row
from admin.execute import Ending, inquire
from admin.exit import Exit, leave
from admin.office import Office
from admin.reports import Subject, text_of
from admin.session import GatewayType, Session, administers
from wire.reading import DeviceId

_refresh = click.option("--refresh", is_flag=True, help="Wake the gateway and read anew, instead of what is kept here.")


@click.command(epilog="Example: smgw-admin status EABC0012345678 --refresh")
@click.argument("gateway", type=GatewayType(), required=False)
@_refresh
@timeout_option
@administers
def status(session: Session, *, gateway: DeviceId | None, refresh: bool, timeout: int | None) -> None:
    """Show the status of GATEWAY as it told it last; without GATEWAY, how this office stands."""
    with session.office() as office:
        if gateway is None:
            session.one(_own(session, office))
            return
        office.inventory.get(gateway)
        if refresh:
            _read(session, office, gateway, Subject.STATUS, timeout)
        found = office.reports.status(gateway)
    if found is None:
        leave(Exit.REFUSED, f"{gateway} has told no status yet: smgw-admin status {gateway} --refresh")
    if session.as_json:
        session.one({"gateway": gateway.text, "received_at": found.received_at, "status": found.document})
    else:
        session.one({"received_at": found.received_at, **found.document})


@click.command(epilog="Example: smgw-admin logs EABC0012345678 --log calibration --refresh")
@click.argument("gateway", type=GatewayType())
@click.option(
    "--log",
    type=click.Choice([Subject.SYSTEM_LOG.value, Subject.CALIBRATION_LOG.value]),
    default=Subject.SYSTEM_LOG.value,
    show_default=True,
)
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only entries with a higher record number.")
@click.option("--limit", type=click.IntRange(min=1), default=500, show_default=True, help="At most so many.")
@click.option("--lang", type=click.Choice(["de", "en"]), default="en", show_default=True, help="Of the texts.")
@_refresh
@timeout_option
@administers
def logs(
    session: Session,
    *,
    gateway: DeviceId,
    log: str,
    after: int,
    limit: int,
    lang: str,
    refresh: bool,
    timeout: int | None,
) -> None:
    """Show the system or calibration log of GATEWAY. The consumer's log is the consumer's: nobody reads it here."""
    with session.office() as office:
        office.inventory.get(gateway)
        if refresh:
            _read(session, office, gateway, Subject(log), timeout)
        found = office.reports.entries(gateway, Subject(log), after=after, limit=limit)
    rows = [{**entry, "text": text_of(entry, lang)} for entry in found]
    columns = ("record_number", "last_at", "outcome", "event", "subject", "user", "text", "repetition_count")
    session.rows(columns, rows, f"no entries are kept here: smgw-admin logs {gateway} --log {log} --refresh")


@click.command(epilog="Example: smgw-admin notifications EABC0012345678")
@click.argument("gateway", type=GatewayType(), required=False)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many.")
@administers
def notifications(session: Session, *, gateway: DeviceId | None, limit: int) -> None:
    """Show what gateways told unasked."""
    with session.office() as office:
        rows = [json.loads(told.to_bytes()) for told in office.reports.notifications(gateway, limit=limit)]
    session.rows(("gateway", "number", "at", "event", "outcome", "subject", "parameters"), rows, "no notifications")


def _read(session: Session, office: Office, gateway: DeviceId, subject: Subject, timeout: int | None) -> None:
    """Have ``subject`` read anew; ends with another code than 0 where it was not."""
    number = office.reports.ask(gateway, subject, session.operator, session.now)
    inquiry = office.reports.inquiry(number)
    assert inquiry is not None  # noqa: S101 - it was just made, and none is ever deleted
    with session.progress(f"reading {subject} of {gateway}") as progress:
        answer = inquire(office, inquiry, session.timing(office, timeout), session.operator, progress)
    row: dict[str, Any] = {
        "gateway": gateway.text,
        "subject": subject.value,
        "ending": answer.ending.value,
        "failure": answer.inquiry.failure,
        "wake": wake_row(answer.wake),
    }
    match answer.ending:
        case Ending.DONE:
            return
        case Ending.REFUSED:
            tell(session, row, f"{gateway} did not give it: {answer.inquiry.failure}", Exit.GATEWAY_REFUSED)
        case Ending.UNANSWERED:
            tell(session, row, f"{gateway} came, but was not asked in time; try again", Exit.UNANSWERED)
        case Ending.SILENCE:
            tell(session, row, silence(answer.wake), Exit.SILENCE)


def _own(session: Session, office: Office) -> dict[str, Any]:
    states: dict[str, int] = {}
    for record in office.inventory.all():
        states[record.state.value] = states.get(record.state.value, 0) + 1
    configuration = office.configuration
    return {
        "administrator": configuration.name,
        "server_running": office.tunnels.running(session.now),
        "management": f"{configuration.management.host}:{configuration.management.port}",
        "service": f"{configuration.service.host}:{configuration.service.port}",
        "gateways": states,
        "signature_certificate_until": office.signature_certificate().not_valid_after_utc,
        "open_orders": sum(office.orders.counts().values()),
    }
