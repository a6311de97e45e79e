"""An administrator with its servers and a small fleet, all in this process, over real sockets and real stores."""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from admin.drafts import parse_draft
from admin.fleet import FleetLine, enter, filled, read_fleet, records
from admin.fleet_run import FleetRun, Result, Wish
from admin.life_cycle import LifeCycle
from admin.office import Office
from admin.orders import OrderRecord
from admin.serve import Server
from admin.wake import Timing
from testbed.fleet.command import running
from testbed.fleet.gateway import FleetGateway
from testbed.fleet.ground import Ground
from tests.softhsm import shared_configuration
from wire.orders import ChangeProfiles

BY = "erika"
PROFILES = 3
_NUMBERS = itertools.count(1)


def clock() -> datetime:
    return datetime.now(UTC)


def prepared(folder: Path, count: int) -> Ground:
    ground = Ground(folder / "fleet")
    ground.prepare(count, softhsm=shared_configuration(), label=f"fleet-{next(_NUMBERS)}")
    return ground


@dataclass
class FleetWorld:
    """The administrator's side, and the gateways by their order in the list."""

    ground: Ground
    office: Office
    gateways: list[FleetGateway]

    @property
    def lines(self) -> tuple[FleetLine, ...]:
        return read_fleet(self.ground.list)

    def wishes(self) -> list[Wish]:
        tables = {file.name: parse_draft(file.name, file.read_text()) for file in self.ground.drafts}
        return [
            Wish(
                line.gateway,
                {name: filled(name, table, line.columns) for name, table in tables.items()},
                line.number,
            )
            for line in self.lines
        ]

    def run(self, *, parallel: int = 4, timeout: float = 180, wishes: Sequence[Wish] | None = None) -> FleetRun:
        timing = Timing(clock, time.monotonic, time.sleep, timedelta(seconds=timeout), timedelta(seconds=2))
        return FleetRun(self.office, self.wishes() if wishes is None else wishes, timing, BY, parallel)

    def changes(self) -> list[OrderRecord]:
        return [record for record in self.office.orders.all() if record.kind == ChangeProfiles.KIND]


@contextmanager
def fleet(folder: Path, count: int, *, served: bool = True, running_gateways: bool = True) -> Iterator[FleetWorld]:
    """A fleet that is entered and operates, and holds no profile but its administrator's."""
    with ExitStack() as stack:
        ground = prepared(folder, count)
        office = stack.enter_context(ground.office())
        # However busy the machine is: a tunnel ends when somebody says so.
        office.configuration = replace(office.configuration, linger_seconds=3600)
        lines = read_fleet(ground.list)
        wanted = records(
            lines, office.inventory, office.trust(), base=ground.state, state=LifeCycle.OPERATING, at=clock()
        )
        assert list(enter(office.inventory, wanted, BY, clock())) == [count]
        gateways: list[FleetGateway] = []
        if running_gateways:
            gateways = stack.enter_context(running(ground, ground.administrator()))
        if served:
            server = Server(office, clock=clock, monotonic=time.monotonic)
            server.start()
            stack.callback(server.stop)
        yield FleetWorld(ground, office, gateways)


def by_outcome(results: Sequence[Result]) -> dict[str, int]:
    told: dict[str, int] = {}
    for result in results:
        told[result.outcome.value] = told.get(result.outcome.value, 0) + 1
    return told
