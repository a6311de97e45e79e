"""One house for all who only look; whoever changes something that others would notice builds one of his own."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.smgw.han.house import House


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with closing(House(tmp_path_factory.mktemp("house"))) as built:
        yield built
