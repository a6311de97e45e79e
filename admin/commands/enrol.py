"""``smgw-admin enrol``: from the manufacturer's quality seal to operating, in one command or step by step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from admin import enrolment
from admin.authority import certifier
from admin.commands.done import timeout_option
from admin.enrolment import FOLDER, Walk
from admin.errors import EnrolmentError, EnrolmentReason
from admin.exit import Exit, leave
from admin.office import Office
from admin.session import GatewayType, Session, administers
from wire.reading import DeviceId

WHOLE_WALK: Final = "all"

_CODES: Final = {
    EnrolmentReason.NO_ANSWER: Exit.SILENCE,
    EnrolmentReason.UNANSWERED: Exit.UNANSWERED,
    EnrolmentReason.REFUSED: Exit.GATEWAY_REFUSED,
}

_gateway = click.argument("gateway", type=GatewayType())
folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"For renewal.der and the certificates (else {FOLDER}/GATEWAY beside the database).",
)


class Steps(click.Group):
    """A group whose first word may also be a gateway: then the whole walk is meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The step, or the whole walk."""
        return super().resolve_command(ctx, args if args and args[0] in self.commands else [WHOLE_WALK, *args])


@click.group(
    cls=Steps, epilog="Example: smgw-admin enrol EABC0012345678; or step by step: enrol request EABC0012345678"
)
def enrol() -> None:
    """Give a gateway keys and certificates of its own, and let it operate: `enrol GATEWAY`, or the steps one by one."""


def _step(name: str, what: Callable[[Walk], None], told: str) -> None:
    """One step as a command."""

    @enrol.command(
        name, help=told, epilog=f"Example: smgw-admin enrol {name} EABC0012345678", hidden=name == WHOLE_WALK
    )
    @_gateway
    @folder_option
    @timeout_option
    @administers
    def command(session: Session, **arguments: Any) -> None:
        walked(session, what, **arguments)


_step(WHOLE_WALK, enrolment.enrol, "All steps that are left for GATEWAY.")
_step("request", enrolment.request, "Have GATEWAY make new keys; keep its signed requests in the folder.")
_step("certify", enrolment.certify, "Have the [authority] of the configuration certify the requests in the folder.")
_step("install", enrolment.install, "Give GATEWAY the certificates in the folder.")
_step("confirm", enrolment.confirm, "Have GATEWAY come in with its new certificate; it operates from then on.")


def walked(
    session: Session, what: Callable[[Walk], None], *, gateway: DeviceId, folder: Path | None, timeout: int | None
) -> None:
    """Do ``what`` and show how the gateway stands then."""
    with session.office() as office, endings():
        walk = walk_of(session, office, gateway, folder, timeout)
        what(walk)
        record = walk.record
        session.one(
            {"gateway": gateway.text, "state": record.state.value, "seal": record.seal, "folder": str(walk.folder)},
            f"{gateway} is {record.state}",
        )


def walk_of(session: Session, office: Office, gateway: DeviceId, folder: Path | None, timeout: int | None) -> Walk:
    """The walk of one gateway by this session's operator; steps are told on standard error as they are done."""
    configuration = office.configuration
    return Walk(
        office=office,
        gateway=gateway,
        folder=folder or configuration.database.parent / FOLDER / gateway.text,
        by=session.operator,
        timing=session.timing(office, timeout),
        say=lambda sentence: click.echo(sentence, err=True),
        certify=None if configuration.authority is None else certifier(configuration.authority),
    )


@contextmanager
def endings() -> Iterator[None]:
    """A gateway's silence and its refusal have codes of their own."""
    try:
        yield
    except EnrolmentError as error:
        if error.reason not in _CODES:
            raise
        leave(_CODES[error.reason], str(error))
