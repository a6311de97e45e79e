"""``smgw-admin firmware``: packages of the manufacturer, brought to gateways and activated there."""

from pathlib import Path

import click

from admin.commands.done import carry_out, no_wait_option, order, timeout_option
from admin.errors import ConfigError
from admin.office import Office
from admin.packages import PackageRecord, Packages
from admin.session import GatewayType, Row, Session, administers
from wire.management import MAX_PACKAGE_BYTES
from wire.orders import ActivateFirmware, StoreFirmware
from wire.reading import DeviceId

_COLUMNS = ("sha256", "version", "bytes", "by", "added_at")
_gateway = click.argument("gateway", type=GatewayType())
_package = click.argument("package")


@click.group(epilog="Example: smgw-admin firmware update EABC0012345678 3f2a")
def firmware() -> None:
    """Keep packages of the manufacturer, bring them to gateways, have them activated."""


@firmware.command(epilog="Example: smgw-admin firmware add smgw-0.2.0.package")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@administers
def add(session: Session, *, file: Path) -> None:
    """Keep the package in FILE; whether it is good is decided by each gateway."""
    with session.office() as office:
        kept = _keep(session, office, file)
    session.one(_row(kept), f"version {kept.version} is kept as {kept.sha256}")


@firmware.command("list", epilog="Example: smgw-admin firmware list --json")
@administers
def list_(session: Session) -> None:
    """List the packages that are kept."""
    with session.office() as office:
        rows = [_row(each) for each in Packages(office.engine, office.audit).all()]
    session.rows(_COLUMNS, rows, "no packages; keep one with: smgw-admin firmware add FILE")


@firmware.command(epilog="Example: smgw-admin firmware store EABC0012345678 3f2a")
@_gateway
@_package
@no_wait_option
@timeout_option
@administers
def store(session: Session, *, gateway: DeviceId, package: str, no_wait: bool, timeout: int | None) -> None:
    """Bring PACKAGE to GATEWAY, which verifies it and keeps it in its free slot.

    PACKAGE is the beginning of its SHA-256, or a file, which is kept then.
    """
    with session.office() as office:
        sha256 = _kept(session, office, package).sha256
    order(session, gateway, StoreFirmware(sha256), no_wait=no_wait, timeout=timeout)


@firmware.command(epilog="Example: smgw-admin firmware activate EABC0012345678 0.2.0")
@_gateway
@click.argument("version")
@no_wait_option
@timeout_option
@administers
def activate(session: Session, *, gateway: DeviceId, version: str, no_wait: bool, timeout: int | None) -> None:
    """Have GATEWAY run the VERSION that it has stored; it goes back by itself if that fails its self-test."""
    order(session, gateway, ActivateFirmware(version), no_wait=no_wait, timeout=timeout)


@firmware.command(epilog="Example: smgw-admin firmware update EABC0012345678 3f2a")
@_gateway
@_package
@no_wait_option
@timeout_option
@administers
def update(session: Session, *, gateway: DeviceId, package: str, no_wait: bool, timeout: int | None) -> None:
    """Store PACKAGE at GATEWAY and activate it; what was not stored is not activated."""
    with session.office() as office:
        kept = _kept(session, office, package)
        stored = office.orders.queue(gateway, StoreFirmware(kept.sha256), session.operator, session.now)
        carry_out(session, office, stored, no_wait=no_wait, timeout=timeout)
        activated = office.orders.queue(gateway, ActivateFirmware(kept.version), session.operator, session.now)
        carry_out(session, office, activated, no_wait=no_wait, timeout=timeout)


def _kept(session: Session, office: Office, package: str) -> PackageRecord:
    """The package that is meant: a file by its path, else one that is kept."""
    path = Path(package)
    # A digest has no separator and no ending: a file of the same name is meant where it is spelt as a path.
    if (path.suffix or len(path.parts) > 1) and path.is_file():
        return _keep(session, office, path)
    return Packages(office.engine, office.audit).get(package)


def _keep(session: Session, office: Office, file: Path) -> PackageRecord:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_PACKAGE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    return Packages(office.engine, office.audit).keep(content, session.operator, session.now)


def _row(package: PackageRecord) -> Row:
    return {
        "sha256": package.sha256,
        "version": package.version,
        "bytes": package.size,
        "by": package.by,
        "added_at": package.added_at,
    }
