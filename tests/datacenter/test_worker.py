"""Clients that connect and say nothing, or stop in the middle of a handshake, hold no thread, and no place for long."""

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from datacenter.config import Limits
from tests.datacenter.served import PATIENCE, Served, served
from tests.datacenter.world import RASTER, World

SILENCE = 2
ATTEMPTS = 20
"""Each proves the matter alone, on a machine that finds the time for it before the silence is over."""
STARTED = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two threads, so that two clients would be enough to occupy it."""
    world = World(tmp_path_factory.mktemp("silent"), now=STARTED, limits=Limits(request_seconds=SILENCE))
    with served(world, threads=2) as server:
        yield server
    world.close()


def connected(server: Served, said: bytes) -> list[socket.socket]:
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
    for connection in connections:
        connection.sendall(said)
    return connections


def sent_away(connections: list[socket.socket]) -> bool:
    """Whether all of them are closed, long before the ten minutes that a tunnel may rest; waits for that."""
    ended = []
    for connection in connections:
        with connection:
            connection.settimeout(PATIENCE)
            ended.append(connection.recv(1) == b"")
    return all(ended)


def delivered(server: Served, sequence: int) -> bool:
    body = server.world.seal(server.world.gateway.content(sequence, until=STARTED - RASTER * 10 * sequence))
    return server.post(body)[0] == 200


def test_silent_clients_do_not_keep_others_waiting_and_are_sent_away(running: Served) -> None:
    """A delivery is answered while all of them are there still, which no thread would have time for that waits."""
    for sequence in range(10, 10 + ATTEMPTS):
        silent = connected(running, b"")
        assert delivered(running, sequence)
        gone, _, _ = select.select(silent, [], [], 0)
        assert sent_away(silent)
        if not gone:
            return
    pytest.fail("nothing was answered before somebody was sent away")


@pytest.mark.parametrize(("sequence", "said"), [(2, b"\x16"), (3, b"\x16\x03\x01\x02\x00\x01")])
def test_half_a_handshake_ends(running: Served, sequence: int, said: bytes) -> None:
    """Four of them share two threads; each is given up after the silence, and the server is there again."""
    half = connected(running, said)
    assert delivered(running, sequence)
    assert sent_away(half)


def test_a_first_byte_that_comes_late_is_still_heard(running: Served) -> None:
    for _ in range(ATTEMPTS):
        # On a machine that does much else it may come later than anybody waits for, and the client was sent away.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            if answer := late_answer(running):
                assert answer.startswith(b"HTTP/1.1 405")
                return
    pytest.fail("nobody heard it")


def late_answer(server: Served) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as late:
        time.sleep(SILENCE / 2)
        with server.context(server.world.gateway.tunnel).wrap_socket(late) as tunnel:
            tunnel.sendall(b"GET /deliveries HTTP/1.1\r\nHost: x\r\n\r\n")
            return tunnel.recv(1000)


def test_tunnels_that_rest_between_deliveries_are_kept(running: Served) -> None:
    with running.connected(running.world.gateway.tunnel) as connection:
        connection.connect()
        connection.request("GET", "/deliveries")
        connection.getresponse().read()
        time.sleep(SILENCE + 1.5)
        connection.request("GET", "/deliveries")
        assert connection.getresponse().status == 405
