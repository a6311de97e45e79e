"""A world per test, and one PostgreSQL cluster for all tests that need one."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from testbed import postgres
from tests.datacenter.world import World

_names = itertools.count()


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make worlds; their connections are closed at the end."""
    made: list[World] = []

    def make(**deviations: Any) -> World:
        folder = tmp_path / f"world{len(made)}"
        folder.mkdir()
        made.append(World(folder, **deviations))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """On SQLite, at a fixed time."""
    return make_world()


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A private PostgreSQL; skips where the server is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra [postgres])")
    if postgres.programs_folder() is None:
        pytest.skip("PostgreSQL's server is not installed (apt: postgresql)")
    with postgres.cluster(durable=False) as running:
        yield running


@pytest.fixture
def postgresql(cluster: postgres.Cluster) -> sa.URL:
    """A new empty database."""
    return cluster.create_database(f"test{next(_names)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> sa.URL:
    """Both kinds, in turn."""
    if request.param == "sqlite":
        return sa.make_url(f"sqlite:///{tmp_path}/any.db")
    create: Callable[[], sa.URL] = lambda: request.getfixturevalue("postgresql")  # noqa: E731
    return create()
