"""One delivery at each dispatch time, whatever there is to say (FPR_CON.1)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from smgw.access import schedule
from smgw.access.volatile import VolatileStore
from smgw.store.logs import Event, SystemLog
from smgw.store.outbox import Balance, Outbox, withdraw
from smgw.wan.concealment import COVERS_AFTER_THE_END, SMALLEST_ROOM
from smgw.wan.sender import SECURE_STATE, Sender
from testbed.small_pki import NOW, SmallPki
from tests.smgw.store import samples
from tests.smgw.wan.receiver import DUPLICATE, STORED, Answer, Receiver, http
from tests.smgw.wan.station import Station
from wire.profiles import UseCase
from wire.profiles.tariff import ControlEvents

MakeTimed = Callable[..., "Timed"]
MINUTE = timedelta(minutes=1)
DISPATCH = timedelta(seconds=900)
BEGIN = NOW + 2 * MINUTE
"""Overdue at once, as the profile holds for long; the following dispatch times are those of the calendar."""
CONTROLS = ControlEvents(("dim",))


class Timed:
    """A station that remembers when each delivery came, by the clock of its gateway."""

    def __init__(self, pki: SmallPki, folder: Path, use_case: UseCase, answer: Answer) -> None:
        self.came: list[datetime] = []
        self.now = BEGIN
        self.answer = answer
        self.use_case = use_case
        self.station = Station(pki, folder, Receiver(self._receive))
        self.station.change(use_case=use_case, rule=CONTROLS if use_case is UseCase.TAF_11 else None)
        self.volatile = VolatileStore()
        self.restart()

    def _receive(self, body: bytes) -> bytes | Iterator[bytes] | None:
        self.came.append(self.now)
        return self.answer(body)

    def restart(self) -> None:
        """The process ends, and with it what it had in memory."""
        self.station.sender.close()
        made = self.station.start()
        self.station.sender = Sender("grid", made.identity, replace(made.ports, volatile=self.volatile))

    def happens(self, *numbers: int) -> None:
        """Events, each with one reading."""
        for number in numbers:
            if self.use_case is UseCase.TAF_9:
                self.volatile.put(replace(samples.grant(number), period_end=BEGIN))
            else:
                self.station.owe(number)

    def run(self, span: timedelta) -> None:
        until = self.now + span
        while self.now < until:
            wanted = self.station.sender.step(self.now)
            self.now = max(wanted, self.now + timedelta(seconds=1))

    @property
    def sizes(self) -> set[int]:
        return {self.station.opened(body).size for body in self.station.receiver.bodies}

    @property
    def told(self) -> list[tuple[int, int]]:
        """Number and readings of each delivery."""
        contents = [self.station.opened(body) for body in self.station.receiver.bodies]
        return [(content.sequence, len(content.readings)) for content in contents]

    @property
    def balance(self) -> Balance:
        return Outbox(self.station.database).balance("grid-1")


@pytest.fixture
def timed(pki: SmallPki, tmp_path: Path) -> Iterator[MakeTimed]:
    made: list[Timed] = []

    def make(use_case: UseCase, answer: Answer = lambda _: STORED) -> Timed:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Timed(pki, folder, use_case, answer))
        return made[-1]

    yield make
    for each in made:
        each.station.close()


@pytest.mark.parametrize("use_case", [UseCase.TAF_11, UseCase.TAF_9])
def test_a_cover_at_every_dispatch_time_where_nothing_happened(timed: MakeTimed, use_case: UseCase) -> None:
    """FPR_CON.1: neither presence nor absence of a delivery says anything."""
    here = timed(use_case)
    here.run(4 * DISPATCH)
    evaluation = here.station.profiles.evaluations["grid-1"]
    expected = [BEGIN]
    while len(expected) < len(here.came):
        expected.append(schedule.next_dispatch(evaluation, samples.GATEWAY, expected[-1]))
    assert here.came == expected
    assert len(expected) in (4, 5)
    assert here.told == [(number, 0) for number in range(1, len(expected) + 1)]
    assert here.balance == Balance(owed=0, open=0, acknowledged=len(expected), set_aside=0)
    assert here.station.receiver.connections == 1


@pytest.mark.parametrize("use_case", [UseCase.TAF_11, UseCase.TAF_9])
def test_a_backlog_drains_one_delivery_a_dispatch(timed: MakeTimed, use_case: UseCase) -> None:
    """FPR_CON.1: at the same times and of the same size as where there was nothing."""
    quiet, busy = timed(use_case), timed(use_case)
    busy.happens(*range(2 * SMALLEST_ROOM + 1))
    for each in (quiet, busy):
        each.run(4 * DISPATCH)
    assert busy.came == quiet.came
    assert busy.sizes == quiet.sizes
    assert [readings for _, readings in busy.told][:4] == [SMALLEST_ROOM, SMALLEST_ROOM, 1, 0]


@pytest.mark.parametrize("use_case", [UseCase.TAF_11, UseCase.TAF_9])
def test_a_lost_answer_is_repeated_with_the_same_content(timed: MakeTimed, use_case: UseCase) -> None:
    """What happens meanwhile waits; the repetition is that dispatch's one delivery."""
    answers: list[bytes | None] = [None, DUPLICATE]
    here = timed(use_case, lambda _: answers.pop(0) if answers else STORED)
    here.happens(0)
    here.run(timedelta(seconds=1))
    here.happens(1)
    here.run(2 * MINUTE)
    assert here.told == [(1, 1), (1, 1)]
    first, second = (here.station.opened(body) for body in here.station.receiver.bodies)
    assert first == second
    here.run(DISPATCH)
    assert here.told[2] == (2, 1)


