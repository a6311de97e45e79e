"""The rights of the gateway's user: none of them goes to a child, except the packet filter's to ``nft``.

The right to change the packet filter (CAP_NET_ADMIN) the gateway lends to ``nft`` alone; the one to listen below port
1024 (CAP_NET_BIND_SERVICE) it uses itself, and whoever serves for it inherits the sockets and not the right.

Decides which of the gateway's children inherits it: none, except the one that a thread starts while it lends it. A
service manager gives the right as an ambient capability, which every program that the gateway starts would inherit, the
child that speaks with the WAN included (O.SeparateIF). Ambient capabilities belong to a thread, and threads inherit
them from the one that makes them: taken back before there are others, they are nowhere but where they are lent.

As root all of this is without effect, and nothing depends on it: ``nft`` itself says whether it may.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

CAP_NET_BIND_SERVICE: Final = 10
CAP_NET_ADMIN: Final = 12
_PR_CAP_AMBIENT: Final = 47
_RAISE, _LOWER = 2, 3


def keep_rights() -> None:
    """Take the rights back from whatever this thread, and every thread that it makes, will start."""
    _ambient(_LOWER)
    _ambient(_LOWER, CAP_NET_BIND_SERVICE)


@contextmanager
def lent_rights() -> Iterator[None]:
    """What this thread starts inside the block may change the packet filter, if the gateway itself may."""
    _ambient(_RAISE)
    try:
        yield
    finally:
        _ambient(_LOWER)


def _ambient(action: int, right: int = CAP_NET_ADMIN) -> None:
    # A refusal means that there is no such right to lend: the gateway runs as root, or nft will say what is missing.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_CAP_AMBIENT, action, right, 0, 0)
