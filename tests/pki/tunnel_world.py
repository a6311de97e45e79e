"""Both ends of a tunnel in tests: certificates that are good by the system's clock, and servers of two other stacks.

OpenSSL inside a handshake and stunnel look at the system's clock, so these certificates begin a little before now.
"""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki.certificates import Purpose, Role, TrustStore
from pki.tls import GROUPS, SUITES, TlsIdentity
from pki.tunnel import TunnelPeer
from testbed.small_pki import GATEWAY, Holder, SmallPki

STARTED = datetime.now(UTC).replace(microsecond=0)
TIMEOUT = 60.0
"""Seconds for what happens at once on a machine that does nothing else."""


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Ends:
    pki: SmallPki
    gateway: Holder
    participant: Holder
    trust: TrustStore

    def identity(self, holder: Holder) -> TlsIdentity:
        return TlsIdentity((holder.certificate, self.pki.hierarchy.sub_ca.certificate), holder.key)

    def peer(self, port: int, holder: Holder | None = None) -> TunnelPeer:
        return TunnelPeer("127.0.0.1", port, (holder or self.participant).certificate)


@cache
def ends() -> Ends:
    pki = SmallPki(seed=23, now=STARTED - timedelta(hours=1))
    gateway = pki.holder(Role.SMGW, Purpose.TLS, GATEWAY)
    return Ends(pki, gateway, pki.holder(Role.EMT, Purpose.TLS), pki.trust())


@contextlib.contextmanager
def files(holder: Holder, authorities: TrustStore) -> Iterator[tuple[Path, Path, Path]]:
    """(chain, key, trusted) in PEM, in a private folder that is removed at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chain, key, trusted = folder / "chain.pem", folder / "key.pem", folder / "trusted.pem"
        sub_ca = ends().pki.hierarchy.sub_ca.certificate
        chain.write_bytes(b"".join(item.public_bytes(Encoding.PEM) for item in (holder.certificate, sub_ca)))
        key.write_bytes(holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        trusted.write_bytes(b"".join(item.public_bytes(Encoding.PEM) for item in authorities.authorities))
        yield chain, key, trusted


@dataclass
class Server:
    """A listener that hands each connection to ``talk`` in a thread; ``seen`` collects what the tests ask for."""

    port: int
    seen: list[object]


Talk = Callable[[ssl.SSLSocket, list[object]], None]


def echo(connection: ssl.SSLSocket, seen: list[object]) -> None:
    seen.append((connection.getpeercert(binary_form=True), connection.cipher()))
    while data := connection.recv(65_536):
        connection.sendall(data)
    connection.unwrap().close()


@contextlib.contextmanager
def python_server(talk: Talk = echo, holder: Holder | None = None, suites: str = SUITES) -> Iterator[Server]:
    """A server on Python's own ssl module, TLS 1.2, that wants a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_ciphers(suites)
    # OpenSSL 3.0 takes a certificate only on a curve that it also offers for the key exchange.
    context.set_ecdh_curve("brainpoolP256r1")
    with files(holder or ends().participant, ends().trust) as (chain, key, trusted):
        context.load_cert_chain(chain, key)
        context.load_verify_locations(trusted)
    with tcp_server(lambda raw, seen: _over_tls(context, raw, talk, seen)) as server:
        yield server


def _over_tls(context: ssl.SSLContext, raw: socket.socket, talk: Talk, seen: list[object]) -> None:
    try:
        with context.wrap_socket(raw, server_side=True) as connection:
            talk(connection, seen)
    except OSError as error:
        seen.append(error)


@contextlib.contextmanager
def tcp_server(talk: Callable[[socket.socket, list[object]], None]) -> Iterator[Server]:
    seen: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        stop = threading.Event()
        workers: list[threading.Thread] = []

        def serve(raw: socket.socket) -> None:
            with raw:
                raw.settimeout(TIMEOUT)
                talk(raw, seen)

        def accept() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    raw, _ = listener.accept()
                    workers.append(threading.Thread(target=serve, args=(raw,)))
                    workers[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield Server(listener.getsockname()[1], seen)
        finally:
            stop.set()
            for thread in (acceptor, *workers):
                thread.join(TIMEOUT)


@contextlib.contextmanager
def openssl_server(*options: str, holder: Holder | None = None) -> Iterator[int]:
    """``openssl s_server -rev``: the foreign peer, which answers each line reversed; yields its port."""
    program = shutil.which("openssl")
    assert program is not None
    with files(holder or ends().participant, ends().trust) as (chain, key, trusted):
        command = [program, "s_server", "-accept", "127.0.0.1:0", "-rev"]
        command += ["-cert", str(chain), "-cert_chain", str(chain), "-key", str(key), "-CAfile", str(trusted)]
        command += ["-Verify", "3", "-verify_return_error", "-groups", ":".join(GROUPS), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            try:
                # Which port it took stands in what it says once it listens; what it says later fits into the pipe.
                said = next((line for line in process.stdout if line.startswith("ACCEPT ")), None)
                assert said is not None, "it ended"
                yield int(said.rpartition(":")[2])
            finally:
                process.kill()


def probed_within(port: int) -> list[float]:
    """For each connection that was dialled to ``port`` and is probed when silent: seconds to its next probe."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        remote, state, (timer, ticks) = fields[2], fields[3], fields[5].split(":")
        if int(remote.partition(":")[2], 16) == port and state == "01" and timer == "02":
            found.append(int(ticks, 16) / os.sysconf("SC_CLK_TCK"))
    return found
