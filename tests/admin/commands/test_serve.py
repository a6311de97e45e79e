import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pki.certificates import Purpose
from tests.admin.server_world import GATEWAY, PATIENCE, TIMEOUT, Gateway, World, until, world
from tests.ports import kept
from tests.softhsm import MODULE, shared_configuration
from wire.http import HttpClient
from wire.management import RELAY
from wire.orders import BreakUp, RunSelfTest

pytestmark = pytest.mark.token


def written(here: World, management: int, service: int) -> Path:
    configuration = here.office.configuration
    path = here.folder / "admin.toml"
    path.write_text(f"""
[administrator]
name = "Admin"
[token]
module = "{MODULE}"
configuration = "{shared_configuration()}"
label = "{configuration.token.label}"
pin_file = "pin"
[trust]
folder = "trust"
[keys]
tls_certificate = "TLS.pem"
tls_key = "TLS.key"
signature_certificate = "SIG.pem"
[database]
file = "admin.db"
[management]
host = "127.0.0.1"
port = {management}
linger_seconds = 30
[service]
host = "127.0.0.1"
port = {service}
""")
    return path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_of_its_own_process_serves_what_this_one_queues(tmp_path: Path, number: int) -> None:
    with world(tmp_path) as here, kept(2) as (management, service):
        keys = here.keys()
        here.add(keys)
        command = [sys.executable, "-m", "admin", "serve", "--config", str(written(here, management, service))]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            until(lambda: here.office.tunnels.running(here.clock()) or process.poll() is not None)
            device = Gateway(here, keys).come(management)
            here.finished(here.order(RunSelfTest()))
            here.finished(here.order(BreakUp()))
            device.wait()
            open_one, client = here.dial(service, keys.holders[Purpose.TLS]), HttpClient()
            open_one.send(client.request(RELAY, "admin", {}, b"of no type"))
            answered = client.receive(open_one.receive(65_536, TIMEOUT))
            assert answered is not None
            assert answered.status == 415, "somebody relays"
            process.send_signal(number)
            told = process.communicate(timeout=PATIENCE)[1]
            open_one.close()
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, told
        assert "stopped" in told
        assert not here.office.tunnels.running(here.clock())
        assert here.office.inventory.get(GATEWAY).last_tunnel_at is not None


def test_a_server_that_cannot_listen_says_so(tmp_path: Path) -> None:
    with world(tmp_path) as here, kept() as (free,), socket.create_server(("127.0.0.1", 0)) as taken:
        path = written(here, taken.getsockname()[1], free)
        command = [sys.executable, "-m", "admin", "serve", "--config", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
