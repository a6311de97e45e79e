"""Machines that do not answer are seen as having done nothing; steps count from the first look."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from admin.life_cycle import LifeCycle
from testbed.demo.desk import DeskSeen
from testbed.demo.observe import DESK_STEPS, STEPS, Seen, _received, desk_steps, look, steps
from testbed.demo.scene import Scene
from testbed.demo.templates import DATACENTER
from testbed.world import World


def scene(folder: Path) -> Scene:
    """A scene whose machines were never made, but for the configurations that a look needs."""
    made = Scene(folder)
    for party in made.parties:
        party.folder.mkdir(parents=True)
        party.configuration.write_text(DATACENTER.format(name=party.name, port=1))
        for name in ("TLS.key", "ENC.key"):
            (party.folder / name).touch(mode=0o600)
    return made


def test_nothing_runs_and_nothing_was_seen(tmp_path: Path) -> None:
    made = scene(tmp_path)
    seen = look(made)
    assert all(meter.stored == 0 for meter in seen.meters.values())
    observed = steps(made, seen, seen)
    assert set(observed) == set(made.evaluations)
    daily = observed.pop("lieferant-daily")
    assert daily == dict.fromkeys((1, 2, 3, 4, 5), 0), "it leaves once a day, and is followed until it is owed"
    assert all(counts == dict.fromkeys(STEPS, 0) for counts in observed.values())
    owed = replace(
        seen, deliveries={**seen.deliveries, "lieferant-daily": replace(seen.deliveries["lieferant-daily"], owed=1)}
    )
    assert steps(made, owed, seen)["lieferant-daily"][5] == 1
    assert desk_steps(seen, seen) == dict.fromkeys(DESK_STEPS, 0)
    assert (seen.profiles, seen.quality_seal, seen.first_delivery_at) == (None, None, None)


def test_rows_of_a_real_datacenter_are_seen_and_counted_from_the_first_look(tmp_path: Path) -> None:
    made = scene(tmp_path / "state")
    world = World(tmp_path)  # its profile has the name of the scene's series
    world.poll()
    world.deliver()
    world.close()
    (tmp_path / "datacenter.db").rename(made.state / "parties" / "netz" / "datacenter.db")
    seen = look(made)
    series = seen.deliveries["netz-series"]
    assert (series.opened, series.rows, series.empty, series.use_case) == (1, 1, 0, "TAF-7")
    assert series.latest is not None
    assert series.latest.captured_at == world.now
    assert seen.received["netz"] == 1
    assert seen.first_delivery_at is not None
    assert seen.delivered_after == 0, "nobody has broken up a tunnel"
    configuration = made.parties[0].configuration
    assert _received(configuration, seen.first_delivery_at).after == 1
    assert _received(configuration, seen.first_delivery_at + timedelta(seconds=1)).after == 0
    assert steps(made, seen, seen)["netz-series"][9] == 0
    nothing = replace(series, opened=0, rows=0)
    before = replace(seen, deliveries={**seen.deliveries, "netz-series": nothing})
    assert steps(made, seen, before)["netz-series"][9] == 1


AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BEFORE = Seen(AT, received={"netz": 3})
DESK = DeskSeen(
    state=LifeCycle.OPERATING, wake_ups=3, tunnels=2, confirmed=4, last_sequence=4, broken_up=1,
    last_broken_up_at=AT + 5 * SECOND, profiles_came_at=AT + 5 * SECOND,
)  # fmt: skip
AFTER = Seen(
    AT + 20 * SECOND, received={"netz": 5}, first_delivery_at=AT + 6 * SECOND, delivered_after=2,
    desk=DESK, last_order=4, quality_seal=False, profiles=2,
)  # fmt: skip


def test_the_administrators_steps_are_counted_from_the_first_look() -> None:
    counted = {"woken": 3, "tunnel": 2, "enrolled": 1, "orders": 4, "ended": 1, "delivery": 2}
    assert desk_steps(AFTER, BEFORE) == counted
    assert desk_steps(AFTER, AFTER) == {**dict.fromkeys(DESK_STEPS, 0), "enrolled": 1}


@pytest.mark.parametrize(
    ("step", "deviation"),
    [
        ("woken", {"desk": replace(DESK, tunnels=0)}),
        ("tunnel", {"desk": replace(DESK, tunnels=0)}),
        ("enrolled", {"desk": replace(DESK, state=LifeCycle.DELIVERED)}),
        ("enrolled", {"quality_seal": True}),
        ("enrolled", {"quality_seal": None}),
        ("orders", {"last_order": 3}),
        ("ended", {"desk": replace(DESK, broken_up=0)}),
        ("delivery", {"first_delivery_at": AT + 4 * SECOND}),
        ("delivery", {"desk": replace(DESK, broken_up=0)}),
        ("delivery", {"desk": replace(DESK, profiles_came_at=None)}),
        ("delivery", {"first_delivery_at": None}),
        ("delivery", {"delivered_after": 0}),
    ],
)  # fmt: skip
def test_a_step_that_was_not_seen_counts_nothing(step: str, deviation: dict[str, object]) -> None:
    assert desk_steps(replace(AFTER, **deviation), BEFORE)[step] == 0  # type: ignore[arg-type]
