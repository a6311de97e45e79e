from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.small_pki import SmallPki
from tests.smgw.wan.receiver import Answer, Receiver
from tests.smgw.wan.station import Station


@pytest.fixture(scope="session")
def pki() -> SmallPki:
    return SmallPki()


@pytest.fixture
def station_with(pki: SmallPki, tmp_path: Path) -> Iterator[Callable[[Answer], Station]]:
    made: list[Station] = []

    def make(answer: Answer) -> Station:
        made.append(Station(pki, tmp_path, Receiver(answer)))
        return made[-1]

    yield make
    for station in made:
        station.close()
