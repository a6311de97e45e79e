"""A name has one number, in memory, in the table, and among many threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from datacenter import numbers, schema
from datacenter.numbers import Numbers
from tests.datacenter.world import World


def test_one_number_for_a_name(make_world: Callable[..., World], any_database: sa.URL) -> None:
    world = make_world(url=any_database)
    first, second = Numbers(world.engine, schema.device), Numbers(world.engine, schema.device)
    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(lambda index: (first, second)[index % 2].of("1ISK0012345678"), range(32)))
    assert len(given) == 1
    assert world.count(schema.device) == 1
    assert second.find("1ISK0012345678") == given.pop()
    assert second.find("1ISK0012345679") is None


def test_keys_of_several_parts(world: World) -> None:
    profiles = Numbers(world.engine, schema.profile)
    assert len({profiles.of(1, "a", "TAF-7"), profiles.of(2, "a", "TAF-7"), profiles.of(1, "a", "TAF-1")}) == 3


def test_memory_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "REMEMBERED", 3)
    devices = Numbers(world.engine, schema.device)
    given = [devices.of(str(name)) for name in range(10)]
    assert len(devices._known) <= 3
    assert [devices.of(str(name)) for name in range(10)] == given
