"""Which threads run, and that a change of one line's meters is no other line's business."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from smgw.config import Framing, LineConfiguration
from smgw.lmn.line import Line
from smgw.runtime import READ_OUT_SECONDS, Runtime
from smgw.store.errors import StoreError, StoreReason
from smgw.store.profiles import ProfileSet
from smgw.wan.sender import LONGEST_WAIT, Sender
from testbed.small_pki import NOW, SmallPki
from tests.smgw.lmn import lines
from tests.smgw.lmn.test_line import World
from tests.smgw.office import House
from wire.profiles import MeterProfile

PATIENCE = 60.0
SETTINGS = tuple(
    LineConfiguration(name=name, port=f"/dev/none-{name}", speed=9600, framing=Framing.SEVEN_EVEN, echo=False)
    for name in ("rs485-1", "rs485-2")
)


class FakeLine:
    """Records what becomes of it: lines are tested with their threads below and in test_line."""

    def __init__(self, name: str, meters: Sequence[MeterProfile], since: datetime | None) -> None:
        self.name, self.meters, self.since = name, tuple(meters), since
        self.told: list[str] = []

    def start(self) -> None:
        self.told.append("start")

    def stop(self, *, patience: float = 0.0) -> None:
        self.told.append(f"stop {patience:g}")


class Steps:
    """A sender that only counts; what a real one does with profiles is in test_sender."""

    def __init__(self, party: str, wanted: Callable[[datetime], datetime]) -> None:
        self.party = party
        self.wanted = wanted
        self.stepped = threading.Semaphore(0)
        self.closed = threading.Event()
        self.fails: Exception | None = None

    def step(self, now: datetime) -> datetime:
        self.stepped.release()
        if self.fails is not None:
            raise self.fails
        return self.wanted(now)

    def close(self) -> None:
        self.closed.set()


class Site:
    def __init__(self) -> None:
        self.lines: list[FakeLine] = []
        self.steps: list[Steps] = []
        self.runtime = Runtime(SETTINGS, make_line=self.line, make_sender=self.sender, clock=lambda: NOW)

    def line(self, settings: LineConfiguration, meters: Sequence[MeterProfile], since: datetime | None) -> FakeLine:
        self.lines.append(FakeLine(settings.name, meters, since))
        return self.lines[-1]

    def sender(self, party: str) -> Sender:
        self.steps.append(Steps(party, lambda now: now + LONGEST_WAIT))
        return cast("Sender", self.steps[-1])


@pytest.fixture(scope="module")
def house() -> House:
    return House(SmallPki())


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.runtime.stop()


def profiles(house: House) -> ProfileSet:
    return ProfileSet({"meter-1": house.meter}, {"grid-1": house.evaluation}, {"grid": house.communication})


def test_only_the_line_whose_meters_changed_restarts(site: Site, house: House) -> None:
    site.runtime.start(profiles(house))
    first, second = sorted(site.lines, key=lambda line: line.name)
    assert (first.name, first.meters, first.since) == ("rs485-1", (house.meter,), None)
    assert (second.name, second.meters, second.told) == ("rs485-2", (), ["start"])
    changed = profiles(house).with_profile(house.second_meter)
    site.runtime.apply(changed)
    assert first.told == ["start", f"stop {READ_OUT_SECONDS:g}"]
    assert second.told == ["start"]
    assert (site.lines[2].meters, site.lines[2].since) == ((house.meter, house.second_meter), NOW)
    site.runtime.apply(changed.without("evaluation", "grid-1"))
    assert len(site.lines) == 3
    moved = replace(house.second_meter, version=2, line="rs485-2")
    site.runtime.apply(changed.with_profile(moved))
    assert {line.name: line.meters for line in site.lines[3:]} == {"rs485-1": (house.meter,), "rs485-2": (moved,)}
    assert len(site.lines) == 5
    site.runtime.stop()
    assert [line.told[-1] for line in site.lines[3:]] == ["stop 0", "stop 0"]


def test_lines_that_change_together_are_waited_for_together(
    site: Site, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=PATIENCE)
    changed = profiles(house).with_profile(house.second_meter)
    site.runtime.start(changed)
    monkeypatch.setattr(FakeLine, "stop", lambda _self, *, patience=0.0: patience and both.wait())
    site.runtime.apply(changed.with_profile(replace(house.second_meter, version=2, line="rs485-2")))
    assert len(site.lines) == 4


def test_senders_come_and_go_with_their_parties(site: Site, house: House) -> None:
    site.runtime.start(profiles(house))
    (grid,) = site.steps
    assert grid.stepped.acquire(timeout=PATIENCE)
    other = replace(house.communication, id="supplier")
    site.runtime.apply(profiles(house).with_profile(other))
    assert [one.party for one in site.runtime.senders] == ["grid", "supplier"]
    assert grid.stepped.acquire(timeout=PATIENCE), "a change is looked at without waiting"
    site.runtime.nudge()
    assert grid.stepped.acquire(timeout=PATIENCE)
    site.runtime.apply(ProfileSet(communications={"supplier": other}))
    assert grid.closed.is_set()
    assert [one.party for one in site.runtime.senders] == ["supplier"]


@pytest.mark.parametrize("error", [StoreError(StoreReason.FULL, "no room"), ZeroDivisionError()])
def test_a_sender_that_fails_is_stepped_again(
    site: Site, house: House, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    site.runtime.start(profiles(house))
    (grid,) = site.steps
    grid.fails = error
    for _ in range(3):
        assert grid.stepped.acquire(timeout=PATIENCE)
        site.runtime.nudge()
    assert "sender grid" in caplog.text


def test_before_the_start_and_after_the_end_nothing_runs(site: Site, house: House) -> None:
    site.runtime.apply(profiles(house))
    assert (site.lines, site.steps) == ([], [])
    site.runtime.start(profiles(house))
    site.runtime.stop()
    site.runtime.apply(ProfileSet(communications={"supplier": replace(house.communication, id="supplier")}))
    assert (len(site.lines), len(site.steps), site.runtime.senders) == (2, 1, ())


def test_no_other_line_notices_and_no_meter_fails(tmp_path: Path) -> None:
    """Two simulated lines: the second meter of the first comes and goes while both are read every second."""
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    world = World()

    def make(settings: LineConfiguration, meters: Sequence[MeterProfile], since: datetime | None) -> Line:
        return Line(
            settings, meters, deliver=world.deliver, report=world.report, clock=lines.clock, poller=lines.poller(),
            since=since,
        )  # fmt: skip

    def sender(_: str) -> Sender:
        raise AssertionError

    first, third = lines.profile("00471100"), lines.profile("00471102", line="line-2")
    second = lines.profile("00471101")
    with (
        lines.simulated(folders[0], lines.meter("00471100"), lines.meter("00471101")) as one,
        lines.simulated(folders[1], lines.meter("00471102")) as two,
    ):
        chosen = (lines.configuration(one, name="line-1"), lines.configuration(two, name="line-2"))
        runtime = Runtime(chosen, make_line=make, make_sender=sender, clock=lines.clock)
        alone = ProfileSet({first.id: first, third.id: third})
        runtime.start(alone)
        try:
            world.wait_for_telegrams(1, "00471100")
            for _ in range(2):
                runtime.apply(alone.with_profile(second))
                world.wait_for_telegrams(world.count("00471101") + 1, "00471101")
                runtime.apply(alone)
            world.wait_for_telegrams(world.count("00471102") + 1, "00471102")
        finally:
            runtime.stop()
    assert world.states("line-2").count("open") == 1
    assert world.reasons("00471100") == world.reasons("00471102") == []
