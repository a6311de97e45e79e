"""Lines with threads: schedules, silent meters, pulled adapters, and that nobody waits for another."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from smgw.lmn.errors import LineEvent
from smgw.lmn.line import Line
from smgw.lmn.poll import Poller
from smgw.lmn.telegram import Frame, Telegram
from smgw.metering.verify import verify
from testbed.faults import Fault
from testbed.meter.simulator import SimulatedLine
from tests.smgw.lmn.lines import (
    BRIEF,
    HASTY,
    NOW,
    PATIENCE_SECONDS,
    clock,
    configuration,
    meter,
    poller,
    profile,
    simulated,
)
from wire.profiles import MeterProfile

SECOND = timedelta(seconds=1)


class World:
    """What lines deliver and report."""

    def __init__(self) -> None:
        self.telegrams: list[tuple[str, Telegram]] = []
        self.profiles: list[str] = []
        self.events: list[tuple[LineEvent, str, dict[str, str | int]]] = []
        self._changed = threading.Condition()
        self.broken = False
        self.thread = threading.current_thread()
        """That of the line."""

    def deliver(self, profile: MeterProfile, telegram: Telegram) -> None:
        if self.broken:
            raise ZeroDivisionError
        with self._changed:
            self.telegrams.append((profile.meter.text, telegram))
            self.profiles.append(profile.id)
            self._changed.notify_all()

    def report(self, event: LineEvent, subject: str, **parameters: str | int) -> None:
        with self._changed:
            self.events.append((event, subject, parameters))
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE_SECONDS), (self.telegrams, self.events)

    def wait_for_telegrams(self, count: int, number: str = "") -> None:
        self.wait_for(lambda: self.count(number) >= count)

    def count(self, number: str = "") -> int:
        return sum(name.endswith(number) for name, _ in self.telegrams)

    def states(self, subject: str = "line-1") -> list[str | int]:
        return [parameters["state"] for _, name, parameters in self.events if name == subject and "state" in parameters]

    def reasons(self, subject: str) -> list[str | int]:
        return [parameters["reason"] for _, name, parameters in self.events if name.endswith(subject)]


@contextmanager
def running(line: SimulatedLine, *profiles: MeterProfile, **changes: Any) -> Iterator[World]:
    world = World()
    may_read = changes.pop("may_read", lambda _: True)
    told_by, patience = changes.pop("clock", clock), changes.pop("patience", {})
    gateway = Line(
        configuration(line, **changes),
        profiles or (profile(),),
        deliver=world.deliver,
        report=world.report,
        clock=told_by,
        poller=poller(**patience),
        may_read=may_read,
        first_back_off_seconds=0.1,
    )
    world.thread = gateway._thread
    gateway.start()
    try:
        yield world
    finally:
        gateway.stop()
    assert not world.thread.is_alive(), "it waits for no meter"


def test_a_meter_is_read_at_its_own_instants(tmp_path: Path) -> None:
    looks, asked = count(4), []

    def stepping() -> datetime:
        """A fifth of a second has passed whenever somebody looks."""
        return NOW + next(looks) * SECOND / 5

    def may_read(at: datetime) -> bool:
        asked.append(at.replace(microsecond=0))
        return True

    with simulated(tmp_path) as line, running(line, clock=stepping, may_read=may_read) as world:
        world.wait_for_telegrams(3)
        assert world.states() == ["open", "parity-in-software"]
    assert asked == [NOW + number * SECOND for number in range(1, len(asked) + 1)]


def test_what_is_delivered_is_believed(tmp_path: Path) -> None:
    with simulated(tmp_path) as line, running(line) as world:
        world.wait_for_telegrams(1)
    _, telegram = world.telegrams[0]
    captured_at = telegram.captured_at
    (reading,) = verify(telegram, profile(), captured_at=captured_at, previous=lambda _d, _o: None, clock_valid=True)
    assert reading.register.value > 0


def test_where_meters_are_not_to_be_read_their_instants_pass(tmp_path: Path) -> None:
    """FPT_FLS.1, FAU_STG.4/CAL: measuring really stops, and begins again without making up for what passed."""
    asked = []

    def may_read(at: datetime) -> bool:
        asked.append(at)
        return len(asked) > 1

    with simulated(tmp_path) as line, running(line, may_read=may_read) as world:
        world.wait_for_telegrams(1)
    assert world.telegrams[0][1].started_at >= asked[1]
    assert world.reasons("00471100") == []


def test_a_profile_that_is_over_is_not_read_where_another_holds(tmp_path: Path) -> None:
    """Without another one it is: whoever forgot to renew it is to hear of it."""
    former = replace(profile(), id="former", valid_until=datetime(2021, 1, 1, tzinfo=UTC))
    with simulated(tmp_path) as line, running(line, former, profile()) as world:
        world.wait_for_telegrams(3)
    assert set(world.profiles) == {profile().id}
    with simulated(tmp_path) as line, running(line, former) as world:
        world.wait_for_telegrams(1)
    assert world.profiles[0] == "former"


def test_a_silent_meter_does_not_cost_another_its_instants(tmp_path: Path) -> None:
    with (
        simulated(tmp_path, meter("00471100"), meter("00471101")) as line,
        running(line, profile("00471100"), profile("00471101"), patience={"reaction_seconds": 1.0}) as world,
    ):
        line.inject(Fault.SILENCE, None, meter="00471100")
        world.wait_for_telegrams(3, "00471101")
        line.heal()
        world.wait_for_telegrams(1, "00471100")
        world.wait_for(lambda: "answers-again" in world.reasons("00471100"))
    assert world.reasons("00471100")[0] == "silent"
    assert world.reasons("00471101") == []


def test_a_pulled_adapter_comes_back(tmp_path: Path) -> None:
    with simulated(tmp_path) as line, running(line) as world:
        world.wait_for_telegrams(1)
        line.pull()
        world.wait_for(lambda: "unavailable" in world.states())
        before = world.count()
        line.plug()
        world.wait_for_telegrams(before + 2)
    assert world.states()[:3] == ["open", "parity-in-software", "lost"]
    assert world.states()[-2:] == ["open", "parity-in-software"]


def test_a_port_that_is_not_there_at_the_start(tmp_path: Path) -> None:
    with simulated(tmp_path) as line:
        line.pull()
        with running(line) as world:
            world.wait_for(lambda: "unavailable" in world.states())
            line.plug()
            world.wait_for_telegrams(1)


def test_one_line_never_waits_for_another(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "good").mkdir()
    with (
        simulated(tmp_path / "bad") as bad,
        simulated(tmp_path / "good") as good,
    ):
        bad.inject(Fault.SILENCE, None)
        with running(bad, name="bad", patience=HASTY) as deaf, running(good, name="good") as world:
            deaf.wait_for(lambda: "silent" in deaf.reasons("00471100"))
            before = world.count()
            world.wait_for_telegrams(before + 2)
            assert deaf.count() == 0


def test_noise_echo_and_half_telegrams_end_in_reports_not_in_the_thread(tmp_path: Path) -> None:
    with simulated(tmp_path, echo=True) as line, running(line, echo=True, patience=BRIEF) as world:
        for fault in (Fault.TRUNCATED, Fault.WRONG_BLOCK_CHECK, Fault.PARITY, Fault.NOISE):
            line.inject(fault, 8)
        world.wait_for(lambda: len(world.events) > 2)
        line.heal()
        world.wait_for_telegrams(1)
    assert {event for event, _, _ in world.events} == {LineEvent.LINE_STATE, LineEvent.METER_STATE}


def test_a_defect_of_the_own_programme_is_reported_and_survived(tmp_path: Path) -> None:
    with simulated(tmp_path) as line, running(line) as world:
        world.broken = True
        world.wait_for(lambda: "defect" in world.states())
        world.broken = False
        world.wait_for_telegrams(1)
    defects = [parameters for _, _, parameters in world.events if parameters.get("state") == "defect"]
    assert defects[0]["kind"] == "ZeroDivisionError"


def test_an_idle_line_costs_nothing(tmp_path: Path) -> None:
    with simulated(tmp_path) as line, running(line, profile(interval_seconds=86400), clock=lambda: NOW) as world:
        assert world.thread.ident is not None
        its_own = time.pthread_getcpuclockid(world.thread.ident)
        time.sleep(0.2)
        spent = time.clock_gettime(its_own)
        time.sleep(0.5)
        assert time.clock_gettime(its_own) - spent < 0.05
    assert world.events == []


def test_a_line_that_takes_anothers_place_reads_what_was_due_meanwhile(tmp_path: Path) -> None:
    """A meter that is read once a day and whose instant was while no line ran: it is read at once, not tomorrow."""
    world = World()
    daily = profile(interval_seconds=86400)
    with simulated(tmp_path) as simulation:
        line = Line(
            configuration(simulation), (daily,), deliver=world.deliver, report=world.report, clock=clock,
            poller=poller(), since=clock() - timedelta(days=1),
        )  # fmt: skip
        line.start()
        try:
            world.wait_for_telegrams(1)
        finally:
            line.stop()


def test_a_read_out_under_way_may_come_to_its_end(tmp_path: Path) -> None:
    world, reading = World(), threading.Event()

    class Announced(Poller):
        def read_out(self, *arguments: Any, **named: Any) -> Frame:
            reading.set()
            return super().read_out(*arguments, **named)

    with simulated(tmp_path, meter(reaction_seconds=0.3)) as simulation:
        line = Line(
            configuration(simulation), (profile(),), deliver=world.deliver, report=world.report, clock=clock,
            poller=Announced(clock=clock, reaction_seconds=PATIENCE_SECONDS), first_back_off_seconds=0.1,
        )  # fmt: skip
        line.start()
        assert reading.wait(PATIENCE_SECONDS)
        line.stop(patience=PATIENCE_SECONDS)
    assert world.count() >= 1
