"""A front that ends, or that can serve nobody any more, is followed by another one."""

import os
import signal
import ssl
import time
from collections.abc import Iterator

import pytest

from han_web.front import LOOK_SECONDS, SHORTEST_PAUSE
from tests.han_web.fronted import Fronted, served
from tests.softhsm import shared_configuration

pytestmark = [pytest.mark.token, pytest.mark.peer]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    with served(tmp_path_factory.mktemp("page")) as one:
        yield one


def wait_for_another(page: Fronted, before: int) -> None:
    deadline = time.monotonic() + 20 * (LOOK_SECONDS + SHORTEST_PAUSE)
    while page.changes[before:] != ["front", ""] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert page.changes[before:] == ["front", ""]


def test_a_front_that_dies_is_started_again_and_whatever_it_left_is_gone(page: Fronted) -> None:
    first = page.running.process_id
    assert first is not None
    before = len(page.changes)
    os.kill(first, signal.SIGKILL)  # its worker would live on
    wait_for_another(page, before)
    assert page.running.process_id not in {None, first}
    with pytest.raises(ProcessLookupError):
        os.killpg(first, 0)
    assert page.get()["PATH_INFO"] == "/"


def test_a_front_that_lost_its_key_is_started_again(page: Fronted) -> None:
    """The token's files are away for a moment, as when somebody puts a copy in their place."""
    before, first = len(page.changes), page.running.process_id
    tokens = shared_configuration().with_name("tokens")
    tokens.rename(away := tokens.with_name("away"))
    try:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            page.get()
    finally:
        away.rename(tokens)
    wait_for_another(page, before)
    assert page.running.process_id not in {None, first}
    assert page.get()["PATH_INFO"] == "/"
