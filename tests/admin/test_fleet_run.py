"""A run over a fleet: each gateway its own profiles, once, whatever happens to the run."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from admin.errors import FleetError
from admin.fleet_run import Counts, Outcome
from admin.life_cycle import LifeCycle, OrderState
from admin.wake import Postman
from tests.admin.server_world import until
from tests.testbed.fleet.world import BY, FleetWorld, by_outcome, clock, fleet
from wire.orders import BreakUp, ChangeProfiles

pytestmark = pytest.mark.token
COUNT = 5
TIMES = (timedelta(seconds=9), timedelta(seconds=8))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FleetWorld]:
    with fleet(tmp_path, COUNT) as made:
        yield made


class StoppedError(Exception):
    """Stands for whatever ends a run."""


def test_every_gateway_gets_its_own_profiles(world: FleetWorld) -> None:
    told: list[Counts] = []
    run = world.run()
    run.go(told.append)
    assert by_outcome(run.results) == {"confirmed": COUNT}
    for gateway, line in zip(world.gateways, world.lines, strict=True):
        held = gateway.profiles.load()
        assert [meter.meter.text for meter in held.meters.values()] == [line.columns["meter"]]
        assert set(held.evaluations) == {f"series-{line.columns['number']}"}
        assert (gateway.changes, gateway.gateway) == (1, line.gateway)
    assert all(max(one.states.get(OrderState.WOKEN, 0), one.states.get(OrderState.DELIVERED, 0)) <= 4 for one in told)
    assert told[-1].finished == told[-1].total == COUNT
    # Nothing is left to do: a second run finds that out by itself, and orders nothing.
    again = world.run()
    again.go()
    assert by_outcome(again.results) == {"held": COUNT}
    assert len(world.changes()) == COUNT
    # The tunnels were ended by order, so that the next gateways find places.
    assert {record.kind for record in world.office.orders.all()} == {ChangeProfiles.KIND, BreakUp.KIND}


def test_what_was_cut_short_goes_on_and_nothing_is_done_twice(world: FleetWorld) -> None:
    first = world.run(parallel=2)

    def stop(counts: Counts) -> None:
        if counts.outcomes.get(Outcome.CONFIRMED, 0) >= 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        first.go(stop)
    told = by_outcome(first.results)
    assert told["confirmed"] + told["cut-short"] == COUNT
    assert told["confirmed"] >= 3
    second = world.run()
    second.go()
    assert set(by_outcome(second.results)) <= {"held", "confirmed"}
    assert [gateway.changes for gateway in world.gateways] == [1] * COUNT
    assert {record.state for record in world.changes()} == {OrderState.CONFIRMED}
    assert len(world.changes()) == COUNT


def test_one_that_is_cut_short_while_it_queues_queues_the_rest(world: FleetWorld) -> None:
    first = world.run()

    def stop(_: Counts) -> None:
        if len(world.changes()) == 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        first.go(stop)
    assert len(world.changes()) == 4
    second = world.run()
    second.go()
    assert by_outcome(second.results) == {"confirmed": COUNT}
    assert [gateway.changes for gateway in world.gateways] == [1] * COUNT


def test_silence_keeps_its_order_and_its_reason(world: FleetWorld) -> None:
    silent = world.gateways[0]
    silent.stop()
    late = 0.0

    def pass_by(counts: Counts) -> None:
        nonlocal late
        if counts.outcomes.get(Outcome.CONFIRMED, 0) == COUNT - 1:
            late = 3600.0  # the others had all the time that they needed

    run = world.run()
    run.timing = replace(run.timing, monotonic=lambda: time.monotonic() + late)
    run.go(pass_by)
    assert by_outcome(run.results) == {"confirmed": COUNT - 1, "silence": 1}
    (result,) = (one for one in run.results if one.outcome is Outcome.SILENCE)
    assert result.gateway == silent.gateway
    assert "nobody listens" in result.reason
    assert result.order is not None
    assert world.office.orders.get(result.order).state is OrderState.WOKEN


def test_what_a_gateway_refuses_is_told_and_ordered_anew(world: FleetWorld) -> None:
    wishes = world.wishes()
    changed = {name: dict(table) for name, table in wishes[3].tables.items()}
    changed["meter.toml"]["line"] = "another"
    run = world.run(wishes=[*wishes[:3], replace(wishes[3], tables=changed), *wishes[4:]])
    run.go()
    assert by_outcome(run.results) == {"confirmed": COUNT - 1, "refused": 1}
    (result,) = (one for one in run.results if one.outcome is Outcome.REFUSED)
    assert "unknown-line" in result.reason
    again = world.run()
    again.go()
    assert by_outcome(again.results) == {"held": COUNT - 1, "confirmed": 1}


def test_one_that_is_not_served_is_told_before_anything_is_queued(tmp_path: Path) -> None:
    with fleet(tmp_path, COUNT, served=False, running_gateways=False) as world:
        locked = world.lines[1].gateway
        world.office.inventory.change(locked, LifeCycle.LOCKED, BY, clock())
        wishes = world.wishes()
        broken = replace(wishes[4], tables={"series.toml": wishes[4].tables["series.toml"]})
        run = world.run(wishes=[*wishes[:4], broken, *wishes[5:]])
        with pytest.raises(FleetError) as caught:
            run.go()
        first, second = caught.value.faults
        assert (first.line, second.line) == (wishes[1].line, wishes[4].line)
        assert "locked" in first.sentence
        assert "contradict" in second.sentence
        assert world.changes() == []


def test_one_that_is_locked_meanwhile_is_not_woken(world: FleetWorld) -> None:
    run = world.run()

    def lock(_: Counts) -> None:
        gateway = world.gateways[-1].gateway
        if len(world.changes()) == COUNT and world.office.inventory.get(gateway).state is LifeCycle.OPERATING:
            world.office.inventory.change(gateway, LifeCycle.LOCKED, BY, clock())

    run.go(lock)
    assert by_outcome(run.results) == {"confirmed": COUNT - 1, "not-woken": 1}


def test_an_open_tunnel_is_used_and_left_open(world: FleetWorld) -> None:
    gateway = world.gateways[0].gateway
    with Postman() as postman:
        postman.send(world.office.letter(gateway, clock(), BY))
    until(lambda: world.office.tunnels.open(gateway, clock()) is not None)
    opened = world.office.tunnels.last(gateway)
    run = world.run()
    run.go()
    assert by_outcome(run.results) == {"confirmed": COUNT}
    left = world.office.tunnels.open(gateway, clock())
    assert opened is not None
    assert left is not None
    assert opened.number == left.number


def test_how_long_the_rest_takes() -> None:
    counts = Counts(10, {Outcome.HELD: 2, Outcome.CONFIRMED: 4}, {OrderState.QUEUED: 4}, *TIMES)
    assert (counts.finished, counts.remaining) == (6, timedelta(seconds=8))
    assert counts.sentence == "6 of 10, 4 queued, 2 held, 4 confirmed, about 8 s left"
    assert Counts(10, {Outcome.HELD: 10}, {}, *TIMES).remaining is None
