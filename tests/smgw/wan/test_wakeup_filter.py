import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.wan.wakeup_filter import attach, dropped, program

BEGINNING = b"SMGW-WKP\x01EABC0012345678"
SIZE = 111
GOOD = BEGINNING.ljust(SIZE, b"\x5a")

BAD = {
    "empty": b"",
    "shorter by one": GOOD[:-1],
    "longer by one": GOOD + b"\0",
    "as long as a datagram can be": GOOD.ljust(65_507, b"\0"),
    "only its beginning": BEGINNING,
    **{
        f"octet {position} altered": GOOD[:position] + bytes([GOOD[position] ^ 1]) + GOOD[position + 1 :]
        for position in range(len(BEGINNING))
    },
}


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    host: str = request.param
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as receiver, socket.socket(family, socket.SOCK_DGRAM) as sender:
        attach(receiver, program(SIZE, BEGINNING))
        receiver.bind((host, 0))
        receiver.settimeout(60)
        sender.connect(receiver.getsockname())
        yield receiver, sender


def test_only_the_shape_of_a_wake_up_for_us_comes_through(pair: tuple[socket.socket, socket.socket]) -> None:
    receiver, sender = pair
    for datagram in BAD.values():
        sender.send(datagram)
        sender.send(GOOD)
        # The good one stands behind the bad one in the same queue: had the bad one come through, it would be first.
        assert receiver.recv(70_000) == GOOD
    assert dropped(receiver) == len(BAD)


def test_the_rest_of_the_datagram_is_not_its_business(pair: tuple[socket.socket, socket.socket]) -> None:
    receiver, sender = pair
    other = BEGINNING.ljust(SIZE, b"\xa5")
    sender.send(other)
    assert receiver.recv(1000) == other


def test_once_attached_it_stays(pair: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(PermissionError):
        attach(pair[0], program(SIZE, b""))


def test_a_beginning_longer_than_the_datagram_is_refused() -> None:
    with pytest.raises(ValueError, match="more than it has"):
        program(3, b"1234")


def test_more_than_a_program_can_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="too much"):
        program(10_000, bytes(1000))


@given(st.binary(max_size=120), st.integers(0, 200), st.data())
def test_law_it_keeps_exactly_what_has_the_size_and_the_beginning(
    beginning: bytes, surplus: int, data: st.DataObject
) -> None:
    size = len(beginning) + surplus
    near = beginning + bytes(surplus)
    altered = bytearray(near)
    if near:
        altered[data.draw(st.integers(0, len(near) - 1))] ^= data.draw(st.integers(1, 255))
    for datagram in (near, bytes(altered), near + b"\0", near[:-1], data.draw(st.binary(max_size=size + 8))):
        kept = len(datagram) == size and datagram.startswith(beginning)
        assert interpreted(program(size, beginning), datagram) is kept


def interpreted(instructions: list[tuple[int, int, int, int]], datagram: bytes) -> bool:
    """What the kernel's machine makes of the program, in its own words (linux/filter.h)."""
    packet, accumulator, counter = bytes(8) + datagram, 0, 0
    while True:
        code, if_true, if_false, operand = instructions[counter]
        counter += 1
        if code == 0x06:  # ret
            return operand > 0
        if code == 0x80:  # ld len
            accumulator = len(packet)
        elif code == 0x15:  # jeq
            counter += if_true if accumulator == operand else if_false
        else:  # ld, ldh, ldb [operand]; outside of the packet the machine drops
            width = {0x20: 4, 0x28: 2, 0x30: 1}[code]
            if operand + width > len(packet):
                return False
            accumulator = int.from_bytes(packet[operand : operand + width], "big")
