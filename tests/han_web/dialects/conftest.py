"""The application over the house, built once: these tests change nothing that another one of them looks at."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.han_web.place import Place, furnished
from tests.smgw.han.house import House


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Everything that a program can ask."""
    house = House(tmp_path_factory.mktemp("house"))
    with closing(house):
        yield furnished(house)
