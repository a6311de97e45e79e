"""``smgw-admin retention``, ``self-test``, ``clock``, ``event``, ``request``, ``restart``, ``crl``: other orders."""

from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from admin.commands.done import no_wait_option, order, timeout_option
from admin.config import Configuration
from admin.errors import ConfigError
from admin.session import GatewayType, Session, administers
from wire.orders import (
    InstallRevocationLists,
    RaiseEvent,
    RequestValues,
    Restart,
    RunSelfTest,
    SetRetention,
    SynchroniseClock,
)
from wire.reading import DeviceId

_gateway = click.argument("gateway", type=GatewayType())


@click.command(epilog="Example: smgw-admin retention EABC0012345678 --readings-days 730 --system-log-days 365")
@_gateway
@click.option("--readings-days", type=int, required=True, help="How long readings are kept for the consumer.")
@click.option(
    "--system-log-days",
    type=int,
    required=True,
    help="How long entries of the system log are kept, if there is room.",
)
@no_wait_option
@timeout_option
@administers
def retention(
    session: Session,
    *,
    gateway: DeviceId,
    readings_days: int,
    system_log_days: int,
    no_wait: bool,
    timeout: int | None,
) -> None:
    """Set how long GATEWAY keeps readings and its system log."""
    order(session, gateway, SetRetention(readings_days, system_log_days), no_wait=no_wait, timeout=timeout)


@click.command("self-test", epilog="Example: smgw-admin self-test EABC0012345678")
@_gateway
@no_wait_option
@timeout_option
@administers
def self_test(session: Session, *, gateway: DeviceId, no_wait: bool, timeout: int | None) -> None:
    """Have GATEWAY test itself, and show what it found."""
    order(session, gateway, RunSelfTest(), no_wait=no_wait, timeout=timeout)


@click.command(epilog="Example: smgw-admin clock EABC0012345678")
@_gateway
@click.option("--accept-any-deviation", is_flag=True, help="End a secure state that a large deviation began.")
@no_wait_option
@timeout_option
@administers
def clock(
    session: Session, *, gateway: DeviceId, accept_any_deviation: bool, no_wait: bool, timeout: int | None
) -> None:
    """Have GATEWAY ask for the time now."""
    order(session, gateway, SynchroniseClock(accept_any_deviation), no_wait=no_wait, timeout=timeout)


@click.command(epilog="Example: smgw-admin event EABC0012345678 surplus on")
@_gateway
@click.argument("name")
@click.argument("state", type=click.Choice(["on", "off"]))
@no_wait_option
@timeout_option
@administers
def event(session: Session, *, gateway: DeviceId, name: str, state: str, no_wait: bool, timeout: int | None) -> None:
    """Tell GATEWAY that the event NAME has begun (on) or is over (off)."""
    order(session, gateway, RaiseEvent(name, active=state == "on"), no_wait=no_wait, timeout=timeout)


@click.command(epilog="Example: smgw-admin request EABC0012345678 daily-values")
@_gateway
@click.argument("profile")
@no_wait_option
@timeout_option
@administers
def request(session: Session, *, gateway: DeviceId, profile: str, no_wait: bool, timeout: int | None) -> None:
    """Have GATEWAY give the party of PROFILE what that evaluation profile gives on request only."""
    order(session, gateway, RequestValues(profile), no_wait=no_wait, timeout=timeout)


@click.command(epilog="Example: smgw-admin restart EABC0012345678")
@_gateway
@no_wait_option
@timeout_option
@administers
def restart(session: Session, *, gateway: DeviceId, no_wait: bool, timeout: int | None) -> None:
    """Restart the process of GATEWAY; its tunnel ends with it."""
    order(session, gateway, Restart(), no_wait=no_wait, timeout=timeout)


@click.command(epilog="Example: smgw-admin crl EABC0012345678")
@_gateway
@click.argument("lists", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@no_wait_option
@timeout_option
@administers
def crl(session: Session, *, gateway: DeviceId, lists: tuple[Path, ...], no_wait: bool, timeout: int | None) -> None:
    """Install revocation lists at GATEWAY: those in LISTS, or all of our own trust folder."""
    found = tuple(_der(path) for path in lists) or revocation_lists(session.configuration())
    order(session, gateway, InstallRevocationLists(found), no_wait=no_wait, timeout=timeout)


def revocation_lists(configuration: Configuration) -> tuple[bytes, ...]:
    """The lists of our own trust folder as DER. Raises ConfigError."""
    files = sorted(configuration.trust.glob("*.crl"))
    if not files:
        raise ConfigError(f"there are no lists (*.crl) in {configuration.trust}; name them")
    return tuple(_der(path) for path in files)


def _der(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        pem = data.lstrip().startswith(b"-----")
        found = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is no revocation list: {error}") from error
    return found.public_bytes(Encoding.DER)
