"""A small receiver behind a real socket: opens what it gets and answers as the test tells it to."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

import h11
from cryptography import x509
from OpenSSL import SSL

from pki.errors import TunnelError, TunnelReason
from pki.tunnel import TunnelPeer

Answer = Callable[[bytes], bytes | Iterator[bytes] | None]
"""Body -> raw answer, or its pieces as they come; None closes the connection without one."""


def http(status: int, body: bytes, extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), extra, body)


STORED = http(200, b'{"result":"stored"}')
DUPLICATE = http(200, b'{"result":"duplicate"}')


class Stream(Protocol):
    """What a socket and a TLS connection over one have in common."""

    def recv(self, bufsize: int, /) -> bytes: ...

    def sendall(self, data: bytes, /) -> object: ...


class Receiver:
    """Listens on loopback; ``bodies`` is what it received, ``connections`` how often somebody dialled."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.bodies: list[bytes] = []
        self.requests: list[h11.Request] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def hang_up(self) -> None:
        """End all connections, as a server does that restarts."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                stream = self._secured(connection)
                while self._exchange(stream):
                    pass
            except (OSError, SSL.Error):
                return

    def _secured(self, connection: socket.socket) -> Stream:
        return connection

    def _exchange(self, connection: Stream) -> bool:
        server = h11.Connection(h11.SERVER)
        body = bytearray()
        while True:
            event = server.next_event()
            if event is h11.NEED_DATA:
                data = connection.recv(65536)
                if not data:
                    return False
                server.receive_data(data)
            elif isinstance(event, h11.Request):
                self.requests.append(event)
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                break
        self.bodies.append(bytes(body))
        answer = self.answer(bytes(body))
        if answer is None:
            return False
        for piece in [answer] if isinstance(answer, bytes) else answer:
            connection.sendall(piece)
        return True


class TlsReceiver(Receiver):
    """The same behind mutual TLS with the project's own profile; ``clients`` are the certificates that were shown."""

    def __init__(self, answer: Answer, context: SSL.Context) -> None:
        self._context = context
        self.clients: list[x509.Certificate] = []
        super().__init__(answer)

    def _secured(self, connection: socket.socket) -> Stream:
        secured = SSL.Connection(self._context, connection)
        secured.set_accept_state()
        secured.do_handshake()
        shown = secured.get_peer_certificate(as_cryptography=True)
        assert shown is not None
        self.clients.append(shown)
        return secured


class PlainTunnel:
    """Bytes over TCP without TLS: what the sender sees of a tunnel is the same."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self.opened_at = datetime.now(UTC)

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise TunnelError(TunnelReason.CLOSED, str(error)) from error

    def receive(self, count: int, timeout: float) -> bytes:
        self._socket.settimeout(max(timeout, 0.001))
        try:
            return self._socket.recv(count)
        except TimeoutError as error:
            raise TunnelError(TunnelReason.TIMEOUT, "nothing came") from error
        except OSError as error:
            raise TunnelError(TunnelReason.CLOSED, str(error)) from error

    def close(self) -> None:
        self._socket.close()


class PlainBackend:
    """Dials TCP; ``down`` is an outage."""

    def __init__(self) -> None:
        self.down: TunnelReason | None = None
        self.opened: list[TunnelPeer] = []

    def open(self, peer: TunnelPeer, *, timeout: float) -> PlainTunnel:
        self.opened.append(peer)
        if self.down is not None:
            raise TunnelError(self.down, "outage")
        try:
            return PlainTunnel(socket.create_connection((peer.host, peer.port), timeout=timeout))
        except OSError as error:
            raise TunnelError(TunnelReason.UNREACHABLE, str(error)) from error


def drip(_: bytes) -> Iterator[bytes]:
    """An answer whose every byte comes in time and whose end never does."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
    while True:
        time.sleep(0.02)
        yield b" "
