"""Machines that do not answer are seen as having done nothing; steps count from the first look."""

from dataclasses import replace
from pathlib import Path

from testbed.demo.observe import STEPS, look, steps
from testbed.demo.scene import DATACENTER, Scene
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
    assert all(counts == dict.fromkeys(STEPS, 0) for counts in observed.values())


def test_rows_of_a_real_datacenter_are_seen_and_counted_from_the_first_look(tmp_path: Path) -> None:
    made = scene(tmp_path / "state")
    world = World(tmp_path)  # its profile has the name of the scene's series
    world.poll()
    world.deliver()
    world.close()
    (tmp_path / "datacenter.db").rename(made.state / "parties" / "netz" / "datacenter.db")
    seen = look(made)
    series = seen.deliveries["netz-series"]
    assert (series.opened, series.rows) == (1, 1)
    assert series.latest is not None
    assert series.latest.reading.captured_at == world.now
    assert seen.received["netz"] == 1
    assert steps(made, seen, seen)["netz-series"][9] == 0
    nothing = replace(series, opened=0, rows=0)
    before = replace(seen, deliveries={**seen.deliveries, "netz-series": nothing})
    assert steps(made, seen, before)["netz-series"][9] == 1
