"""Clients that connect and say nothing, or stop in the middle of a handshake, hold no thread, and no place for long."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from datacenter.config import Limits
from tests.datacenter.served import Served, served
from tests.datacenter.world import RASTER, World

SILENCE = 2
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


def seconds_until_closed(connections: list[socket.socket]) -> float:
    begin = time.monotonic()
    for connection in connections:
        with connection:
            connection.settimeout(10)
            assert connection.recv(1) == b""
    return time.monotonic() - begin


def delivered(server: Served, sequence: int) -> bool:
    body = server.world.seal(server.world.gateway.content(sequence, until=STARTED - RASTER * 10 * sequence))
    return server.post(body)[0] == 200


def test_silent_clients_do_not_keep_others_waiting_and_are_sent_away(running: Served) -> None:
    silent = connected(running, b"")
    begin = time.monotonic()
    assert delivered(running, 1)
    assert time.monotonic() - begin < SILENCE
    assert seconds_until_closed(silent) < SILENCE + 2


@pytest.mark.parametrize(("sequence", "said"), [(2, b"\x16"), (3, b"\x16\x03\x01\x02\x00\x01")])
def test_half_a_handshake_ends(running: Served, sequence: int, said: bytes) -> None:
    """Four of them share two threads; each is given up after the silence, and the server is there again."""
    half = connected(running, said)
    assert delivered(running, sequence)
    assert seconds_until_closed(half) < 3 * SILENCE + 2


def test_a_first_byte_that_comes_late_is_still_heard(running: Served) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as late:
        time.sleep(SILENCE / 2)
        with running.context(running.world.gateway.tunnel).wrap_socket(late) as tunnel:
            tunnel.sendall(b"GET /deliveries HTTP/1.1\r\nHost: x\r\n\r\n")
            assert tunnel.recv(1000).startswith(b"HTTP/1.1 405")


def test_tunnels_that_rest_between_deliveries_are_kept(running: Served) -> None:
    with running.connected(running.world.gateway.tunnel) as connection:
        connection.connect()
        connection.request("GET", "/deliveries")
        connection.getresponse().read()
        time.sleep(SILENCE + 1.5)
        connection.request("GET", "/deliveries")
        assert connection.getresponse().status == 405
