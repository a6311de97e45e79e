from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.small_pki import SmallPki
from tests.smgw.administration.house import House


@pytest.fixture(scope="session")
def pki() -> SmallPki:
    return SmallPki()


@pytest.fixture
def house(pki: SmallPki, tmp_path: Path) -> Iterator[House]:
    made = House(pki, tmp_path)
    yield made
    made.close()
