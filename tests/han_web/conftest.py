from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import TECHNICIAN, House


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all pages: they show, and what they change is nobody else's."""
    built = House(tmp_path_factory.mktemp("house"))
    with closing(built):
        yield built


@pytest.fixture(scope="module")
def consumer(house: House) -> Browser:
    return browser(house.port, "house")


@pytest.fixture(scope="module")
def german(house: House) -> Browser:
    return browser(house.port, "house", "de")


@pytest.fixture(scope="module")
def technician(house: House) -> Browser:
    return browser(house.port, TECHNICIAN)
