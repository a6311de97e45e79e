"""What speaks and listens on one machine of a test: one JSON object a line in, one out. Standard library only.

``python -I agent.py PORT …`` listens on these TCP ports (and echoes) and on these UDP ports (and remembers).
"""

import contextlib
import json
import os
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

WAIT = 0.25
"""Seconds for an answer that shall not come, over a cable that takes microseconds."""
PATIENCE = 60.0
"""Seconds for one that shall, on a machine that is busy."""
ASK_AGAIN = 1.0
ETH_P_ALL = 3
IPV6_HDRINCL = 36
PACKET_OUTGOING = 4

heard: list[str] = []
held: dict[str, socket.socket] = {}
frames: list[str] = []


def family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def abrupt(opened: socket.socket) -> socket.socket:
    """A connection that ends by a reset: neither end repeats a farewell that rules of the next test hold back."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return opened


def listen(ports: list[int]) -> None:
    for port in ports:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            opened = socket.socket(socket.AF_INET6, kind)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(("::", port))
            threading.Thread(
                target=echo if kind is socket.SOCK_STREAM else remember, args=(opened,), daemon=True
            ).start()


def echo(opened: socket.socket) -> None:
    opened.listen(64)

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(ConnectionError), connection:
            while data := connection.recv(1000):
                connection.sendall(data)

    while True:
        threading.Thread(target=serve, args=(opened.accept()[0],), daemon=True).start()


def remember(opened: socket.socket) -> None:
    while True:
        data = opened.recv(2000)
        heard.append(f"{opened.getsockname()[1]} {data[:8].decode('ascii', 'replace').strip()}")


def sniff() -> None:
    """Every frame that comes in by the cable."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))

    def take() -> None:
        while True:
            frame, (interface, _, kind, *_) = opened.recvfrom(2000)
            if kind != PACKET_OUTGOING and interface != "lo":
                frames.append(frame.hex())

    threading.Thread(target=take, daemon=True).start()


def connect(wanted: list[list[Any]], wait: float = WAIT) -> list[str]:
    """How each ``[source or "", target, port]`` ends: open, or the kernel's word, or silence for ``wait`` seconds."""
    opened = []
    for source, target, port in wanted:
        one = abrupt(socket.socket(family(target)))
        one.setblocking(False)
        if source:
            one.bind((source, 0))
        word = os.strerror(code) if (code := one.connect_ex((target, port))) not in (0, 115) else ""
        opened.append((one, word))
    told = dict.fromkeys(range(len(wanted)), "silent")
    waiting = {one.fileno(): number for number, (one, word) in enumerate(opened) if not word}
    until = time.monotonic() + wait
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLOUT)
    left = wait
    while waiting and left > 0:
        # After the time as well, once: a machine that was busy all the time has its answers by now.
        left = until - time.monotonic()
        for ready, _ in poll.poll(max(0.0, left) * 1000):
            number = waiting.pop(ready)
            poll.unregister(ready)
            code = opened[number][0].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            told[number] = os.strerror(code) if code else "open"
    for number, (one, word) in enumerate(opened):
        if word:
            told[number] = word
        one.close()
    return [told[number] for number in range(len(wanted))]


def send(wanted: list[list[Any]]) -> None:
    """A datagram for each ``[source or "", target, port, text]``."""
    for source, target, port, text in wanted:
        with socket.socket(family(target), socket.SOCK_DGRAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if source:
                one.bind((source, 0))
            try:
                one.sendto(text.encode(), (target, port))
            except OSError:
                continue  # whether something leaves is what others see


def raw(packets: list[list[str]]) -> None:
    """Whole IP packets, ``[target, hexadecimal]``: any source, any fragment."""
    for target, packet in packets:
        with socket.socket(family(target), socket.SOCK_RAW, socket.IPPROTO_RAW) as one:
            if ":" in target:
                one.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
            one.sendto(bytes.fromhex(packet), (target, 0))


def ping(targets: list[str], wait: float = WAIT) -> list[str]:
    """Which of the targets answer an echo request, asked again and again: what waits for a neighbour may be lost."""
    opened = {}
    for target in targets:
        kind, protocol = (128, socket.IPPROTO_ICMPV6) if ":" in target else (8, socket.IPPROTO_ICMP)
        one = socket.socket(family(target), socket.SOCK_RAW, protocol)
        # For IPv6 the kernel adds the checksum; for IPv4 these eight octets have one.
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            one.connect((target, 0))
        except OSError:
            continue
        opened[one.fileno()] = (one, target, struct.pack("!BBHHH", kind, 0, 0xFFFF - (kind << 8), 0, 0))
    answered: set[str] = set()
    until = time.monotonic() + wait
    asked = 0.0
    while len(answered) < len(opened) and (left := until - time.monotonic()) > 0:
        if time.monotonic() - asked >= ASK_AGAIN:
            asked = time.monotonic()
            for one, target, request in opened.values():
                if target not in answered:
                    with contextlib.suppress(OSError):  # nobody has that address yet
                        one.send(request)
        for ready in select.select(list(opened), [], [], min(left, ASK_AGAIN))[0]:
            data = opened[ready][0].recv(2000)
            if data[0] == 129 or (data[0] >> 4 == 4 and data[20] == 0):
                answered.add(opened[ready][1])
    for one, *_ in opened.values():
        one.close()
    return sorted(answered)


def hold(name: str, target: str, port: int) -> str:
    held[name] = abrupt(socket.create_connection((target, port), timeout=PATIENCE))
    return talk(name, PATIENCE)


def talk(name: str, wait: float = WAIT) -> str:
    """Whether what is said over a connection comes back."""
    held[name].settimeout(wait)
    try:
        held[name].sendall(b"x")
        return held[name].recv(1).decode()
    except TimeoutError:
        return "silent"


def hear(count: int = 1, wait: float = WAIT) -> list[str]:
    """What was heard: as soon as it is ``count``, or whatever it is after ``wait`` seconds."""
    until = time.monotonic() + wait
    while len(heard) < count and time.monotonic() < until:
        time.sleep(0.01)
    return taken(heard)


def taken(what: list[str]) -> list[str]:
    told = list(what)
    del what[: len(told)]
    return told


def forget() -> None:
    """What was heard and seen, and every connection."""
    while held:
        held.popitem()[1].close()
    taken(heard)
    taken(frames)


COMMANDS: dict[str, Callable[..., Any]] = {
    "connect": connect,
    "send": send,
    "raw": raw,
    "ping": ping,
    "hold": hold,
    "talk": talk,
    "heard": hear,
    "frames": lambda: taken(frames),
    "forget": forget,
}


def main() -> None:
    listen([int(port) for port in sys.argv[1:]])
    sniff()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        name, *words = json.loads(line)
        sys.stdout.write(json.dumps(COMMANDS[name](*words)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
