"""Where the page can be reached: at the addresses that are configured, and nowhere else (PP-0073 FDP_IFF.1/FW)."""

import logging
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from han_web.sockets import SOCKET_NAME, listen, listen_locally
from smgw.han.settings import ServingError, ServingReason
from tests.han_web.fronted import free_port


def test_each_address_has_a_socket_that_waits_for_nobody() -> None:
    port = free_port("127.0.0.1", "::1")
    sockets = listen([ip_address("127.0.0.1"), ip_address("::1")], port)
    assert [one.getsockname()[:2] for one in sockets] == [("127.0.0.1", port), ("::1", port)]
    for one in sockets:
        with pytest.raises(BlockingIOError):
            one.accept()
        one.close()


def test_an_address_in_use_is_named_and_nothing_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        before = set(Path("/proc/self/fd").iterdir())
        with pytest.raises(ServingError, match=rf"127.0.0.1, port {port}: another program listens there") as refusal:
            listen([ip_address("127.0.0.2"), ip_address("127.0.0.1")], port)
        assert refusal.value.reason is ServingReason.ADDRESS
        # Something else of this process may be closed meanwhile.
        assert set(Path("/proc/self/fd").iterdir()) <= before


def test_an_address_that_is_not_there_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        sockets = listen([ip_address("192.0.2.7"), ip_address("2001:db8::7")], free_port())
    assert [one.getsockname()[0] for one in sockets] == ["192.0.2.7", "2001:db8::7"]
    assert "this machine has no address 192.0.2.7 now" in caplog.text
    for one in sockets:
        one.close()


def test_an_interface_that_is_not_there() -> None:
    with pytest.raises(ServingError, match=r"none of the interfaces of han\.addresses"):
        listen([ip_address("fe80::1%nowhere")], free_port())


def test_the_inner_socket_is_the_gateway_s_alone_however_deep_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    for _ in range(2):  # what a killed gateway left is replaced
        with listen_locally(folder):
            status = (folder / SOCKET_NAME).stat()
            assert status.st_mode & 0o777 == 0o600
