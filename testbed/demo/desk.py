"""What an onlooker finds in the administrator's database: wake-ups sent, tunnels, orders and what gateways replied.

Decides which rows mean what; writes nothing, and asks neither the administrator's programs nor the gateway.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from admin.audit import Action, Audit, Signer
from admin.config import Configuration
from admin.conversation import End
from admin.database import from_seconds_or_none, open_database, reading
from admin.errors import AdminError
from admin.life_cycle import LifeCycle, OrderState
from admin.schema import gateways, orders, tunnels
from testbed.demo.scene import Scene
from wire.orders import ChangeProfiles, Reply, RunSelfTest


@dataclass(frozen=True, slots=True)
class DeskSeen:
    """What stands there about the one gateway."""

    state: str = ""
    wake_ups: int = 0
    tunnels: int = 0
    tunnel_open: bool = False
    waiting: int = 0
    """Orders without a reply."""
    confirmed: int = 0
    failed: int = 0
    self_tests: int = 0
    """Orders of a self-test that were confirmed, with every check passed."""
    last_sequence: int = 0
    """Of a confirmed order."""
    broken_up: int = 0
    """Tunnels that ended by a confirmed BreakUp."""
    last_broken_up_at: datetime | None = None
    profiles_came_at: datetime | None = None
    """When the tunnel was opened through which the first profiles came."""

    @property
    def operating(self) -> bool:
        """Whether enrolment is complete."""
        return self.state == LifeCycle.OPERATING


def look_at_desk(scene: Scene) -> DeskSeen:
    """Read the database; one that is not there yet says nothing."""
    file = scene.administrator_configuration
    if not file.exists():
        return DeskSeen()
    try:
        engine = open_database(Configuration.load(file).database)
    except AdminError:
        return DeskSeen()
    try:
        return _read(engine, scene.gateway_id)
    except AdminError:
        return DeskSeen()
    finally:
        engine.dispose()


def _read(engine: sa.Engine, gateway: str) -> DeskSeen:
    sent = _wake_ups(engine, gateway)
    with reading(engine) as connection:
        state = connection.scalar(sa.select(gateways.c.state).where(gateways.c.gateway == gateway))
        own_tunnels = connection.execute(sa.select(tunnels).where(tunnels.c.gateway == gateway)).all()
        own_orders = connection.execute(sa.select(orders).where(orders.c.gateway == gateway)).all()
    confirmed = [each for each in own_orders if each.state == OrderState.CONFIRMED]
    broken_up = [each for each in own_tunnels if each.why.startswith(f"{End.BREAK_UP}:")]
    brought = min((each.finished_at for each in confirmed if each.kind == ChangeProfiles.KIND), default=None)
    # The tunnel in which they were brought; in whole seconds the next one may seem to begin before it.
    through = [
        each.opened_at
        for each in own_tunnels
        if brought is not None and each.closed_at is not None and each.opened_at <= brought <= each.closed_at
    ]
    return DeskSeen(
        state=state or "",
        wake_ups=sent,
        tunnels=len(own_tunnels),
        tunnel_open=any(each.closed_at is None for each in own_tunnels),
        waiting=sum(each.finished_at is None for each in own_orders),
        confirmed=len(confirmed),
        self_tests=sum(each.kind == RunSelfTest.KIND and _passed(each.reply) for each in confirmed),
        failed=sum(each.state == OrderState.FAILED for each in own_orders),
        last_sequence=max((each.sequence for each in confirmed), default=0),
        broken_up=len(broken_up),
        last_broken_up_at=from_seconds_or_none(max((each.closed_at for each in broken_up), default=None)),
        profiles_came_at=from_seconds_or_none(min(through, default=None)),
    )


def _wake_ups(engine: sa.Engine, gateway: str) -> int:
    """Wake-ups in the audit log, which keeps every one that was sent."""
    audit, count, after = Audit(engine, _nobody), 0, 0
    while entries := audit.entries(after=after):
        count += sum(entry.action == Action.WAKE_UP and entry.subject == gateway for entry in entries)
        after = entries[-1].number
    return count


def _nobody() -> Signer:
    message = "an onlooker signs nothing"
    raise RuntimeError(message)


def _passed(reply: bytes | None) -> bool:
    """Whether the gateway told of checks and every one was passed."""
    result = Reply.from_bytes(reply).result if reply is not None else {}
    checks = result.get("checks")
    return isinstance(checks, list) and all(isinstance(one, dict) and one.get("passed") is True for one in checks)
