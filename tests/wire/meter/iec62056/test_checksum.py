"""The checksum of P1 telegrams."""

from hypothesis import given
from hypothesis import strategies as st

from wire.meter.iec62056.checksum import crc16


def test_the_check_value_of_crc_16_arc() -> None:
    assert crc16(b"123456789") == 0xBB3D


@given(st.binary(min_size=1), st.data())
def test_one_wrong_bit_is_found(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    damaged[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert crc16(bytes(damaged)) != crc16(data)
