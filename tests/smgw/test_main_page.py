"""A whole gateway with its page: started as a process, asked over TLS, killed (FTP_ITC.1/USR)."""

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from smgw.__main__ import Exit
from smgw.status import StatusError, read_status
from tests.han_web.fronted import free_port, require_nginx
from tests.smgw.composing import copied
from tests.smgw.premises import Premises
from tests.typed import mortal, typed

pytestmark = [pytest.mark.token, pytest.mark.peer]
ROOT = Path(__file__).parents[2]
PATIENCE = 90.0


def with_page(premises: Premises, port: int) -> None:
    premises.write_configuration(lines=f'[han]\naddresses = ["127.0.0.1"]\nport = {port}\n')


@contextmanager
def running(premises: Premises) -> Iterator["subprocess.Popen[str]"]:
    command = mortal(sys.executable, "-m", "smgw", "run", premises.file)
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not served(premises):
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def served(premises: Premises) -> bool:
    try:
        return bool(read_status(premises.folder / "store")["han"]["serving"])
    except StatusError:
        return False


def test_a_gateway_with_a_page_is_asked_and_killed(built: Premises, tmp_path: Path) -> None:
    require_nginx()
    premises, port = copied(built, tmp_path / "copy"), free_port()
    with_page(premises, port)
    with running(premises) as process:
        context = ssl.create_default_context(cafile=str(premises.folder / "certificates" / "HAN.pem"))
        asked = HTTPSConnection("127.0.0.1", port, context=context, timeout=PATIENCE)
        asked.request("GET", "/login")
        answer = asked.getresponse()
        assert answer.status == 200
        assert b"password" in answer.read()
        certificate = ssl.get_server_certificate(("127.0.0.1", port))
        assert certificate.split() == (premises.folder / "certificates" / "HAN.pem").read_text().split()
        said = typed("smgw", "status", premises.file).stdout
        assert f"page for consumers served: https://127.0.0.1:{port}/" in said
        asked.close()
        process.kill()
        process.wait()
        gone(port)


def gone(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except (ConnectionRefusedError, ConnectionResetError):
            return
        assert time.monotonic() < deadline, "somebody still listens"
        time.sleep(0.02)


def test_an_address_in_use_is_a_sentence_and_no_gateway(built: Premises, tmp_path: Path) -> None:
    require_nginx()
    premises = copied(built, tmp_path / "copy")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with_page(premises, port)
        done = typed("smgw", "run", premises.file)
    assert done.returncode == Exit.PAGE
    assert f"smgw: the page cannot be served at 127.0.0.1, port {port}: another program listens there" in done.stderr
