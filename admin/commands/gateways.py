"""``smgw-admin gateways``: who is in the inventory, and where its life stands."""

from pathlib import Path
from typing import Any

import click

from admin.certificates import judged, read_folder
from admin.inventory import WAKE_PORT, GatewayRecord
from admin.life_cycle import LifeCycle
from admin.renew import ends_at
from admin.session import GatewayType, Session, administers
from pki.certificates import fingerprint, load_certificate
from wire.reading import DeviceId

_COLUMNS = ("gateway", "state", "address", "certificates", "until", "last_tunnel", "open_orders", "note")
_gateway = click.argument("gateway", type=GatewayType())


@click.group(epilog="Example: smgw-admin gateways list --state operating")
def gateways() -> None:
    """Show, enter and change gateways."""


@gateways.command("list", epilog="Example: smgw-admin gateways list --state operating --json")
@click.option("--state", type=click.Choice([str(state) for state in LifeCycle]), help="Only in this state.")
@click.option("--match", metavar="PATTERN", default="*", help="Only these, with * and ?: EABC00123*.")
@click.option("--after", metavar="GATEWAY", default="", help="Only those behind this one: the next page.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@administers
def list_(session: Session, *, state: str | None, match: str, after: str, limit: int | None) -> None:
    """List the inventory, by identification."""
    with session.office() as office:
        chosen = None if state is None else LifeCycle(state)
        records = office.inventory.find(chosen, match=match, after=after.upper(), limit=limit)
        waiting = office.orders.counts()
        rows = [_row(record, waiting.get(record.gateway, 0)) for record in records]
    session.rows(_COLUMNS, rows, "no gateways; enter one with: smgw-admin gateways add EABC0012345678 --host ADDRESS")


@gateways.command(
    epilog="Example: smgw-admin gateways add EABC0012345678 --host 192.0.2.7 --certificates seals/EABC0012345678"
)
@_gateway
@click.option("--host", required=True, help="Address or name to which wake-ups are sent.")
@click.option("--port", type=int, default=WAKE_PORT, show_default=True, help="UDP port for wake-ups.")
@click.option(
    "--certificates",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with its TLS.pem, SIG.pem and ENC.pem (the manufacturer's seal, or operational ones).",
)
@click.option(
    "--state",
    type=click.Choice([str(state) for state in LifeCycle]),
    default=LifeCycle.DELIVERED.value,
    show_default=True,
)
@click.option("--note", default="", help="Anything that people should know.")
@administers
def add(
    session: Session, *, gateway: DeviceId, host: str, port: int, folder: Path | None, state: str, note: str
) -> None:
    """Enter GATEWAY into the inventory."""
    with session.office() as office:
        certificates = {} if folder is None else read_folder(folder)
        seal = bool(certificates) and judged(certificates, gateway, office.trust(), session.now)
        record = GatewayRecord(gateway, LifeCycle(state), host, port, certificates, seal, note=note)
        office.inventory.add(record, session.operator, session.now)
        row = _row(office.inventory.get(gateway), 0)
    session.one(row, f"{gateway} is entered as {state}")


@gateways.command(epilog="Example: smgw-admin gateways show EABC0012345678")
@_gateway
@administers
def show(session: Session, *, gateway: DeviceId) -> None:
    """Show one gateway: certificates, profiles, orders, tunnel."""
    with session.office() as office:
        record = office.inventory.get(gateway)
        row = _row(record, len(office.orders.open(gateway)))
        row["next_sequence"] = record.next_sequence
        for purpose, der in record.certificates.items():
            row[f"{purpose.value.lower()}_certificate"] = fingerprint(load_certificate(der))
        row["profiles"] = [
            f"{profile.KIND} {profile.id} v{profile.version}"
            for profile in office.orders.holding(gateway).profiles.values()
        ]
        row["tunnel_open"] = office.tunnels.open(gateway, session.now) is not None
    session.one(row)


@gateways.command(epilog="Example: smgw-admin gateways state EABC0012345678 locked")
@_gateway
@click.argument("state", type=click.Choice([str(state) for state in LifeCycle]))
@administers
def state(session: Session, *, gateway: DeviceId, state: str) -> None:
    """Move GATEWAY along its life: delivered, installed, operating, locked, retired."""
    with session.office() as office:
        office.inventory.change(gateway, LifeCycle(state), session.operator, session.now)
    session.one({"gateway": gateway.text, "state": state}, f"{gateway} is {state}")


@gateways.command(epilog="Example: smgw-admin gateways address EABC0012345678 192.0.2.8 4059")
@_gateway
@click.argument("host")
@click.argument("port", type=int, default=WAKE_PORT)
@administers
def address(session: Session, *, gateway: DeviceId, host: str, port: int) -> None:
    """Change where wake-ups of GATEWAY are sent."""
    with session.office() as office:
        office.inventory.set_address(gateway, host, port, session.operator, session.now)
    session.one({"gateway": gateway.text, "address": f"{host}:{port}"}, f"{gateway} is woken at {host}:{port}")


@gateways.command(epilog="Example: smgw-admin gateways certificates EABC0012345678 certificates/EABC0012345678")
@_gateway
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@administers
def certificates(session: Session, *, gateway: DeviceId, folder: Path) -> None:
    """Replace what is known of GATEWAY by the certificates in FOLDER, once they are believed."""
    with session.office() as office:
        found = read_folder(folder)
        seal = judged(found, gateway, office.trust(), session.now)
        office.inventory.set_certificates(gateway, found, seal, session.operator, session.now)
    kind = "the manufacturer's seal" if seal else "operational"
    session.one({"gateway": gateway.text, "seal": seal}, f"the certificates of {gateway} are {kind}")


@gateways.command(epilog='Example: smgw-admin gateways note EABC0012345678 "cellar, key at the neighbour\'s"')
@_gateway
@click.argument("text")
@administers
def note(session: Session, *, gateway: DeviceId, text: str) -> None:
    """Write a note on GATEWAY."""
    with session.office() as office:
        office.inventory.set_note(gateway, text, session.operator, session.now)
    session.one({"gateway": gateway.text, "note": text}, f"noted on {gateway}")


def _row(record: GatewayRecord, open_orders: int) -> dict[str, Any]:
    return {
        "gateway": record.gateway.text,
        "state": record.state.value,
        "address": f"{record.wake_host}:{record.wake_port}",
        "certificates": "none" if not record.certificates else "seal" if record.seal else "operational",
        "until": ends_at(record),
        "last_tunnel": record.last_tunnel_at,
        "open_orders": open_orders,
        "note": record.note,
    }
