"""A flood of UDP datagrams, as fast as one process may send them: what strangers can do to an open port.

Decides pace and senders' addresses only; what is sent is made by the caller beforehand, so that nothing is computed
while it runs. Many datagrams go out with one system call (sendmmsg), from each of the given addresses of this
machine in turn. For the loopback interface and private networks, nowhere else.

    python -m testbed.flood HOST PORT RATE SECONDS SOURCE[,SOURCE...] < datagrams-in-hexadecimal-one-per-line
"""

import ctypes
import ipaddress
import json
import socket
import sys
import time
from collections.abc import Sequence
from typing import Final, Self

BURST: Final = 64
"""Datagrams in one system call."""


class _IoVector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """``struct msghdr``; sockets are connected, so no names."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vector", ctypes.POINTER(_IoVector)),
        ("vector_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """``struct mmsghdr``: a header, and how many octets went out."""

    _fields_ = (("header", _Header), ("sent", ctypes.c_uint32))


class Flood:
    """Sends ``datagrams`` over and over to one port of this machine."""

    def __init__(self, host: str, port: int, sources: Sequence[str], datagrams: Sequence[bytes]) -> None:
        """Raises ValueError for a host that is not on this machine or in a private network, or for nothing to send."""
        if not ipaddress.ip_address(host).is_private:
            raise ValueError("floods stay at home")
        if not datagrams or not sources:
            raise ValueError("a flood needs datagrams and sources")
        self._library = ctypes.CDLL(None, use_errno=True)
        self._sockets = []
        for source in sources:
            opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
            opened.bind((source, 0))
            opened.connect((host, port))
            self._sockets.append(opened)
        chosen = [datagrams[number % len(datagrams)] for number in range(max(BURST, len(datagrams)))]
        self._kept = [ctypes.create_string_buffer(one, max(1, len(one))) for one in chosen]
        self._vectors = [
            _IoVector(ctypes.cast(kept, ctypes.c_void_p), len(one))
            for kept, one in zip(self._kept, chosen, strict=True)
        ]
        self._messages = (_Message * len(chosen))()
        for number, message in enumerate(self._messages):
            message.header.vector = ctypes.pointer(self._vectors[number])
            message.header.vector_length = 1
        self._bursts = 0

    def burst(self, count: int) -> int:
        """Send the next ``count`` (at most BURST) from the next source; how many went out."""
        source = self._sockets[self._bursts % len(self._sockets)]
        begin = self._bursts * BURST % (len(self._messages) - BURST + 1)
        self._bursts += 1
        sent: int = self._library.sendmmsg(source.fileno(), ctypes.byref(self._messages[begin]), min(count, BURST), 0)
        return max(0, sent)

    def run(self, rate: int, seconds: float) -> tuple[int, float]:
        """Send ``rate`` datagrams a second for ``seconds``; how many went out and how long it took."""
        begin = time.monotonic()
        due, sent = 0, 0
        while (passed := time.monotonic() - begin) < seconds:
            owed = int(passed * rate) - due
            if owed < BURST:
                time.sleep(BURST / rate / 2)
                continue
            # What could not be sent in time is left out: a flood that fell behind does not become a faster one.
            due += max(BURST, owed - rate // 10)
            sent += self.burst(BURST)
        return sent, time.monotonic() - begin

    def __enter__(self) -> Self:
        """To be closed in the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the sockets."""
        for opened in self._sockets:
            opened.close()


def main(arguments: Sequence[str]) -> None:
    """Flood as the arguments say; prints what was achieved as JSON."""
    host, port, rate, seconds, sources = arguments
    datagrams = [bytes.fromhex(line) for line in sys.stdin.read().split("\n")[:-1]]
    with Flood(host, int(port), sources.split(","), datagrams) as flood:
        # Whoever started this process may begin to measure.
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sent, took = flood.run(int(rate), float(seconds))
    sys.stdout.write(json.dumps({"sent": sent, "seconds": took}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
