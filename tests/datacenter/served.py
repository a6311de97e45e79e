"""A datacenter that really serves, in a process of its own, and clients of another TLS implementation's making."""

import contextlib
import http.client
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from datacenter.tls import OPENSSL_CONFIGURATION
from testbed.demo.scene import free_ports
from testbed.small_pki import Holder
from tests.datacenter.world import World
from wire.cosem_xml import MEDIA_TYPE

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
PATIENCE = 60.0
"""Seconds for what happens at once on a machine that does nothing else."""


@dataclass
class Served:
    """A running ``smgw-datacenter serve``."""

    world: World
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def context(self, holder: Holder | None, name: str = "client") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ecdh_curve("brainpoolP256r1")
        for path in (self.world.folder / "trust").glob("*.pem"):
            context.load_verify_locations(cafile=path)
        if holder is not None:
            context.load_cert_chain(*self.world.files(name, holder))
        return context

    @contextlib.contextmanager
    def connected(self, holder: Holder | None) -> Iterator[http.client.HTTPSConnection]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.context(holder))
        with contextlib.closing(connection):
            yield connection

    def post(self, body: bytes, holder: Holder | None = None) -> tuple[int, bytes]:
        with self.connected(holder or self.world.gateway.tunnel) as connection:
            return post(connection, body)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(START_SECONDS)


def post(
    connection: http.client.HTTPConnection, body: bytes, path: str = "/deliveries", **headers: str
) -> tuple[int, bytes]:
    connection.request("POST", path, body, {"Content-Type": MEDIA_TYPE} | headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def free_port() -> int:
    """A port that the system gives to nobody else while this process lives."""
    (port,) = free_ports(1)
    return port


@contextlib.contextmanager
def served(world: World, *, program: str = "datacenter", bare: bool = False, **listen: str | int) -> Iterator[Served]:
    """``python -m program serve`` on a free port (or Unix socket) until the block ends.

    A ``bare`` one finds nothing of ours in its environment, and so has to start itself a second time.
    """
    port = free_port()
    configuration = world.configuration(port, **listen)
    log = world.folder / "log"
    environment = {key: value for key, value in os.environ.items() if key != "OPENSSL_CONF"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", program, "serve", "--config", str(configuration)],
            cwd=ROOT,
            env=environment if bare else environment | {"OPENSSL_CONF": str(OPENSSL_CONFIGURATION)},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_it_listens(process, world.folder / str(listen["socket"]) if "socket" in listen else port, log)
        yield Served(world, port, process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_until_it_listens(process: subprocess.Popen[bytes], where: int | Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended: {log.read_text()}")
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_INET if isinstance(where, int) else socket.AF_UNIX) as probe,
        ):
            probe.connect(("127.0.0.1", where) if isinstance(where, int) else str(where))
            return
        time.sleep(0.05)
    raise AssertionError(f"the server does not listen: {log.read_text()}")
