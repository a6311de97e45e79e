import socket

import pytest

from tests.ports import deaf_port, kept


def test_a_kept_port_refuses_until_whoever_names_it_listens() -> None:
    with kept(2) as ports:
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
            with socket.create_server(("127.0.0.1", port)):
                socket.create_connection(("127.0.0.1", port)).close()


def test_who_takes_any_port_is_given_another_one() -> None:
    with kept() as (port,), socket.socket() as any_port, pytest.raises(OSError, match="in use"):
        any_port.bind(("127.0.0.1", port))


def test_nobody_hears_at_a_deaf_port() -> None:
    with deaf_port() as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", port))
        udp.send(b"x")
        udp.settimeout(60)
        with pytest.raises(ConnectionRefusedError):
            udp.recv(1)
