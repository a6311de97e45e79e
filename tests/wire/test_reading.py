"""What a measured value is: exact types at their edges, and signed bytes that no two readings share."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.documents import signed_readings
from wire.errors import ReadingError
from wire.obis import Obis
from wire.reading import (
    INNER_SIGNATURE_SIZE,
    DeviceId,
    Reading,
    Register,
    SignedReading,
    Unit,
    UnsignedReading,
    require_utc_seconds,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
GATEWAY = DeviceId("EABC0012345678")
READING = Reading(DeviceId("1ISK0012345678"), Obis.parse("1-0:1.8.0"), Register(1234, -1, Unit.WH), NOON, 0x100)


@pytest.mark.parametrize("text", ["1ISK0012345678", "EABC0012345678", "0A1B" + "FF" + "00000000"])
def test_devices(text: str) -> None:
    assert str(DeviceId(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1isk0012345678",
        "1ISK001234567",
        "1ISK00123456789",
        "GISK0012345678",
        "1ISK0G12345678",
        "1ISK00A2345678",
        "1ISK0012345678\n",
        " 1ISK0012345678",
        "1ÄSK0012345678",
        "1ISK00\uff112345678",
    ],
)
def test_no_devices(text: str) -> None:
    with pytest.raises(ReadingError, match="DIN 43863-5"):
        DeviceId(text)


@pytest.mark.parametrize(("value", "scaler"), [(2**63, 0), (-(2**63), 0), (0, 13), (0, -13)])
def test_registers_are_bounded(value: int, scaler: int) -> None:
    assert Register(-(2**63) + 1, -12, Unit.WH).exact() == Decimal(-(2**63) + 1).scaleb(-12)
    with pytest.raises(ReadingError):
        Register(value, scaler, Unit.WH)


@pytest.mark.parametrize(
    ("instant", "why"),
    [
        (datetime(2026, 1, 1), "aware UTC"),  # noqa: DTZ001
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(0), "GMT")), "aware UTC"),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), "aware UTC"),
        (NOON.replace(microsecond=1), "fraction"),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "before 1970"),
    ],
)
def test_times_are_whole_utc_seconds_from_1970_on(instant: datetime, why: str) -> None:
    assert require_utc_seconds(datetime(1970, 1, 1, tzinfo=UTC)) == datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(ReadingError, match=why):
        replace(READING, captured_at=instant)


@pytest.mark.parametrize("status", [-1, 2**64])
def test_status_words_have_64_bits(status: int) -> None:
    with pytest.raises(ReadingError, match="64 bits"):
        replace(READING, status=status)


@pytest.mark.parametrize("size", [0, INNER_SIGNATURE_SIZE - 1, INNER_SIGNATURE_SIZE + 1])
def test_inner_signatures_have_one_size(size: int) -> None:
    with pytest.raises(ReadingError, match="64 bytes"):
        SignedReading(READING, bytes(size))


def test_the_signed_bytes_are_these() -> None:
    """Written out once: signatures that are stored today must verify for as long as the readings are kept."""
    assert READING.signed_bytes(GATEWAY) == (
        b"SMGW reading v1\0"
        b"EABC0012345678"
        b"1ISK0012345678"
        b"\x01\x00\x01\x08\x00\xff"
        b"\x00\x00\x00\x00\x00\x00\x04\xd2"
        b"\xff"
        b"\x1e" + int(NOON.timestamp()).to_bytes(8, "big") + b"\x00\x00\x00\x00\x00\x00\x01\x00"
    )


@given(signed_readings(), signed_readings())
def test_no_two_readings_share_their_signed_bytes(one: SignedReading, other: SignedReading) -> None:
    same = one.reading.signed_bytes(GATEWAY) == other.reading.signed_bytes(GATEWAY)
    assert same == (one.reading == other.reading)


@given(signed_readings(), st.data())
def test_a_change_of_any_field_changes_the_signed_bytes(signed: SignedReading, data: st.DataObject) -> None:
    reading = signed.reading
    register = reading.register
    deviations: list[dict[str, Any]] = [
        {"device": GATEWAY},
        {"obis": replace(reading.obis, a=(reading.obis.a + 1) % 256)},
        {"register": replace(register, value=register.value // 2 - 1)},
        {"register": replace(register, scaler=(register.scaler + 13) % 25 - 12)},
        {"register": replace(register, unit=Unit.HZ if register.unit is not Unit.HZ else Unit.V)},
        {"captured_at": reading.captured_at + timedelta(seconds=1)},
        {"status": reading.status ^ 1},
    ]
    changed = replace(reading, **data.draw(st.sampled_from(deviations)))
    assert changed == reading or changed.signed_bytes(GATEWAY) != reading.signed_bytes(GATEWAY)
    assert reading.signed_bytes(DeviceId("EABC0012345679")) != reading.signed_bytes(GATEWAY)


@given(signed_readings())
def test_a_reading_under_a_pseudonym_has_no_signature_and_cannot_get_one(signed: SignedReading) -> None:
    unsigned = UnsignedReading(signed.reading)
    assert unsigned.signature == b""
    with pytest.raises(TypeError):
        UnsignedReading(signed.reading, signed.signature)  # type: ignore[call-arg]
