"""Parity, block check and echo: what may be believed of single octets."""

from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Iec62056Error
from wire.meter.iec62056.characters import (
    EchoCanceller,
    add_parity,
    block_check,
    has_parity_bits,
    parity_errors,
    strip_parity,
)

SEVEN_BITS = st.binary().map(lambda octets: bytes(octet & 0x7F for octet in octets))


@given(st.binary(max_size=3000))
def test_the_block_check_is_the_exclusive_or_of_all_octets(data: bytes) -> None:
    assert block_check(data) == reduce(xor, data, 0)


@pytest.mark.parametrize("size", [0, 1, 2, 127, 128, 129, 255, 256, 257, 258, 511, 512, 513, 9500])
def test_the_block_check_holds_at_every_width_of_its_folding(size: int) -> None:
    data = bytes((7 * index + 3) % 251 for index in range(size))
    assert block_check(data) == reduce(xor, data, 0)


@pytest.mark.parametrize(
    ("text", "check"),
    [(b"P0\x02()\x03", 0x60), (b"B0\x03", 0x71), (b"R5\x020.9.2()\x03", 0x5C), (b"(ERROR01)\x03", 0x5B)],
)
def test_block_checks_that_manuals_print(text: bytes, check: int) -> None:
    assert block_check(text) == check


@given(SEVEN_BITS)
def test_parity_comes_off_as_it_went_on(characters: bytes) -> None:
    """Complaint 3: 7E1 is missing on many adapters, so parity is made and checked in software on 8N1."""
    octets = add_parity(characters)
    assert all(octet.bit_count() % 2 == 0 for octet in octets)
    assert strip_parity(octets) == characters


@given(SEVEN_BITS.filter(len), st.data())
def test_one_wrong_bit_is_a_parity_error(characters: bytes, data: st.DataObject) -> None:
    """Complaint 3: a damaged character is never handed on."""
    octets = bytearray(add_parity(characters))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert parity_errors(bytes(octets)) == 1
    with pytest.raises(Iec62056Error, match="parity error in 1 of"):
        strip_parity(bytes(octets))


def test_a_recording_with_parity_bits_is_told_from_one_without() -> None:
    text = b"/ISK5ME162-0033\r\n\x02F.F(0000000)\r\n1.8.0(0033402.264*kWh)\r\n!\r\n\x03"
    assert has_parity_bits(add_parity(text))
    assert not has_parity_bits(text)
    assert not has_parity_bits(b"")
    assert not has_parity_bits(b"\x03\x05")  # even parity, but nothing uses the eighth bit
    damaged = bytearray(add_parity(text))
    damaged[20] ^= 0x10
    assert has_parity_bits(bytes(damaged))


def test_an_echo_is_removed_however_it_arrives() -> None:
    """Complaint 4: a two-wire adapter hears itself; its own octets are no data."""
    echo = EchoCanceller()
    echo.sent(b"/?!\r\n")
    assert echo.received(b"/?") == b""
    assert echo.outstanding == 3
    assert echo.received(b"!\r\n/ISK5") == b"/ISK5"
    assert echo.outstanding == 0
    assert echo.received(b"ME162") == b"ME162"


def test_another_echo_than_ones_own_is_a_collision() -> None:
    """Complaint 4: the echo is compared, which also shows that two devices spoke at once."""
    echo = EchoCanceller()
    echo.sent(b"/?!\r\n")
    with pytest.raises(Iec62056Error, match="two devices spoke at once"):
        echo.received(b"/?/")
    assert echo.outstanding == 0


def test_an_adapter_without_echo_is_not_waited_for() -> None:
    echo = EchoCanceller()
    echo.sent(b"/?!\r\n")
    echo.forget()
    assert echo.received(b"/ISK5") == b"/ISK5"


@given(st.binary(), st.binary(), st.lists(st.integers(1, 5)))
def test_what_follows_an_echo_is_all_that_is_left(sent: bytes, answer: bytes, sizes: list[int]) -> None:
    echo = EchoCanceller()
    echo.sent(sent)
    stream, received = sent + answer, b""
    for size in [*sizes, len(stream)]:
        received += echo.received(stream[:size])
        stream = stream[size:]
    assert received == answer
