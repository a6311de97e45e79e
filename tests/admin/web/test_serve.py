"""The console as a program: TLS alone, until it is told to stop."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from admin.errors import ConfigError
from admin.users import UserRole
from admin.web.certificate import own_certificate
from admin.web.serve import context
from tests.admin.bureau import BY, NOW, Bureau
from tests.admin.commands.desk import Desk
from tests.admin.passwords import PASSWORD
from tests.admin.server_world import PATIENCE, TIMEOUT, until
from tests.ports import kept

pytestmark = pytest.mark.token

ROOT = Path(__file__).parents[3]


@pytest.fixture
def port(bureau: Bureau) -> Iterator[int]:
    """A free port, in the configuration; somebody may log in."""
    with kept() as (number,):
        bureau.file.write_text(bureau.toml(rest=f'[web]\nhost = "127.0.0.1"\nport = {number}\n'))
        with bureau.office() as office:
            office.users.add("susi", UserRole.SUPERVISOR, PASSWORD, BY, NOW)
        yield number


@contextmanager
def running(bureau: Bureau) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "admin", "web", "--config", str(bureau.file)]
    log = bureau.folder / "console.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=stream)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE)


def answer(port: int, trusted: Path) -> int:
    """The status of the log-in page, over TLS that is believed; 0 while nobody answers."""
    chosen = ssl.create_default_context(cafile=str(trusted))
    connection = http.client.HTTPSConnection("localhost", port, timeout=TIMEOUT, context=chosen)
    try:
        connection.request("GET", "/login")
        return connection.getresponse().status
    except ConnectionRefusedError:
        return 0
    finally:
        connection.close()


def test_it_serves_over_tls_until_it_is_told_to_stop(bureau: Bureau, port: int) -> None:
    with running(bureau) as process:
        certificate = bureau.folder / "console.pem"
        until(lambda: process.poll() is not None or certificate.exists())
        until(lambda: process.poll() is not None or answer(port, certificate) == 200)
        assert process.poll() is None, (bureau.folder / "console.log").read_text()
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answered = b""
            with suppress(ConnectionResetError):  # where the server left the rest of it unread
                answered = plain.recv(1024)
            assert b"200" not in answered
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    told = (bureau.folder / "console.log").read_text()
    assert f"console: https://127.0.0.1:{port}/ (SHA-256 of its certificate: " in told


def test_it_does_not_start_for_nobody(bureau: Bureau) -> None:
    ended = Desk(bureau)("web", code=2)
    assert "smgw-admin users add NAME --role supervisor" in ended.output


def test_files_that_are_no_pair_are_refused_before_anybody_is_served(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path, "127.0.0.1", NOW)
    found = context(certificate, key)
    assert found.minimum_version is ssl.TLSVersion.TLSv1_2
    with pytest.raises(ConfigError, match="cannot be used"):
        context(key, certificate)
    with pytest.raises(ConfigError, match="cannot be used"):
        context(certificate, tmp_path / "nothing")


def test_where_somebody_else_listens_it_does_not_start(bureau: Bureau, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        assert "cannot listen" in Desk(bureau)("web", code=2).stderr
