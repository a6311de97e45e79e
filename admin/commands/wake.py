"""``smgw-admin wake`` and ``smgw-admin break-up``: the tunnel, on and off."""

import click

from admin.commands.done import came, no_wait_option, order, silence, tell, timeout_option, wake_row
from admin.errors import InventoryError, InventoryReason
from admin.exit import Exit
from admin.session import GatewayType, Session, administers
from admin.wake import WakeOutcome, wake_and_wait
from wire.orders import BreakUp
from wire.reading import DeviceId


@click.command(epilog="Example: smgw-admin wake EABC0012345678 --timeout 30")
@click.argument("gateway", type=GatewayType())
@timeout_option
@administers
def wake(session: Session, *, gateway: DeviceId, timeout: int | None) -> None:
    """Wake GATEWAY and wait for its tunnel; say how long it took, or why it may be silent."""
    with session.office() as office:
        with session.progress(f"waiting for {gateway}") as progress:
            result = wake_and_wait(office, gateway, session.timing(office, timeout), session.operator, progress)
        silent = result.outcome is WakeOutcome.SILENCE
        sentence = silence(result) if silent else came(result)
        tell(session, wake_row(result), sentence, Exit.SILENCE if silent else Exit.DONE)


@click.command("break-up", epilog="Example: smgw-admin break-up EABC0012345678")
@click.argument("gateway", type=GatewayType())
@timeout_option
@no_wait_option
@administers
def break_up(session: Session, *, gateway: DeviceId, timeout: int | None, no_wait: bool) -> None:
    """End the tunnel of GATEWAY, after the orders that wait before."""
    with session.office() as office:
        office.inventory.get(gateway)
        if not no_wait and office.tunnels.open(gateway, session.now) is None:
            raise InventoryError(InventoryReason.STATE, f"{gateway} has no tunnel open: there is nothing to end")
    order(session, gateway, BreakUp(), no_wait=no_wait, timeout=timeout)
