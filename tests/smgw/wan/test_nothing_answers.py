"""The gateway as its WAN sees it: a scan from another machine finds no open TCP port and gets no UDP answer.

The gateway is the real process with its wake-up port; what scans it is nmap, over a cable of virtual interfaces.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pki import cms
from pki.certificates import Purpose, Role
from pki.wakeup import sign_wake_up
from smgw.status import StatusError, read_status
from tests.smgw.premises import GATEWAY, Premises
from tests.smgw.wan.namespaces import OUTSIDE, Machine, cable
from tests.smgw.wan.waking import administrator_profile
from tests.softhsm import MODULE, write_configuration
from tests.typed import mortal
from wire.reading import DeviceId

pytestmark = [pytest.mark.peer, pytest.mark.token]
ROOT = Path(__file__).parents[3]
PORT = 4059
SECONDS = 120.0
ANY = "0.0.0.0"  # noqa: S104 -- inside a namespace of its own
_LISTENER = "import socket,sys; s=socket.create_server(('', 4444)); print('on', flush=True); sys.stdin.read()"
_LISTEN_FOR_ANSWERS = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
s.settimeout(1)
for line in sys.argv[3:]:
    s.send(bytes.fromhex(line))
try:
    print("answered", s.recv(2000).hex())
except TimeoutError:
    print("silent")
"""


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[Machine, Machine]]:
    if shutil.which("nmap") is None:
        pytest.skip("nmap is not installed (apt install nmap)")
    with cable() as both:
        yield both


@pytest.fixture(scope="module")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    if not MODULE.exists():
        pytest.skip("SoftHSM2 is not installed (apt install softhsm2)")
    folder = tmp_path_factory.mktemp("premises")
    premises = Premises(folder, write_configuration(folder), GATEWAY)
    sig, tls = premises.administrator, premises.pki.holder(Role.GWA, Purpose.TLS, "Verwalter")
    profile = replace(administrator_profile(tls, sig, premises.pki.now), host=OUTSIDE)
    document = cms.sign_document(profile.to_bytes(), signer=sig.certificate, key=sig.key)
    (folder / "administrator.cms").write_bytes(document)
    premises.write_configuration(host=ANY, port=str(PORT))
    subprocess.run(
        [sys.executable, "-m", "smgw", "init", premises.file, "--create-token"], cwd=ROOT, check=True, timeout=SECONDS
    )
    premises.certify()
    return premises


@pytest.fixture(scope="module")
def outside(machines: tuple[Machine, Machine], premises: Premises) -> Iterator[Machine]:
    """The machine outside, while the gateway runs on the other one."""
    inside, outside = machines
    with gateway_process(inside, premises) as process:
        yield outside
        assert process.poll() is None, "the gateway did not survive it"


@contextmanager
def gateway_process(inside: Machine, premises: Premises) -> Iterator["subprocess.Popen[bytes]"]:
    written = premises.folder / "gateway.log"
    with written.open("wb") as log:
        process = subprocess.Popen(
            inside.command(*mortal(sys.executable, "-m", "smgw", "run", premises.file)), cwd=ROOT, stderr=log
        )
        try:
            until = time.monotonic() + SECONDS
            while not answers(premises):
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"the gateway does not run: {written.read_text()}")
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(SECONDS)
            finally:
                process.kill()


def answers(premises: Premises) -> bool:
    try:
        return bool(read_status(premises.folder / "store"))
    except StatusError:
        return False


def ports(told: str) -> dict[str, str]:
    """State of each port that nmap lists, by number and protocol; the rest it sums up as closed."""
    return dict(re.findall(r"(\d+/(?:tcp|udp))\s+(\S+)", told))


def scan(outside: Machine, target: str, *options: str) -> dict[str, str]:
    told = outside.run("nmap", "-n", "-Pn", "--reason", *options, target)
    assert "1 host up" in told
    return ports(told)


def logged(premises: Premises) -> str:
    command = [sys.executable, "-m", "smgw", "log", str(premises.file)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=SECONDS).stdout


def test_no_tcp_port_is_open(machines: tuple[Machine, Machine], outside: Machine) -> None:
    found = scan(outside, machines[0].address, "-sS", "-p-", "-T5")
    assert "open" not in found.values(), found


def test_the_scan_would_have_found_one(machines: tuple[Machine, Machine], outside: Machine) -> None:
    inside = machines[0]
    command = inside.command(sys.executable, "-c", _LISTENER)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline() == b"on\n"
        assert scan(outside, inside.address, "-sS", "-p4000-5000")["4444/tcp"] == "open"
        listener.kill()


def test_no_udp_port_answers(machines: tuple[Machine, Machine], outside: Machine) -> None:
    """Other ports say that they are closed (the kernel does); ours says nothing at all.

    ``open`` would mean that a datagram came back; of a port that keeps silent nmap cannot tell whether it is there.
    """
    # Kernels send few such messages a second, which makes scans slow: not this one, to one peer or to all together.
    for limit in ("icmp_ratelimit", "icmp_ratemask"):
        machines[0].run("sh", "-c", f"echo 0 > /proc/sys/net/ipv4/{limit}")
    found = scan(outside, machines[0].address, "-sU", f"-p1-1024,{PORT}", "-T5")
    assert found.pop(f"{PORT}/udp") == "open|filtered"
    assert "open" not in found.values(), found


def test_a_genuine_call_is_heard_and_not_answered_either(
    machines: tuple[Machine, Machine], outside: Machine, premises: Premises
) -> None:
    key = premises.administrator.key
    now = datetime.now(UTC).replace(microsecond=0)
    call = sign_wake_up(DeviceId(GATEWAY), now, os.urandom(16), key)
    said = outside.run(
        sys.executable, "-c", _LISTEN_FOR_ANSWERS, machines[0].address, str(PORT),
        "00", call[:-1].hex(), call[:-64].hex() + "00" * 64, call.hex(), call.hex(),
    )  # fmt: skip
    assert said == "silent\n"
    until = time.monotonic() + SECONDS
    while "WAKE_UP_ACCEPTED" not in (told := logged(premises)):
        assert time.monotonic() < until, told
        time.sleep(0.5)
