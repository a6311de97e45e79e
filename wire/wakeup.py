"""The wake-up: one signed datagram by which an administrator asks a gateway to call (TR-03109-1).

Decides where each field stands and that there is exactly one encoding. It carries no address: whom to call is in the
gateway's own profile. Whether it is for this gateway, in time, new and truly signed is decided in the gateway; the
layout is fixed so that it can decide most of that before anything is parsed or verified. The TR's own layout is not
public (docs/deviations.md); this file is the only one that knows it.

    identifier 8 | version 1 | addressee 14 | issued at 8 | nonce 16 | signature 64       = 111 octets
"""

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from wire.errors import ReadingError, WakeUpError
from wire.instant import EPOCH
from wire.reading import DeviceId, require_utc_seconds

MAGIC = b"SMGW-WKP"
VERSION = 1
HEADER = MAGIC + bytes([VERSION])
NONCE_SIZE = 16
"""128 random bits: two wake-ups of one second never share one, so a seen nonce means a seen datagram."""
SIGNATURE_SIZE = 64
"""Raw r||s of ECDSA on a 256-bit curve (TR-03111)."""
SIGNED_DOMAIN = b"SMGW wake-up v1\0"
"""Begins what is signed, so that no other document under the same key can be taken for a wake-up."""

_SIGNED = struct.Struct(">9s14sQ16s")
SIZE = _SIGNED.size + SIGNATURE_SIZE
ADDRESSEE = slice(9, 23)
ISSUED_AT = slice(23, 31)
NONCE = slice(31, 47)
SIGNATURE = slice(47, SIZE)

_LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z, the end of the calendar that times are written in."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A wake-up that is well formed and believed by nobody yet (Wake-Up-Paket).

    ``issued_at`` is aware UTC in whole seconds, ``signature`` the administrator's over :meth:`signed_bytes`.
    """

    gateway: DeviceId
    issued_at: datetime
    nonce: bytes
    signature: bytes

    def __post_init__(self) -> None:
        """Check every field. Raises WakeUpError."""
        _require_signable(self.gateway, self.issued_at, self.nonce)
        if not isinstance(self.signature, bytes) or len(self.signature) != SIGNATURE_SIZE:
            raise WakeUpError(f"a signature has {SIGNATURE_SIZE} octets")

    def signed_bytes(self) -> bytes:
        """What the signature covers: the domain and every octet before the signature."""
        return signed_bytes(self.gateway, self.issued_at, self.nonce)

    def to_bytes(self) -> bytes:
        """The datagram."""
        return _fields(self.gateway, self.issued_at, self.nonce) + self.signature

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a datagram. Raises WakeUpError."""
        # 1. Size and header: what anybody may send is refused before it costs anything.
        if len(data) != SIZE:
            raise WakeUpError(f"a wake-up has {SIZE} octets, not {len(data)}")
        if data[: len(HEADER)] != HEADER:
            raise WakeUpError("not a wake-up of this version")
        # 2. Addressee.
        try:
            gateway = DeviceId(data[ADDRESSEE].decode("ascii"))
        except (UnicodeDecodeError, ReadingError) as error:
            raise WakeUpError("the addressee is not a DIN 43863-5 identification") from error
        # 3. Time, bounded before the calendar sees it.
        seconds = int.from_bytes(data[ISSUED_AT], "big")
        if seconds > _LAST_SECOND:
            raise WakeUpError("the time lies outside the calendar")
        return cls(gateway, EPOCH + timedelta(seconds=seconds), data[NONCE], data[SIGNATURE])


def signed_bytes(gateway: DeviceId, issued_at: datetime, nonce: bytes) -> bytes:
    """What an administrator signs, of fixed size and fixed offsets. Raises WakeUpError."""
    _require_signable(gateway, issued_at, nonce)
    return SIGNED_DOMAIN + _fields(gateway, issued_at, nonce)


def _fields(gateway: DeviceId, issued_at: datetime, nonce: bytes) -> bytes:
    return _SIGNED.pack(HEADER, gateway.text.encode("ascii"), (issued_at - EPOCH) // timedelta(seconds=1), nonce)


def _require_signable(gateway: DeviceId, issued_at: datetime, nonce: bytes) -> None:
    if not isinstance(gateway, DeviceId):
        raise WakeUpError("the addressee is not a DIN 43863-5 identification")
    try:
        require_utc_seconds(issued_at)
    except ReadingError as error:
        raise WakeUpError("the time is not in whole UTC seconds from 1970 on") from error
    if not isinstance(nonce, bytes) or len(nonce) != NONCE_SIZE:
        raise WakeUpError(f"a nonce has {NONCE_SIZE} octets")
