"""Receivers that are down, hang or drip, and clocks that jump: nothing is lost, and nothing waits for ever."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pki.errors import TunnelReason
from smgw.store.logs import Event, SystemLog
from smgw.store.outbox import DELIVERY_LIMIT, Balance, Outbox
from smgw.wan import exchange
from smgw.wan.exchange import Deferral
from testbed.small_pki import NOW
from tests.smgw.store import samples
from tests.smgw.wan.receiver import STORED, Answer, drip, http
from tests.smgw.wan.station import DAY, Station
from wire.cosem_xml import Content

MakeStation = Callable[[Answer], Station]
WEEK_OF_READINGS = 7 * 96
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PATIENCE = 60.0


def store(_: bytes) -> bytes:
    return STORED


def test_a_week_down_then_everything_oldest_first(station_with: MakeStation) -> None:
    station = station_with(store)
    station.backend.down = TunnelReason.UNREACHABLE
    outbox = Outbox(station.database)
    now = NOW
    for day in range(7):
        station.owe(*range(96 * day, 96 * day + 96))
        station.run(now, now + DAY)
        now += DAY
        station.trust = station.pki.trust(now=now)
    attempts = len(station.backend.opened)
    assert 48 * 7 <= attempts <= 2 * 48 * 7 + 10, "asked now and then, not all the time"
    assert station.receiver.bodies == []
    waits = [entry for entry in SystemLog(station.database).entries() if entry.event is Event.DELIVERY_DEFERRED]
    assert sum(entry.repetition_count + 1 for entry in waits) == attempts
    assert len(waits) <= 8, "told once a day, then counted"

    station.backend.down = None
    station.run(now, now + timedelta(hours=1))
    contents = [station.opened(body) for body in station.receiver.bodies]
    assert [content.sequence for content in contents] == list(range(1, len(contents) + 1))
    assert [reading for content in contents for reading in content.readings] == [
        samples.reading(number) for number in range(WEEK_OF_READINGS)
    ]
    assert max(len(content.readings) for content in contents) <= DELIVERY_LIMIT
    assert len(station.backend.opened) == attempts + 1, "one tunnel for the whole backlog"
    assert outbox.balance("grid-1") == Balance(owed=0, open=0, acknowledged=len(contents), set_aside=0)


@pytest.mark.parametrize("drips", [False, True])
def test_a_receiver_that_hangs_or_drips(
    station_with: MakeStation, drips: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = threading.Event()

    def hang(_: bytes) -> bytes:
        gone.wait(PATIENCE)
        return STORED

    monkeypatch.setattr(exchange, "ANSWER_TIMEOUT", 0.2)
    station = station_with(drip if drips else hang)
    station.monotonic = time.monotonic
    station.owe(0)
    station.sender.step(NOW)  # without an end to its waiting it would come back with the word of who hung, or never
    gone.set()
    assert Outbox(station.database).balance("grid-1").open == 1
    assert station.sender.progress["grid-1"].last_error.startswith(Deferral.TIMEOUT)


def attempt_at(station: Station, now: datetime) -> bool:
    before = len(station.backend.opened)
    station.sender.step(now)
    return len(station.backend.opened) > before


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(hours=-2), timedelta(seconds=-30)])
def test_a_clock_that_goes_back_does_not_silence_the_sender(station_with: MakeStation, jump: timedelta) -> None:
    station = station_with(store)
    party = replace(station.profiles.communications["grid"], valid_from=NOW - 1000 * DAY)
    station.profiles = station.profiles.with_profile(party)
    station.change(valid_from=NOW - 1000 * DAY)
    station.owe(0)
    station.backend.down = TunnelReason.UNREACHABLE
    assert attempt_at(station, NOW)
    later = NOW + jump
    for minute in range(32):
        station.sender.step(later + minute * timedelta(minutes=1))
    assert station.sender.progress["grid-1"].failures > 1


def test_a_clock_that_went_ahead_and_came_back_dispatches_again(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    ahead = NOW + 3 * DAY
    station.run(ahead, ahead + timedelta(seconds=3))
    station.owe(1)
    station.run(NOW, NOW + timedelta(seconds=3))
    assert len(station.receiver.bodies) == 2


def test_a_receiver_whose_clock_is_behind_makes_nobody_set_readings_aside(station_with: MakeStation) -> None:
    answers = iter([http(422, b'{"reason":"future"}')] * 3)
    station = station_with(lambda _: next(answers, STORED))
    station.owe(0)
    station.run(NOW, NOW + timedelta(hours=2))
    assert len(station.receiver.bodies) == 4
    assert Outbox(station.database).balance("grid-1") == Balance(owed=0, open=0, acknowledged=1, set_aside=0)


def test_readings_of_a_clock_that_was_ahead_do_not_hold_back_the_others(station_with: MakeStation) -> None:
    """Numbered while the clock was three days ahead, refused after it was set right: kept aside, and the next goes."""
    station = station_with(store)
    station.owe(0)
    station.backend.down = TunnelReason.UNREACHABLE
    station.sender.step(NOW)
    Outbox(station.database).open_delivery("grid-1", NOW + 3 * DAY)
    station.backend.down = None
    answers = iter([http(422, b'{"reason":"future"}')])
    station.receiver.answer = lambda _: next(answers, STORED)
    station.owe(1)
    station.run(NOW + timedelta(minutes=1), NOW + timedelta(hours=1))
    assert Outbox(station.database).balance("grid-1") == Balance(owed=0, open=0, acknowledged=1, set_aside=1)


def test_a_store_restored_from_an_old_backup_is_told_and_catches_up(station_with: MakeStation, tmp_path: Path) -> None:
    """The receiver knows numbers that the gateway has forgotten: nothing is overwritten or blocks for ever."""
    known: dict[int, Content] = {}

    def remember(body: bytes) -> bytes:
        content = station.opened(body)
        same = known.setdefault(content.sequence, content) == content
        return STORED if same else http(422, b'{"reason":"conflicting-delivery"}')

    station = station_with(remember)
    for number in range(2):
        station.owe(number)
        station.run(NOW + number * HOUR, NOW + number * HOUR + MINUTE)
    assert sorted(known) == [1, 2]

    station.sender.close()
    station.database.close()
    (tmp_path / "restored").mkdir()
    station.database = samples.open_database(tmp_path / "restored")  # the backup of the first day: empty
    station.sender = station.start()
    for number in range(2, 5):
        station.owe(number)
        station.run(NOW + number * HOUR, NOW + number * HOUR + MINUTE)
    outbox = Outbox(station.database)
    assert outbox.set_aside_reasons("grid-1") == {1: "conflicting-delivery", 2: "conflicting-delivery"}
    assert known[3].readings == (samples.reading(4),)
    told = [entry for entry in SystemLog(station.database).entries() if entry.event is Event.DELIVERY_SET_ASIDE]
    assert len(told) == 2


def test_a_receiver_that_answers_500_then_recovers(station_with: MakeStation) -> None:
    answers = iter([b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"] * 5)
    station = station_with(lambda _: next(answers, STORED))
    station.owe(0, 1)
    station.run(NOW, NOW + timedelta(hours=2))
    contents = [station.opened(body) for body in station.receiver.bodies]
    assert len(contents) == 6
    assert all(content == contents[0] for content in contents)
    assert station.receiver.connections == 1, "a complete answer keeps the tunnel"
    assert Outbox(station.database).balance("grid-1").acknowledged == 1
