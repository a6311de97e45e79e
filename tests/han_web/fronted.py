"""A page behind the real nginx, with a key in a real token, and an application that says what reached it."""

import errno
import json
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from han_web.front import PROGRAM, Front, Nginx
from han_web.serve import Application
from han_web.sockets import listen, listen_locally
from pki.token import Token
from pki.token_tls import TokenAddress
from smgw.config_han import HanConfiguration
from smgw.han.certificate import HanCertificate, grouped_fingerprint, pem_of
from smgw.han.settings import HanIdentity, HanSettings
from tests.softhsm import MODULE, PIN, fresh_token, shared_configuration
from wire.reading import DeviceId

SEEN = ("HTTP_X_CLIENT_CERTIFICATE", "HTTP_X_CLIENT_ADDRESS", "HTTP_X_FORWARDED_FOR", "HTTP_HOST", "PATH_INFO",
        "wsgi.url_scheme", "REMOTE_ADDR", "HTTP_FORWARDED")  # fmt: skip
PATIENCE = 60
"""Seconds for an answer, and for whatever else happens at once on a machine that has nothing else to do."""


def application(environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """What reached it, as JSON; a body is counted."""
    seen = {name: environ.get(name) for name in SEEN} | {"body": len(environ["wsgi.input"].read())}
    start("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(seen).encode()]


@dataclass
class Fronted:
    """One page that is served."""

    folder: Path
    page: HanConfiguration
    settings: HanSettings
    token: Token
    changes: list[str] = field(default_factory=list)
    front: Front | None = None

    @property
    def running(self) -> Front:
        assert self.front is not None
        return self.front

    def ask(self, text: str | bytes, *, context: ssl.SSLContext | None = None, host: int = 0) -> bytes:
        """Send ``text`` and read what comes, to the end."""
        with self.connected(context, host) as stream:
            stream.sendall(text.encode() if isinstance(text, str) else text)
            return rest(stream)

    def get(self, path: str = "/", *headers: str, context: ssl.SSLContext | None = None) -> dict[str, Any]:
        lines = [f"GET {path} HTTP/1.1", "Host: gateway", "Connection: close", *headers, "", ""]
        answer = self.ask("\r\n".join(lines), context=context)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), answer
        found: dict[str, Any] = json.loads(body)
        return found

    @contextmanager
    def connected(self, context: ssl.SSLContext | None = None, host: int = 0) -> Iterator[ssl.SSLSocket]:
        with (
            socket.create_connection((str(self.page.addresses[host]), self.page.port), timeout=PATIENCE) as plain,
            (context or self.client()).wrap_socket(plain, server_hostname="EABC0012345678") as stream,
        ):
            yield stream

    def until_told(self, *changes: str, before: int = 0) -> None:
        """Wait until these changes, and no others, were told since there were ``before`` of them."""
        until(lambda: len(self.changes) >= before + len(changes))
        assert tuple(self.changes[before:]) == changes

    def client(self) -> ssl.SSLContext:
        """Believes the page's certificate and no other."""
        context = ssl.create_default_context(cadata=self.settings.identity().certificate.decode())
        context.check_hostname = True
        return context


def until(happened: Callable[[], object]) -> None:
    """Wait until something of another thread or process has happened."""
    ends = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)


def living(group: int) -> list[int]:
    """The processes of a group that did not end; in a container without an init nobody reaps those that did."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _, own, *_ = file.read_text().rpartition(")")[2].split()
            if int(own) == group and state not in {"Z", "X"}:
                found.append(int(file.parent.name))
    return found


def rest(stream: socket.socket) -> bytes:
    found = bytearray()
    try:
        while part := stream.recv(65536):
            found += part
    except (ConnectionResetError, ssl.SSLError):
        pass
    return bytes(found)


def require_nginx() -> None:
    if not PROGRAM.is_file() or shutil.which("setpriv") is None:
        pytest.skip("nginx is not installed (apt install nginx-light)")
    if not list(Path("/usr/lib").glob("*/engines-3/pkcs11.so")):
        pytest.skip("the engine is not installed (apt install libengine-pkcs11-openssl)")


_RESERVED: list[socket.socket] = []


def free_port(*addresses: str) -> int:
    """A port that is this process's until it ends, at each address (``127.0.0.1``).

    It stays bound by a socket that never listens: the system gives it to nobody else, and a server that binds with
    ``SO_REUSEADDR``, as ours do, listens there all the same.
    """
    while True:
        port = 0
        for address in addresses or ("127.0.0.1",):
            ((family, *_, place), *_) = socket.getaddrinfo(
                address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
            one = socket.socket(family, socket.SOCK_STREAM)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _RESERVED.append(one)
            try:
                one.bind(place)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                break
            port = one.getsockname()[1]
        else:
            return port


@contextmanager
def prepared(folder: Path, *addresses: str, port: int | None = None) -> Iterator[Fronted]:
    """A token with a certificate; nothing is served yet."""
    configuration = shared_configuration()
    places = addresses or ("127.0.0.1",)
    page = HanConfiguration(tuple(ip_address(one) for one in places), port or free_port(*places))
    with Token.open(MODULE, fresh_token(), PIN, monotonic=time.monotonic) as token:
        held = HanCertificate(
            DeviceId("EABC0012345678"), page, token, folder, random=os.urandom, sync=lambda: None
        )  # fmt: skip

        def identity() -> HanIdentity:
            certificate, label = held.look(datetime.now(UTC), trusted=True)
            address = TokenAddress(MODULE, token._label, {"SOFTHSM2_CONF": str(configuration)}, label)
            return HanIdentity(pem_of(certificate), grouped_fingerprint(certificate), address)

        changes: list[str] = []
        settings = HanSettings(page, folder, lambda: PIN, identity, changes.append)
        yield Fronted(folder, page, settings, token, changes)


@contextmanager
def served(folder: Path, *addresses: str, port: int | None = None) -> Iterator[Fronted]:
    """A page that is served, until the block ends."""
    require_nginx()
    with prepared(folder, *addresses, port=port) as one, ExitStack() as ending:
        listening = listen(one.page.addresses, one.page.port)
        for each in listening:
            ending.callback(each.close)
        behind = Application(application, listen_locally(folder))
        ending.callback(behind.stop)
        behind.start()
        one.front = Front(one.settings, listening, Nginx.look())
        ending.callback(one.front.stop)
        one.front.start()
        one.until_told("")
        yield one


def client_certificate(folder: Path) -> tuple[x509.Certificate, Path]:
    """Of a program in the home area network, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "display")])
    begin = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(begin).not_valid_after(begin + timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / "client.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return certificate, file
