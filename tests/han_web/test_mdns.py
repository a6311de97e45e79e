"""The page by its name, and at an address of a link: on a cable between two machines (FDP_IFF.1/FW)."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from han_web.mdns import Announcement
from smgw.config_han import HanConfiguration
from tests.han_web.fronted import require_nginx
from tests.smgw.wan.namespaces import Machine, cable

pytestmark = pytest.mark.peer
ROOT = Path(__file__).parents[2]

GATEWAY = """
import sys
from pathlib import Path
from han_web.mdns import Announcement
from smgw.config_han import HanConfiguration
from ipaddress import ip_address
from tests.han_web.fronted import served
with served(Path(sys.argv[1]), "fe80::7%wan", "10.111.0.1") as one:
    page = HanConfiguration(one.page.addresses, one.page.port, (), "smgw-test")
    told = Announcement(page)
    told.start()
    print(one.page.port, flush=True)
    sys.stdin.read()
    told.stop()
"""

ASKING = """
import json, sys
from zeroconf import DNSQuestionType, Zeroconf
asking = Zeroconf(interfaces=["10.111.0.2"])
found = asking.get_service_info("_https._tcp.local.", "smgw-test._https._tcp.local.", 60_000)
print(json.dumps(found and [found.server, found.port, found.parsed_addresses()]))
asking.close()
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, int]]:
    """Somebody outside, and the port at which the gateway's machine serves him."""
    require_nginx()
    folder = tmp_path_factory.mktemp("linked")
    with cable() as (gateway, outside):
        # What the system gives an interface by itself may not be spoken from for the first seconds.
        for machine, address in ((gateway, "fe80::7/64"), (outside, "fe80::8/64")):
            machine.run("ip", "address", "add", address, "dev", "wan", "nodad")
        command = gateway.command(sys.executable, "-c", GATEWAY, folder)
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            port = process.stdout.readline().strip()
            assert port
            yield outside, int(port)
            process.stdin.close()


@pytest.mark.token
def test_an_address_of_a_link_is_served_by_its_interface(network: tuple[Machine, int]) -> None:
    outside, port = network
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    for host in ("[fe80::7%25wan]", "10.111.0.1"):
        said = outside.run("curl", "--silent", "--insecure", "--max-time", "60", f"https://{host}:{port}/seen")
        assert json.loads(said)["PATH_INFO"] == "/seen"


@pytest.mark.token
def test_who_asks_for_the_name_is_told_the_address(network: tuple[Machine, int]) -> None:
    outside, port = network
    done = subprocess.run(
        outside.command(sys.executable, "-c", ASKING), cwd=ROOT, check=True, capture_output=True, text=True, timeout=180
    )
    server, told, addresses = json.loads(done.stdout)
    assert (server, told) == ("smgw-test.local.", port)
    assert "10.111.0.1" in addresses


def test_a_network_that_is_not_there_is_no_reason_to_serve_nobody(caplog: pytest.LogCaptureFixture) -> None:
    told = Announcement(HanConfiguration((ip_address("fe80::7%nowhere"),), 443, (), "smgw"))
    told.start()
    assert "the name smgw.local is not told" in caplog.text
    told.stop()
