"""Ways into the datacenter: requests per second of processor time of the servers, kept alive and with a handshake each.

All use mutual TLS 1.2 with brainpoolP256r1 certificates and key exchange and a body of 2 kB. What is behind them does
nothing, so that what remains is the way in: set it against the cost of one delivery (``ingest``) before choosing.
"""

import contextlib
import getpass
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from datacenter.config import load
from datacenter.front import write_nginx
from datacenter.server import PATH
from testbed.bench.figures import Figure
from testbed.bench.participants import Participants
from wire.cosem_xml import MEDIA_TYPE

SECONDS = 3.0
CLIENTS = 4
_BODY = b"\0" * 2048
_START_SECONDS = 20.0
_APPLICATION = "testbed.bench.front_app"
_CONFIGURATION = """
[datacenter]
name = "Netz"
[listen]
port = {port}
{socket}
[trust]
folder = "trust"
[gateways]
folder = "gateways"
[keys]
tls_certificate = "tls.pem"
tls_key = "tls.key"
encryption_certificate = "enc.pem"
encryption_key = "enc.key"
"""

Start = Callable[[Path, int], contextlib.AbstractContextManager[list[int]]]
Exchange = Callable[[ssl.SSLContext, int, float], int]


def run() -> list[Figure]:
    """Measure each front that is installed; the first is what the others are set against."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="smgw-fronts-") as name:
        participants = Participants(Path(name))
        participants.gateway_tls.write(Path(name), "client", participants.authorities.sub_ca.certificate)
        fronts: dict[str, tuple[tuple[str, ...], Start]] = {
            "gunicorn, TLS in Python": ((), _direct),
            "nginx, gunicorn on a Unix socket": (("nginx",), _nginx_gunicorn),
            "nginx, granian on a Unix socket": (("nginx", "granian"), _nginx_granian),
        }
        base: dict[str, float] = {}
        for front, (programs, start) in fronts.items():
            absent = [program for program in programs if _program(program) is None]
            if absent:
                figures.append(Figure(f"front: {front}", 0, "", note=f"not installed: {', '.join(absent)}"))
                continue
            port = free_port()
            with start(Path(name), port) as processes:
                for way, exchange in (("kept alive", _kept_alive), ("a handshake each", _handshake_each)):
                    rate = _rate(processes, exchange, _context(Path(name)), port)
                    ratio = rate / base.setdefault(way, rate)
                    note = f"{rate:.0f} requests per second of the servers' processor time"
                    figures.append(Figure(f"front: {front}, {way}", ratio, "", "gunicorn, TLS in Python", note=note))
    return figures


def _rate(processes: list[int], exchange: Exchange, context: ssl.SSLContext, port: int) -> float:
    exchange(context, port, time.monotonic() + 0.3)
    before = processor_seconds(processes)
    deadline = time.monotonic() + SECONDS
    with ThreadPoolExecutor(CLIENTS) as pool:
        counts = [pool.submit(exchange, context, port, deadline) for _ in range(CLIENTS)]
        total = sum(count.result() for count in counts)
    return total / (processor_seconds(processes) - before)


def _kept_alive(context: ssl.SSLContext, port: int, deadline: float) -> int:
    count = 0
    with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)) as connection:
        while time.monotonic() < deadline:
            _exchange(connection)
            count += 1
    return count


def _handshake_each(context: ssl.SSLContext, port: int, deadline: float) -> int:
    count = 0
    while time.monotonic() < deadline:
        with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)) as each:
            _exchange(each)
        count += 1
    return count


def _exchange(connection: http.client.HTTPSConnection) -> None:
    connection.request("POST", PATH, _BODY, {"Content-Type": MEDIA_TYPE})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 204:
        raise RuntimeError(f"the front answered {answer.status}")


def _context(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # The certificate is verified; it names an organisation, not 127.0.0.1.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ecdh_curve("brainpoolP256r1")
    context.load_cert_chain(folder / "client.pem", folder / "client.key")
    for path in (folder / "trust").glob("*.pem"):
        context.load_verify_locations(cafile=path)
    return context


@contextlib.contextmanager
def _direct(folder: Path, port: int) -> Iterator[list[int]]:
    configuration = folder / "direct.toml"
    configuration.write_text(_CONFIGURATION.format(port=port, socket=""))
    with _running([sys.executable, "-m", _APPLICATION, str(configuration)], port) as process:
        yield [process.pid]


@contextlib.contextmanager
def _nginx_gunicorn(folder: Path, port: int) -> Iterator[list[int]]:
    socket_path, configuration = folder / "gunicorn.sock", folder / "gunicorn.toml"
    configuration.write_text(_CONFIGURATION.format(port=port, socket='socket = "gunicorn.sock"'))
    command = [sys.executable, "-m", _APPLICATION, str(configuration)]
    with _running(command, socket_path) as behind, _nginx(configuration, folder / "front1", port) as front:
        yield [behind.pid, front.pid]


@contextlib.contextmanager
def _nginx_granian(folder: Path, port: int) -> Iterator[list[int]]:
    socket_path, configuration = folder / "granian.sock", folder / "granian.toml"
    configuration.write_text(_CONFIGURATION.format(port=port, socket='socket = "granian.sock"'))
    command = [str(_program("granian")), "--interface", "wsgi", "--uds", str(socket_path), "--workers", "1"]
    command += ["--no-ws", "--http", "1", "--log-level", "error", f"{_APPLICATION}:application"]
    with _running(command, socket_path) as behind, _nginx(configuration, folder / "front2", port) as front:
        yield [behind.pid, front.pid]


@contextlib.contextmanager
def _nginx(configuration: Path, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir()
    path = write_nginx(load(configuration), folder, user=getpass.getuser())
    command = [str(_program("nginx")), "-c", str(path), "-e", str(folder / "error.log"), "-g", "daemon off;"]
    with _running(command, port) as process:
        yield process


@contextlib.contextmanager
def _running(command: list[str], where: int | Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {key: value for key, value in os.environ.items() if key != "OPENSSL_CONF"}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(process, where)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], where: int | Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        family, address = (
            (socket.AF_INET, ("127.0.0.1", where)) if isinstance(where, int) else (socket.AF_UNIX, str(where))
        )
        with contextlib.suppress(OSError), socket.socket(family) as probe:
            probe.connect(address)
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen")


def processor_seconds(roots: list[int]) -> float:
    """User and system time of these processes and of their descendants that are running."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        number = int(status.parent.name)
        parents[number], ticks[number] = int(fields[1]), int(fields[11]) + int(fields[12])
    family = set(roots)
    while added := {number for number, parent in parents.items() if parent in family} - family:
        family |= added
    return sum(ticks.get(number, 0) for number in family) / os.sysconf("SC_CLK_TCK")


def _program(name: str) -> str | None:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def free_port() -> int:
    """One that nobody listened at a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
