"""Ports that a test may name before anybody listens there, and that nobody else is given meanwhile.

A port that was free a moment ago may be somebody else's when it is used: the system gives it to whoever asks for any.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def kept(count: int = 1, host: str = "127.0.0.1") -> Iterator[list[int]]:
    """So many TCP ports on which nobody listens until the test or its program does, with SO_REUSEADDR as servers do.

    Each is held by a socket that is bound and does not listen: no other program is given it, and whoever names it may
    have it. Who dials it meanwhile is refused.
    """
    with ExitStack() as holding:
        sockets = [holding.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)]
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind((host, 0))
        yield [int(each.getsockname()[1]) for each in sockets]


@contextmanager
def deaf_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A UDP port at which nobody hears what is sent, so that the network says so to the sender."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((host, 0))
        udp.connect((host, 9))  # from now on it hears that port alone
        yield int(udp.getsockname()[1])
