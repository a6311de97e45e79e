"""SetRetention, and the sweep that carries it out: when, under which clock, and what is told of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from smgw.administration.errors import CommandRefusedError, Done
from smgw.contract_end import ContractEnd
from smgw.identity import Identity
from smgw.logs.sealing import Sealer
from smgw.retention import SWEEP_BATCHES, SWEEP_SECONDS, Retention, RetentionReason, needed_since
from smgw.store.ages import Kind
from smgw.store.logs import Event, SystemLog
from smgw.store.profiles import ProfileSet
from smgw.store.readings import ReadingStore
from smgw.store.settings import Setting, Settings
from smgw.store.sweep import BATCH, Sweeper
from tests.smgw.access.cases import SUM
from tests.smgw.store.aged import day, let_pass, order_days, record_days
from tests.smgw.store.samples import METER, START, open_database, reading
from tests.wire.profiles.examples import METER as METER_PROFILE
from wire.orders import SetRetention
from wire.profiles import BillingPeriod, BillingUnit, EvaluationProfile
from wire.reading import DeviceId


def nobody() -> Identity:
    raise AssertionError("nothing is sealed where no contract ends")


class World:
    """A store, and a retention whose clock, profiles and patience the test decides."""

    def __init__(self, folder: Path) -> None:
        self.database = open_database(folder)
        self.log = SystemLog(self.database)
        self.sweeper = Sweeper(self.database)
        self.profiles = ProfileSet()
        self.trusted = True
        self.stop_after = 1000
        self.retention = Retention(
            Settings(self.database),
            self.log,
            self.sweeper,
            ContractEnd(self.database, self.log, Sealer(self.database, nobody), begun=lambda: None),
            profiles=lambda: self.profiles,
            trusted=lambda at: self.trusted,  # noqa: ARG005 - this test's word counts for every time
        )

    def pause(self, seconds: float) -> bool:
        assert seconds < 1
        self.stop_after -= 1
        return self.stop_after <= 0

    def count(self) -> int:
        return ReadingStore(self.database).count()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.database.close()


def pass_days(world: World, days: int) -> datetime:
    return let_pass(world.sweeper, day(days))


def test_what_is_ordered_is_kept_and_told(world: World) -> None:
    """TR-03109-1, retention: no longer than was ordered."""
    told = world.retention.report()
    assert told["readings_days"] is told["set_at"] is told["swept_at"] is None
    assert world.retention(SetRetention(100, 30), START) == Done()
    told = world.retention.report()
    assert (told["readings_days"], told["system_log_days"], told["set_at"]) == (100, 30, "2026-01-01T00:00:00Z")
    (entry,) = world.log.entries()
    assert (entry.event, entry.parameters) == (Event.RETENTION_SET, {"readings_days": 100, "system_log_days": 30})


def test_longer_than_the_law_allows_is_refused(world: World) -> None:
    """MsbG section 60 (6): no order keeps values for more than three years."""
    with pytest.raises(CommandRefusedError) as refusal:
        world.retention(SetRetention(1097, 30), START)
    assert refusal.value.reason is RetentionReason.TOO_LONG
    assert world.retention.report()["readings_days"] is None


def test_a_log_that_takes_no_entry_undoes_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with world.database.write() as connection:
        for table in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('system_log', 'log_entries')"
        ).scalars():
            connection.exec_driver_sql(
                f"CREATE TRIGGER full_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no entry'); END"
            )
    assert world.retention(SetRetention(100, 30), START) == Done()
    assert world.retention.report()["readings_days"] == 100
    assert "system log" in caplog.text


def test_a_sweep_deletes_tells_and_is_written_down_without_a_name(world: World) -> None:
    """FDP_RIP.2, OSP.Log: what is old goes; the log says how many of which kind, and nothing of whom."""
    record_days(world.database, 30, acknowledged=30)
    order_days(world.database)
    pass_days(world, 28)
    assert world.retention.sweep(day(29), world.pause) == {Kind.GRANTS: 19, Kind.READINGS: 19, Kind.DELIVERIES: 19}
    told = world.retention.report()
    assert told["swept_at"] == told["age_is_counted_by"] == "2026-01-30T00:00:00Z"
    assert told["deleted"] == {
        "grants": 19, "readings": 19, "daily_values": 0, "tariff_events": 0, "deliveries": 19, "profiles": 0,
        "orders": 0, "notifications": 0,
    }  # fmt: skip
    entries = world.log.entries()
    assert {(entry.event, entry.subject, entry.repetition_count) for entry in entries} == {
        (Event.DATA_ERASED, kind, 18) for kind in ("grants", "readings", "deliveries")
    }
    assert all(not entry.parameters for entry in entries)


def test_a_time_that_is_not_trusted_deletes_nothing(world: World) -> None:
    """FPT_STM.1: without a compared clock nothing is deleted, and the status says what is waited for."""
    record_days(world.database, 30, acknowledged=30)
    order_days(world.database)
    pass_days(world, 29)
    world.trusted = False
    assert world.retention.sweep(day(29), world.pause) == {}
    assert world.retention.report()["waits_for"] == "a trusted time"
    assert world.count() == 30


def test_a_clock_that_jumped_ahead_deletes_a_day_an_hour(world: World) -> None:
    """FPT_STM.1: the second guard, for a time that is trusted and wrong in spite of that."""
    record_days(world.database, 30, acknowledged=30)
    order_days(world.database)
    pass_days(world, 11)
    left = []
    for hour in range(4):
        world.retention.look(day(10_000), hour * SWEEP_SECONDS, world.pause)
        world.retention.look(day(10_000), hour * SWEEP_SECONDS + 60, world.pause)
        left.append(world.count())
    # The first look only notes when it was made.
    assert left == [30, 28, 27, 26]


def test_an_order_is_carried_out_at_the_next_look_and_moves_no_clock(world: World) -> None:
    record_days(world.database, 30, acknowledged=30)
    pass_days(world, 29)
    world.retention.look(day(29), 0.0, world.pause)
    world.retention(SetRetention(10, 10), day(29))
    assert world.count() == 30
    world.retention.look(day(40), 60.0, world.pause)
    assert world.count() == 11
    assert world.sweeper.reached() == day(29)


def test_what_is_left_over_is_taken_up_at_the_next_look(world: World) -> None:
    """A sweep is bounded, and stops between two transactions when the gateway does."""
    assert SWEEP_BATCHES * BATCH == 20_000
    record_days(world.database, 30, acknowledged=30)
    order_days(world.database)
    pass_days(world, 29)
    world.stop_after = 1
    world.retention.look(day(29), 0.0, world.pause)
    world.retention.look(day(29), SWEEP_SECONDS, world.pause)
    assert world.count() == 30  # the grants went, then it stopped
    world.stop_after = 1000
    world.retention.look(day(29), SWEEP_SECONDS + 60, world.pause)
    assert world.count() == 11


def test_a_store_that_fails_is_told_and_no_more(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with world.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER ill BEFORE INSERT ON settings BEGIN SELECT RAISE(ABORT, 'no setting'); END"
        )
    world.retention.look(START, 0.0, world.pause)
    world.retention.look(START, SWEEP_SECONDS, world.pause)
    assert "retention" in caplog.text


def test_a_contract_that_cannot_be_ended_stops_no_sweep(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """FDP_RIP.2: what is old goes, is overwritten and told, whatever else fails."""
    record_days(world.database, 30, acknowledged=30)
    order_days(world.database)
    pass_days(world, 29)
    with world.database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO profiles (kind, id, version, content, document, imported_at) "
            "VALUES ('meter', 'm', 1, ?, x'00', 0)",
            (METER_PROFILE.to_bytes(),),
        )
        connection.exec_driver_sql("INSERT INTO withdrawals (kind, id, version, at) VALUES ('meter', 'm', 1, 0)")
        connection.exec_driver_sql("CREATE TRIGGER ill BEFORE INSERT ON ended BEGIN SELECT RAISE(ABORT, 'no row'); END")
    assert world.retention.sweep(day(29), world.pause)[Kind.READINGS] == 19
    assert "end of a contract" in caplog.text
    assert any(entry.event is Event.DATA_ERASED for entry in world.log.entries())


def billed(count: int, unit: BillingUnit, meter: DeviceId = SUM.meters[0]) -> EvaluationProfile:
    end = datetime.fromisoformat("2027-01-01T00:00:00+00:00")
    return replace(SUM, billing=BillingPeriod(count, unit), meters=(meter,), valid_until=end)


def test_a_billing_period_keeps_its_values_until_it_is_settled() -> None:
    """TR-03109-1, TAF-1: the values of a period of months stay from before its opening until a week after its end."""
    profile = billed(3, BillingUnit.MONTH)
    (meter,) = profile.meters
    quarter = datetime.fromisoformat("2026-03-31T22:00:00+00:00")  # midnight in Berlin
    margin = timedelta(days=1)
    assert needed_since([profile], quarter + timedelta(days=8))[meter] == quarter - margin
    before = datetime.fromisoformat("2025-12-31T23:00:00+00:00")
    assert needed_since([profile], quarter + timedelta(days=6))[meter] == before - margin
    longest = needed_since([profile, billed(12, BillingUnit.MONTH), billed(1, BillingUnit.DAY)], day(200))
    assert longest[meter] == before - margin
    assert needed_since([profile], profile.valid_until + timedelta(days=7)) == {}


def test_a_sweep_asks_the_profiles_that_hold(world: World) -> None:
    """TR-03109-1, TAF-1: what a contract still needs survives an order for a shorter time."""
    store = ReadingStore(world.database)
    record_days(world.database, 60, acknowledged=60)
    order_days(world.database)
    reached = pass_days(world, 59)
    world.profiles = world.profiles.with_profile(billed(1, BillingUnit.MONTH, METER))
    world.retention.sweep(reached, world.pause)
    # The period of February, and one day before it.
    assert world.count() == 60 - 30
    world.profiles = ProfileSet()
    world.retention.sweep(reached, world.pause)
    assert world.count() == 11
    assert store.latest(METER, reading(0).reading.obis) is not None
    assert Settings(world.database).get(Setting.RETENTION_SWEPT_AT) == int(reached.timestamp())
