"""A front that ends, or that can serve nobody any more, is followed by another one."""

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.han_web.fronted import PATIENCE, Fronted, free_port, living, require_nginx, served, until
from tests.softhsm import shared_configuration

pytestmark = [pytest.mark.token, pytest.mark.peer]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    with served(tmp_path_factory.mktemp("page")) as one:
        yield one


def test_a_front_that_dies_is_started_again_and_whatever_it_left_is_gone(page: Fronted) -> None:
    first = page.running.process_id
    assert first is not None
    before = len(page.changes)
    os.kill(first, signal.SIGKILL)  # its worker would live on
    page.until_told("front", "", before=before)
    assert page.running.process_id not in {None, first}
    until(lambda: not living(first))
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
    page.until_told("front", "", before=before)
    assert page.running.process_id not in {None, first}
    assert page.get()["PATH_INFO"] == "/"


KILLED = """
import sys, time
from pathlib import Path
from tests.han_web.fronted import served
with served(Path(sys.argv[1]), port=int(sys.argv[2])) as one:
    print(one.running.process_id, flush=True)
    time.sleep(600)
"""


def test_a_gateway_that_is_killed_leaves_nothing_that_listens(tmp_path: Path) -> None:
    require_nginx()
    root, port = Path(__file__).parents[2], free_port()
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(port)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        front = int(process.stdout.readline())
        assert front in living(front)
        process.kill()
    until(lambda: not living(front))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
