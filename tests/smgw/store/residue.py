"""What lies in a store's files once every page is decrypted: tables, free pages, slack, and the write-ahead log.

SQLCipher 4 as this store uses it: pages of 4096 octets under AES-256-CBC with the raw key; the last 80 octets of each
are its initialisation vector and its HMAC, and the first 16 of the file are the salt.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE = 4096
RESERVED = 80
_SALT = 16
_LOG_HEADER, _FRAME_HEADER = 32, 24


def pages(file: Path, key: bytes) -> Iterator[bytes]:
    """Every page of the database ``file``, then every frame of its log, whether SQLite believes in it or not."""
    data = file.read_bytes()
    for begin in range(0, len(data) - PAGE + 1, PAGE):
        yield _decrypted(data[begin : begin + PAGE], key, first=begin == 0)
    log = file.with_name(file.name + "-wal")
    if not log.exists():
        return
    data = log.read_bytes()
    for begin in range(_LOG_HEADER, len(data) - PAGE + 1, _FRAME_HEADER + PAGE):
        (number,) = struct.unpack_from(">I", data, begin)
        yield _decrypted(data[begin + _FRAME_HEADER : begin + _FRAME_HEADER + PAGE], key, first=number == 1)


def traces(file: Path, key: bytes, wanted: dict[str, bytes]) -> set[str]:
    """Names of what of ``wanted`` is found anywhere."""
    found: set[str] = set()
    for page in pages(file, key):
        found |= {name for name, octets in wanted.items() if octets in page}
    return found


def _decrypted(page: bytes, key: bytes, *, first: bool) -> bytes:
    vector = page[PAGE - RESERVED : PAGE - RESERVED + 16]
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return decryptor.update(page[_SALT if first else 0 : PAGE - RESERVED]) + decryptor.finalize()
