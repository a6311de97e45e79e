"""A header speaks for a handshake only on a Unix socket and only with the front's word."""

import contextlib
import getpass
import http.client
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from datacenter.config import load
from datacenter.errors import ConfigError
from datacenter.front import CERTIFICATE_HEADER, VERIFIED_HEADER, FrontPeer, write_nginx
from tests.datacenter.served import post, served, wait_until_it_listens
from tests.datacenter.world import World, pem

GOOD = {"HTTP_X_CLIENT_VERIFIED": "SUCCESS", "HTTP_X_CLIENT_CERTIFICATE": "-----BEGIN%20CERTIFICATE-----%0A"}


def test_only_on_a_unix_socket() -> None:
    here, there = socket.socketpair()
    with here, there, socket.socket() as network:
        assert FrontPeer().certificate(GOOD | {"gunicorn.socket": here}, 0.0) == b"-----BEGIN CERTIFICATE-----\n"
        assert FrontPeer().certificate(GOOD | {"gunicorn.socket": network}, 0.0) is None
        assert FrontPeer().certificate(GOOD, 0.0) is None


@pytest.mark.parametrize("word", ["NONE", "FAILED:expired", "success", ""])
def test_only_with_the_fronts_word(word: str) -> None:
    here, there = socket.socketpair()
    with here, there:
        assert FrontPeer().certificate(GOOD | {"gunicorn.socket": here, "HTTP_X_CLIENT_VERIFIED": word}, 0.0) is None
        assert FrontPeer().certificate({"gunicorn.socket": here}, 0.0) is None


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def test_served_behind_a_front(tmp_path: Path) -> None:
    world = World(tmp_path, now=datetime.now(UTC).replace(microsecond=0))
    body = world.seal(world.gateway.content())
    with served(world, socket="front.sock"):
        path = tmp_path / "front.sock"
        assert path.stat().st_mode & 0o007 == 0

        def sent(**headers: str) -> tuple[int, bytes]:
            with contextlib.closing(UnixConnection(path)) as connection:
                return post(connection, body, **headers)

        certificate = quote(pem(world.gateway.tunnel.certificate))
        vouched = {CERTIFICATE_HEADER: certificate, VERIFIED_HEADER: "SUCCESS"}
        assert sent() == (403, b'{"reason":"tunnel-certificate"}\n')
        assert sent(**{CERTIFICATE_HEADER: certificate})[0] == 403
        assert sent(**vouched) == (200, b'{"result":"stored"}\n')
        other = quote(pem(world.new_gateway("EXYZ0087654321").tunnel.certificate))
        assert sent(**(vouched | {CERTIFICATE_HEADER: other}))[0] == 403
    world.close()


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed (apt: nginx-light)")
def test_through_nginx(tmp_path: Path) -> None:
    """nginx proves the client, overwrites what the client claims to be, and lets nobody in without a certificate."""
    world = World(tmp_path, now=datetime.now(UTC).replace(microsecond=0))
    body = world.seal(world.gateway.content())
    with served(world, socket="front.sock") as server:
        folder = tmp_path / "front"
        folder.mkdir()
        path = write_nginx(load(tmp_path / "datacenter.toml"), folder, user=getpass.getuser())
        with nginx(path):
            wait_until_it_listens(server.process, server.port, server.log)
            assert server.post(body) == (200, b'{"result":"stored"}\n')
            stranger = world.new_gateway("EXYZ0087654321")
            claimed = {CERTIFICATE_HEADER: quote(pem(world.gateway.tunnel.certificate)), VERIFIED_HEADER: "SUCCESS"}
            with server.connected(stranger.tunnel) as connection:
                assert post(connection, body, **claimed) == (403, b'{"reason":"tunnel-certificate"}\n')
            with server.connected(None) as connection:
                assert post(connection, body, **claimed)[0] == 400
    world.close()


@contextlib.contextmanager
def nginx(path: Path) -> Iterator[None]:
    process = subprocess.Popen(["nginx", "-c", str(path), "-e", str(path.parent / "error.log"), "-g", "daemon off;"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def test_what_cannot_stand_in_its_configuration(world: World) -> None:
    config = load(world.configuration(8443, socket="front.sock"))
    with pytest.raises(ConfigError, match="cannot stand"):
        write_nginx(replace(config, listen=replace(config.listen, socket=Path("/x; load_module y"))), world.folder)
    with pytest.raises(ConfigError, match="socket is missing"):
        write_nginx(replace(config, listen=replace(config.listen, socket=None)), world.folder)