def test_after_a_restart_an_open_unstored_number_goes_out_as_a_cover(timed: MakeTimed) -> None:
    """At the next dispatch time, under the same number; the receiver that has it already keeps what it has."""
    conflict = http(422, b'{"reason":"conflicting-delivery"}')
    answers: list[bytes | None] = [None, conflict]
    here = timed(UseCase.TAF_9, lambda _: answers.pop(0) if answers else STORED)
    here.happens(0)
    here.run(timedelta(seconds=1))
    here.restart()
    here.run(2 * DISPATCH)
    assert here.told[:3] == [(1, 1), (1, 0), (2, 0)]
    assert Outbox(here.station.database).set_aside_reasons("grid-1") == {1: "conflicting-delivery"}
    assert len(here.sizes) == 1


def test_after_a_restart_a_stored_one_goes_out_as_it_was(timed: MakeTimed) -> None:
    answers: list[bytes | None] = [None]
    here = timed(UseCase.TAF_11, lambda _: answers.pop(0) if answers else STORED)
    here.happens(0)
    here.run(timedelta(seconds=1))
    here.restart()
    here.run(2 * DISPATCH)
    assert here.told[:3] == [(1, 1), (1, 1), (2, 0)]


def test_many_missed_times_are_one_delivery(timed: MakeTimed) -> None:
    """An outage of a day does not end in a burst whose length tells of the day."""
    here = timed(UseCase.TAF_9)
    here.run(DISPATCH)
    before = len(here.came)
    here.now += timedelta(days=1)
    here.run(timedelta(seconds=60))
    assert len(here.came) == before + 1


def test_in_a_secure_state_no_cover_leaves_either(timed: MakeTimed) -> None:
    here = timed(UseCase.TAF_9)
    here.station.sender.ports = replace(here.station.sender.ports, may_deliver=lambda _: False)
    here.run(2 * DISPATCH)
    assert (here.came, here.balance) == ([], Balance(owed=0, open=0, acknowledged=0, set_aside=0))
    assert here.station.sender.progress["grid-1"].last_error == SECURE_STATE


