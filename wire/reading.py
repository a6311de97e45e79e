"""What a meter said, once it is believed: device, quantity, value, time, status.

Decides the exact types of a measured value from here to the datacenter's table: integers with a power-of-ten scaler,
never floats; aware UTC times of whole seconds; identifications of devices as DIN 43863-5 writes them. It also fixes the
bytes that the gateway's inner signature covers (TR-03109-1; the exact construction is not public, docs/deviations.md).
"""

import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import ClassVar

from wire.errors import ReadingError
from wire.obis import Obis

_DEVICE = re.compile(r"[0-9A-F][A-Z0-9]{3}[0-9A-F]{2}[0-9]{8}", re.ASCII)
INNER_SIGNATURE_SIZE = 64
"""Raw r||s of ECDSA on a 256-bit curve (TR-03111)."""

_SIGNED_LAYOUT = struct.Struct(">16s14s14s6sqbBqQ")
_SIGNED_DOMAIN = b"SMGW reading v1\0"
_INT64_MAX = 2**63 - 1
_STATUS_MAX = 2**64 - 1
_SCALER_BOUND = 12
"""IEC 62056-6-2 allows any int8; twelve decimal places is beyond every meter and keeps values inside 64 bits."""


@dataclass(frozen=True, slots=True, order=True)
class DeviceId:
    """Fourteen characters of DIN 43863-5: medium, maker (3 letters), block (2 hex digits), number (8 digits).

    ``1ISK0012345678`` is an electricity meter, ``EABC0012345678`` a gateway
    (herstelleruebergreifende Identifikationsnummer).
    """

    text: str

    def __post_init__(self) -> None:
        """Refuse anything but the canonical form."""
        if _DEVICE.fullmatch(self.text) is None:
            raise ReadingError(f"not a DIN 43863-5 identification: {self.text[:40]!r}")

    def __str__(self) -> str:
        """The fourteen characters."""
        return self.text


class Unit(IntEnum):
    """Physical units by their IEC 62056-6-2 code."""

    DAY = 4
    HOUR = 5
    MINUTE = 6
    SECOND = 7
    CELSIUS = 9
    CUBIC_METRE = 13
    CUBIC_METRE_PER_HOUR = 15
    W = 27
    VA = 28
    VAR = 29
    WH = 30
    VAH = 31
    VARH = 32
    A = 33
    V = 35
    HZ = 44
    COUNT = 255


@dataclass(frozen=True, slots=True)
class Register:
    """``value`` x 10^``scaler`` ``unit``; value int64, scaler -12..12."""

    value: int
    scaler: int
    unit: Unit

    def __post_init__(self) -> None:
        """Refuse what 64 bits or any meter cannot hold."""
        if not -_INT64_MAX <= self.value <= _INT64_MAX:
            raise ReadingError("a register value is outside 64 bits")
        if not -_SCALER_BOUND <= self.scaler <= _SCALER_BOUND:
            raise ReadingError(f"a scaler is outside -{_SCALER_BOUND}..{_SCALER_BOUND}")

    def exact(self) -> Decimal:
        """The value in its unit, exact: for comparing and for showing, never for storing."""
        return Decimal(self.value).scaleb(self.scaler)


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one quantity of one device at one instant (Messwert).

    ``device`` is the meter, or the gateway itself for a value that the gateway computed. ``captured_at`` is aware UTC
    in whole seconds; ``status`` the combined 64-bit word (gateway << 32 | meter) of TR-03109-1.
    """

    device: DeviceId
    obis: Obis
    register: Register
    captured_at: datetime
    status: int = 0

    def __post_init__(self) -> None:
        """Refuse naive or foreign time zones, fractions of a second and status words beyond 64 bits."""
        require_utc_seconds(self.captured_at)
        if not 0 <= self.status <= _STATUS_MAX:
            raise ReadingError("a status word is outside 64 bits")

    def signed_bytes(self, gateway: DeviceId) -> bytes:
        """The 76 bytes under the inner signature: domain, gateway, device, OBIS, value, scaler, unit, second, status.

        Fixed size and fixed offsets, so no two readings share an encoding.
        """
        return _SIGNED_LAYOUT.pack(
            _SIGNED_DOMAIN,
            gateway.text.encode("ascii"),
            self.device.text.encode("ascii"),
            self.obis.to_bytes(),
            self.register.value,
            self.register.scaler,
            self.register.unit,
            int(self.captured_at.timestamp()),
            self.status,
        )


@dataclass(frozen=True, slots=True)
class SignedReading:
    """A reading with the inner signature (64 bytes r||s) that the gateway's SIG key made when it was recorded."""

    reading: Reading
    signature: bytes

    def __post_init__(self) -> None:
        """Refuse a signature of any other size."""
        if len(self.signature) != INNER_SIGNATURE_SIZE:
            raise ReadingError(f"an inner signature has {INNER_SIGNATURE_SIZE} bytes")


@dataclass(frozen=True, slots=True)
class UnsignedReading:
    """A reading under a pseudonym, without an inner signature (TR-03109-1, pseudonymous delivery).

    The signature would say whose it is: from one ECDSA signature the public key can be computed, up to a few candidates
    (SEC 1, section 4.1.6), and compared with the certificates of all gateways, which are no secret.
    """

    reading: Reading
    signature: ClassVar[bytes] = b""
    """None: what keeps readings of both kinds keeps it empty."""


def require_utc_seconds(instant: datetime) -> datetime:
    """Return ``instant`` if it is aware UTC in whole seconds. Raises ReadingError."""
    if instant.tzinfo is not UTC:
        raise ReadingError("a time is not aware UTC (datetime.UTC)")
    if instant.microsecond:
        raise ReadingError("a time has a fraction of a second")
    if instant.year < 1970:
        raise ReadingError("a time lies before 1970, and the inner signature counts seconds from there")
    return instant
