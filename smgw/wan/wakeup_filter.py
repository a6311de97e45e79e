"""A filter inside the kernel that lets through only what has the shape and the addressee of a wake-up for us.

Decides nothing that is not decided again in ``smgw/wan/wakeup.py``: it only drops early, at a hundredth of the price,
so that floods of garbage never reach this process. It is a classic BPF program (SO_ATTACH_FILTER, Linux): it can read
and drop, has no loop and no memory, and once locked it stays until the socket is closed.
"""

import ctypes
import socket
import struct
from typing import Final

_UDP_HEADER: Final = 8
"""A filter on a UDP socket sees the datagram from its UDP header on (Linux, net/ipv4/udp.c and net/ipv6/udp.c)."""
_LONGEST_JUMP: Final = 255
"""Jumps have eight bits."""

_LOAD_LENGTH: Final = 0x80
_RETURN: Final = 0x06
_EQUAL: Final = 0x15
_LOADS: Final = {4: 0x20, 2: 0x28, 1: 0x30}
_ALL: Final = 0xFFFFFFFF
"""Octets of the datagram that are kept: all."""

_SO_ATTACH_FILTER: Final = 26
_SO_LOCK_FILTER: Final = 44
_SO_MEMINFO: Final = 55
_MEMINFO_COUNT: Final = 9
_MEMINFO_DROPS: Final = 8
"""Position of the count of dropped datagrams (linux/sock_diag.h, SK_MEMINFO_DROPS)."""

DROPS_RANGE: Final = 1 << 32
"""The kernel's count of dropped datagrams begins again after this many."""

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand (linux/filter.h, struct sock_filter)."""


def program(size: int, beginning: bytes) -> list[Instruction]:
    """Lets through datagrams of ``size`` octets that begin with ``beginning``; everything else is dropped.

    Raises:
        ValueError: ``beginning`` is longer than the datagram, or than a program can compare.
    """
    if len(beginning) > size:
        raise ValueError("a datagram cannot begin with more than it has")
    comparisons = [(_LOAD_LENGTH, 0, size + _UDP_HEADER)]
    position = 0
    while position < len(beginning):
        width = next(one for one in _LOADS if one <= len(beginning) - position)
        word = int.from_bytes(beginning[position : position + width], "big")
        comparisons.append((_LOADS[width], position + _UDP_HEADER, word))
        position += width
    instructions: list[Instruction] = []
    last = 2 * len(comparisons) + 1  # where the dropping return stands
    for code, operand, wanted in comparisons:
        instructions.append((code, 0, 0, operand))
        otherwise = last - len(instructions) - 1
        if otherwise > _LONGEST_JUMP:
            raise ValueError("too much to compare for one program")
        instructions.append((_EQUAL, 0, otherwise, wanted))
    return [*instructions, (_RETURN, 0, 0, _ALL), (_RETURN, 0, 0, 0)]


def attach(opened: socket.socket, instructions: list[Instruction]) -> None:
    """Put the program before ``opened`` and lock it there. Raises OSError where the kernel has no such filters."""
    octets = b"".join(struct.pack("=HBBI", *one) for one in instructions)
    kept = ctypes.create_string_buffer(octets, len(octets))
    # struct sock_fprog: a count and a pointer; the kernel copies the program before the call returns.
    opened.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(instructions), ctypes.addressof(kept))
    )
    opened.setsockopt(socket.SOL_SOCKET, _SO_LOCK_FILTER, 1)


def dropped(opened: socket.socket) -> int:
    """How many datagrams the kernel dropped before ``opened``: filtered, or no room; 0 where it does not tell."""
    try:
        told = opened.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * _MEMINFO_COUNT)
    except OSError:
        return 0
    if len(told) < 4 * _MEMINFO_COUNT:
        return 0
    return int(struct.unpack(f"={_MEMINFO_COUNT}I", told)[_MEMINFO_DROPS])