def test_a_withdrawal_on_the_way_sets_the_number_aside_and_forgets_the_values(timed: MakeTimed) -> None:
    here = timed(UseCase.TAF_9, lambda _: None)
    here.happens(0)
    here.run(timedelta(seconds=1))
    with here.station.database.write() as connection:
        withdraw(connection, ["grid-1"], NOW)
    kept = here.station.profiles
    here.station.profiles = kept.without("evaluation", "grid-1")
    here.run(2 * DISPATCH)
    assert len(here.came) == 1
    here.answer = lambda _: STORED
    here.station.profiles = kept
    here.run(DISPATCH)
    assert here.told[1] == (2, 0)


def test_a_receiver_that_is_down_gets_the_cover_when_it_is_back(timed: MakeTimed) -> None:
    here = timed(UseCase.TAF_9, lambda _: http(503, b""))
    here.run(5 * MINUTE)
    assert here.told == [(1, 0)] * len(here.came)
    assert len(here.came) > 1
    here.answer = lambda _: STORED
    here.run(DISPATCH)
    assert here.balance.acknowledged >= 1


def test_the_log_tells_covers_and_values_alike(timed: MakeTimed) -> None:
    """FPR_CON.1: the administrator reads the system log; how long it is must not tell of events."""
    quiet, busy = timed(UseCase.TAF_9), timed(UseCase.TAF_9)
    busy.happens(*range(5))
    logs = []
    for each in (quiet, busy):
        each.run(2 * DISPATCH)
        entries = SystemLog(each.station.database).entries()
        logs.append([(entry.event, entry.subject, entry.repetition_count) for entry in entries])
    assert logs[0] == logs[1]
    assert Event.DELIVERY_ACKNOWLEDGED in {event for event, *_ in logs[0]}


@pytest.mark.parametrize(("use_case", "found"), [(UseCase.TAF_9, False), (UseCase.TAF_11, True)])
def test_no_cell_of_the_store_holds_a_value_that_must_not_be_stored(
    timed: MakeTimed, use_case: UseCase, found: bool
) -> None:
    """TR-03109-1, TAF-9, TAF-10, TAF-14: no table, no log; and what may be stored is found by the same look."""
    answers: list[bytes | None] = [None, STORED]
    here = timed(use_case, lambda _: answers.pop(0) if answers else http(422, b'{"reason":"conflict"}'))
    here.happens(0, 1)
    here.run(2 * DISPATCH)
    assert len(here.came) >= 3
    signed = samples.reading(0)
    with here.station.database.read() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        cells = [
            cell
            for table in tables
            for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"')  # noqa: S608 -- our own names
            for cell in row
        ]
    assert (signed.signature in cells, signed.reading.register.value in cells) == (found, found)
    assert found or not any("4711" in cell for cell in cells if isinstance(cell, str))


@pytest.mark.parametrize("use_case", [UseCase.TAF_11, UseCase.TAF_9])
def test_covers_end_some_time_after_their_profile(timed: MakeTimed, use_case: UseCase) -> None:
    """FPR_CON.1: the same number of them, whether something was left to say or not; then there is silence."""
    quiet, busy = timed(use_case), timed(use_case)
    busy.happens(*range(2 * SMALLEST_ROOM + 1))
    for each in (quiet, busy):
        each.station.change(valid_until=BEGIN)
        each.run(8 * DISPATCH)
    assert busy.came == quiet.came
    assert len(quiet.came) in (COVERS_AFTER_THE_END, COVERS_AFTER_THE_END + 1)
    assert busy.balance.owed == 0


def test_a_number_that_is_open_leaves_however_late(timed: MakeTimed) -> None:
    here = timed(UseCase.TAF_9, lambda _: None)
    here.happens(0)
    here.run(timedelta(seconds=1))
    here.station.change(valid_until=BEGIN)
    here.now += timedelta(days=1)
    here.answer = lambda _: STORED
    here.run(3 * DISPATCH)
    assert here.told == [(1, 1), (1, 1)]
