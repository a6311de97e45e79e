"""A gateway of a fleet: a real one as far as its administrator can tell."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from admin.orders import OrderState
from admin.reports import Subject
from admin.wake import Postman
from smgw.store.logs import Event
from testbed.fleet.command import running
from tests.testbed.fleet.world import BY, FleetWorld, by_outcome, clock, fleet
from wire.orders import BreakUp, Command, RunSelfTest, SetRetention

pytestmark = pytest.mark.token
PATIENCE = 180.0


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def finished(world: FleetWorld, *commands: Command) -> list[OrderState]:
    """Wake the first gateway for ``commands``; where each stands then."""
    gateway, orders = world.gateways[0].gateway, world.office.orders
    numbers = [orders.queue(gateway, command, BY, clock()) for command in commands]
    with Postman() as postman:
        postman.send(world.office.letter(gateway, clock(), BY))
    until(lambda: all(orders.get(number).finished_at is not None for number in numbers))
    return [orders.get(number).state for number in numbers]


def test_it_answers_as_a_gateway_and_outlives_a_restart(tmp_path: Path) -> None:
    with fleet(tmp_path, 1) as world:
        (gateway,) = world.gateways
        assert finished(world, SetRetention(30, 30), RunSelfTest(), BreakUp()) == [
            OrderState.CONFIRMED,
            OrderState.FAILED,  # a command that it does not know
            OrderState.CONFIRMED,
        ]
        status = world.office.reports.status(gateway.gateway)
        assert status is not None
        assert (status.document["gateway"], status.document["last_order"]) == (gateway.gateway.text, 0)
        run = world.run()
        run.go()
        assert by_outcome(run.results) == {"confirmed": 1}
        events = {entry.event for entry in gateway.log.entries()}
        assert {Event.WAKE_UP_ACCEPTED, Event.TUNNEL_OPENED, Event.PROFILE_INSTALLED, Event.TUNNEL_ENDED} <= events
        number = world.office.reports.ask(gateway.gateway, Subject.CALIBRATION_LOG, BY, clock())
        gateway.stop()
        with running(world.ground, world.ground.administrator()) as (again,):
            assert len(again.profiles.load().all()) == 4
            assert finished(world, BreakUp()) == [OrderState.CONFIRMED]
            inquiry = world.office.reports.inquiry(number)
            assert inquiry is not None
            # What somebody wants to read comes after the orders: this one ended the tunnel.
            assert inquiry.answered_at is None
            assert again.changes == 0
