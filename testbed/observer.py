"""Somebody who looks at the wire between a gateway and a party, and can open nothing (PP-0073, T.Privacy; FPR_CON.1).

Decides what such an observer has: of every connection each TLS record that passes, with its direction, its type, its
length and the time. That is all that TLS leaves in the clear; what stands inside a record is not kept. It passes on
every octet as it came.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
_HEADER_BYTES: Final = 5
"""RFC 5246 section 6.2.1: type, version, length."""
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Record:
    """One TLS record: when (by the observer's clock), in which connection (1, 2, ...), whereto, what kind, how long."""

    at: datetime
    connection: int
    outward: bool
    kind: int
    size: int


class RecordReader:
    """Octets of one direction -> type and length of each record that is complete; keeps no octet of what is inside."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._header = bytearray()
        self._left = 0

    def receive(self, data: bytes) -> list[tuple[int, int]]:
        """Take what came next."""
        found: list[tuple[int, int]] = []
        position = 0
        while position < len(data):
            if not self._left:
                taken = data[position : position + _HEADER_BYTES - len(self._header)]
                self._header += taken
                position += len(taken)
                if len(self._header) < _HEADER_BYTES:
                    break
                self._left = int.from_bytes(self._header[3:])
            passed = min(self._left, len(data) - position)
            self._left -= passed
            position += passed
            if not self._left:
                found.append((self._header[0], int.from_bytes(self._header[3:])))
                self._header.clear()
        return found


class Observer:
    """Listens on loopback, passes everything on to ``target`` and notes the records; ``clock`` gives their times."""

    def __init__(self, target: tuple[str, int], clock: Callable[[], datetime]) -> None:
        """Listen on a free port."""
        self._target = target
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: list[Record] = []
        self._open: list[socket.socket] = []
        self._connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, name="observer", daemon=True).start()

    @property
    def seen(self) -> tuple[Record, ...]:
        """All records so far, in the order in which they passed."""
        with self._lock:
            return tuple(self._seen)

    def close(self) -> None:
        """End all connections, and listen no more."""
        for one in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                gateway, _ = self._listening.accept()
                self._open.append(gateway)
                party = socket.create_connection(self._target)
                self._open.append(party)
            except OSError:
                return
            for one in (gateway, party):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections += 1
            for source, sink, outward in ((gateway, party, True), (party, gateway, False)):
                way = (source, sink, self._connections, outward)
                threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, connection: int, outward: bool) -> None:
        reader = RecordReader()
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                # Noted before it is passed on: an answer can never stand before its question.
                with self._lock:
                    for kind, size in reader.receive(data):
                        self._seen.append(Record(self._clock(), connection, outward, kind, size))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
