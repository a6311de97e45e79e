"""The sockets of the page: those that the home area network reaches, and the one between the two servers.

Decides that the gateway listens itself, at each configured address and at no other (PP-0073 FDP_IFF.1/FW), so that it
says itself which one it cannot have; the server in front inherits them. An address that the machine has not at the
moment, because an adapter is pulled or a cable is, is listened at all the same and answered when it comes: a gateway
whose customer pulls a cable must measure on.
"""

import errno
import logging
import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

from smgw.han.settings import ServingError, ServingReason

_logger = logging.getLogger(__name__)

BACKLOG: Final = 64
"""Connections that wait to be taken, also while the server in front is started again."""
SOCKET_NAME: Final = "page.sock"
_IP_FREEBIND: Final = 15
_IPV6_FREEBIND: Final = 78
"""ip(7) and ipv6(7); Python has no names for them."""


def listen(addresses: Sequence[IPv4Address | IPv6Address], port: int) -> tuple[socket.socket, ...]:
    """A listening socket for each address that can be had. Raises ServingError ADDRESS."""
    with ExitStack() as opened:
        listening = []
        for address in addresses:
            one = opened.enter_context(_unbound(address))
            if _bind(one, address, port):
                one.listen(BACKLOG)
                # What inherits it waits for many at once, and must never wait for one.
                one.setblocking(False)
                listening.append(one)
        if not listening:
            raise ServingError(ServingReason.ADDRESS, "this machine has none of the interfaces of han.addresses")
        opened.pop_all()
    return tuple(listening)


def listen_locally(folder: Path) -> socket.socket:
    """The socket between the server in front and the page, of mode 0600; the folder may lie as deep as it will."""
    path = folder / SOCKET_NAME
    path.unlink(missing_ok=True)
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fchmod(one.fileno(), 0o600)  # before it has a name, so there is no moment with a wider mode
        one.bind(f"/proc/self/fd/{directory}/{SOCKET_NAME}")
    except BaseException:
        one.close()
        raise
    finally:
        os.close(directory)
    return one


def _unbound(address: IPv4Address | IPv6Address) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    one = socket.socket(family, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return one


def _bind(one: socket.socket, address: IPv4Address | IPv6Address, port: int) -> bool:
    """Whether it is bound; not where its interface does not exist."""
    try:
        name = _name(address, port)
    except OSError:
        _logger.warning("han.addresses: %s is on an interface that this machine has not: not served there", address)
        return False
    try:
        try:
            one.bind(name)
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            _logger.warning("han.addresses: this machine has no address %s now: served when it comes", address)
            if address.version == 4:
                one.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
            else:
                one.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
            one.bind(name)
    except OSError as error:
        raise ServingError(ServingReason.ADDRESS, _sentence(error, address, port)) from error
    return True


def _name(address: IPv4Address | IPv6Address, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    if isinstance(address, IPv4Address):
        return str(address), port
    scope = address.scope_id
    return str(IPv6Address(address.packed)), port, 0, 0 if scope is None else socket.if_nametoindex(scope)


def _sentence(error: OSError, address: IPv4Address | IPv6Address, port: int) -> str:
    advice = {
        errno.EADDRINUSE: "another program listens there: end it, or set another han.port",
        errno.EACCES: "ports below 1024 need the right CAP_NET_BIND_SERVICE, which the unit smgw.service gives",
    }
    what = advice.get(error.errno or 0, error.strerror)
    return f"the page cannot be served at {address}, port {port}: {what}"
