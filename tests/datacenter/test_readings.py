"""All or nothing, once, in whatever order and however many at the same time."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from datacenter import schema
from datacenter.errors import RefusalReason, RefusedError
from datacenter.readings import Archive, Delivery, Row, StoreResult, signed_status, unsigned_status
from tests.datacenter.world import GATEWAY, World

START = 1_767_225_600


def delivery(sequence: int, digest: bytes = b"d" * 32, profile: str = "grid") -> Delivery:
    return Delivery(GATEWAY, profile, "TAF-7", sequence, digest, START, START, START, START)


def row(second: int, value: int = 1, device: str = "1ISK0012345678") -> Row:
    return Row(device, "1-0:1.8.0*255", START + second, value, -1, 30, 0, b"s" * 64)


@pytest.fixture
def archive(make_world: Callable[..., World], any_database: sa.URL) -> tuple[World, Archive]:
    world = make_world(url=any_database)
    archive = Archive(world.engine)
    world.archives.append(archive)
    return world, archive


@given(st.integers(0, 2**64 - 1))
def test_status_words(status: int) -> None:
    assert -(2**63) <= signed_status(status) < 2**63
    assert unsigned_status(signed_status(status)) == status


def test_many_copies_at_once_are_stored_once(archive: tuple[World, Archive]) -> None:
    world, store = archive
    rows = [row(second) for second in range(50)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: store.store(delivery(1), rows), range(24)))
    assert results.count(StoreResult.STORED) == 1
    assert (world.count(schema.reading), world.count(schema.delivery)) == (50, 1)


def test_overlapping_deliveries_at_once_neither_lock_nor_lose(archive: tuple[World, Archive]) -> None:
    world, store = archive

    def overlap(index: int) -> StoreResult:
        rows = [row(second) for second in range(index, index + 20)]
        return store.store(delivery(1, profile=f"profile-{index}"), rows if index % 2 else rows[::-1])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(overlap, range(30))) == {StoreResult.STORED}
    assert (world.count(schema.reading), world.count(schema.delivery)) == (49, 30)


@pytest.mark.parametrize("field", ["value", "scaler", "unit", "status"])
def test_conflict_in_any_field_writes_nothing(archive: tuple[World, Archive], field: Any) -> None:
    world, store = archive
    store.store(delivery(1), [row(0)])
    other = Row(**(row(0)._asdict() | {field: 5}))
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            store.store(delivery(2), [row(1), other, row(2)])
        assert caught.value.reason is RefusalReason.CONFLICTING_READING
    assert (world.count(schema.reading), world.count(schema.delivery)) == (1, 1)


def test_one_delivery_that_contradicts_itself(archive: tuple[World, Archive]) -> None:
    world, store = archive
    with pytest.raises(RefusedError):
        store.store(delivery(1), [row(0, value=1), row(0, value=2)])
    assert world.count(schema.reading) == 0


def test_same_instant_of_another_device_or_gateway_is_another_row(archive: tuple[World, Archive]) -> None:
    world, store = archive
    store.store(delivery(1), [row(0), row(0, value=9, device="1ISK0012345679")])
    assert world.count(schema.reading) == 2


def test_sums_of_two_profiles_that_end_together_are_two_values(archive: tuple[World, Archive]) -> None:
    """Both have the gateway as device, the same OBIS code and the same period end; quick way and careful way alike."""
    world, store = archive
    for profile, value in (("house", 100), ("heat-pump", 40)):
        assert store.store(delivery(1, profile=profile), [row(0, value, GATEWAY)]) is StoreResult.STORED
    overlapping = [row(0, 100, GATEWAY), row(900, 101, GATEWAY)]
    assert store.store(delivery(2, profile="house"), overlapping) is StoreResult.STORED
    assert store.store(delivery(2, profile="heat-pump"), [row(900, 41, GATEWAY)]) is StoreResult.STORED
    assert store.store(delivery(2, profile="heat-pump"), [row(900, 41, GATEWAY)]) is StoreResult.DUPLICATE
    table = schema.reading
    with world.engine.connect() as connection:
        kept = connection.execute(sa.select(table.c.series, table.c.captured_at, table.c.value))
        house, pump = (store.dimensions.profiles.find(1, name, "TAF-7") for name in ("house", "heat-pump"))
        assert {tuple(each) for each in kept} == {
            (house, START, 100),
            (house, START + 900, 101),
            (pump, START, 40),
            (pump, START + 900, 41),
        }


def test_another_sum_of_the_same_profile_and_period_is_refused(archive: tuple[World, Archive]) -> None:
    world, store = archive
    store.store(delivery(1), [row(0, 100, GATEWAY)])
    store.store(delivery(1, profile="other"), [row(0, 7, GATEWAY)])
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            store.store(delivery(2), [row(0, 7, GATEWAY), row(900, 8, GATEWAY)])
        assert caught.value.reason is RefusalReason.CONFLICTING_READING
    assert (world.count(schema.reading), world.count(schema.delivery)) == (2, 2)


def test_measured_values_of_two_profiles_are_kept_once_beside_their_sums(archive: tuple[World, Archive]) -> None:
    world, store = archive
    for profile, value in (("house", 100), ("heat-pump", 40)):
        store.store(delivery(1, profile=profile), [row(0), row(900), row(0, value, GATEWAY)])
    assert world.count(schema.reading) == 4
    with pytest.raises(RefusedError):
        store.store(delivery(2, profile="heat-pump"), [row(900, value=2)])


def test_months_apart(archive: tuple[World, Archive]) -> None:
    world, store = archive
    store.store(delivery(1), [row(0), row(40 * 86_400), row(400 * 86_400)])
    assert world.count(schema.reading) == 3


@pytest.mark.parametrize("survives", [True, False])
def test_killed_after_or_before_the_commit(world: World, survives: bool) -> None:
    """A process that is killed right after ``store`` has lost nothing; one killed inside it has written nothing."""
    url = world.engine.url
    world.engine.dispose()
    child = os.fork()
    if child == 0:
        engine = sa.create_engine(url)
        if not survives:
            sa.event.listen(engine, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        from datacenter import database  # noqa: PLC0415

        ready = database.engine(url)
        if not survives:
            sa.event.listen(ready, "after_cursor_execute", _kill_after_rows)
        Archive(ready).store(delivery(1), [row(0), row(1)])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert world.count(schema.reading) == (2 if survives else 0)
    expected = StoreResult.DUPLICATE if survives else StoreResult.STORED
    assert Archive(world.engine).store(delivery(1), [row(0), row(1)]) is expected
    assert world.count(schema.reading) == 2


def _kill_after_rows(_c: object, _k: object, statement: str, *_: object) -> None:
    if statement.startswith("INSERT INTO reading"):
        os.kill(os.getpid(), signal.SIGKILL)
