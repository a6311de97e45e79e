"""How a signed reading lies in a row, and how it comes back exactly.

The only place that knows the columns of a value: seconds for times, two's complement for the unsigned status word.
"""

from datetime import UTC, datetime
from typing import Protocol

from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit

_STATUS_SIGN = 1 << 63
_STATUS_RANGE = 1 << 64


class ValueRow(Protocol):
    """The columns of a value, by name, as SQLAlchemy hands them out."""

    device: str
    obis: bytes
    captured_at: int
    value: int
    scaler: int
    unit: int
    status: int
    signature: bytes


def columns_of(signed: SignedReading) -> dict[str, str | bytes | int]:
    """Column values of ``signed``."""
    reading = signed.reading
    return {
        "device": reading.device.text,
        "obis": reading.obis.to_bytes(),
        "captured_at": to_seconds(reading.captured_at),
        "value": reading.register.value,
        "scaler": reading.register.scaler,
        "unit": int(reading.register.unit),
        "status": reading.status - _STATUS_RANGE if reading.status >= _STATUS_SIGN else reading.status,
        "signature": signed.signature,
    }


def signed_reading(row: ValueRow) -> SignedReading:
    """The reading that ``columns_of`` took apart."""
    return SignedReading(
        Reading(
            device=DeviceId(row.device),
            obis=Obis.from_bytes(row.obis),
            register=Register(row.value, row.scaler, Unit(row.unit)),
            captured_at=from_seconds(row.captured_at),
            status=row.status % _STATUS_RANGE,
        ),
        row.signature,
    )


def to_seconds(instant: datetime) -> int:
    """Whole seconds since 1970; a fraction is cut off."""
    return int(instant.timestamp())


def from_seconds(seconds: int) -> datetime:
    """Aware UTC."""
    return datetime.fromtimestamp(seconds, UTC)
