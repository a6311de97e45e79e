"""CRC16 of P1 telegrams (DSMR): reflected polynomial 0x8005, beginning with 0, from ``/`` up to and including ``!``.

Decides nothing; a P1 port sends the number as four hexadecimal digits behind the end mark, in place of a block check.
"""

from typing import Final

_POLYNOMIAL: Final = 0xA001


def _table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        crc = octet
        for _ in range(8):
            crc = (crc >> 1) ^ _POLYNOMIAL if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_TABLE: Final = _table()


def crc16(octets: bytes) -> int:
    """Sixteen-bit checksum of ``octets`` (CRC-16/ARC)."""
    crc = 0
    for octet in octets:
        crc = (crc >> 8) ^ _TABLE[(crc ^ octet) & 0xFF]
    return crc
