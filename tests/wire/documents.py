"""A content document, of which a test states only its deviation, and a strategy that builds others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tests.wire.profiles.examples import codes, devices, identifiers
from wire.cosem_xml import Content
from wire.obis import Obis
from wire.profiles import UseCase
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit, UnsignedReading

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
GATEWAY = DeviceId("EABC0012345678")
METER = DeviceId("1ISK0012345678")
PSEUDONYM = DeviceId("EPSN0000000001")
IMPORTED = Obis.parse("1-0:1.8.0")
QUARTER = timedelta(minutes=15)


def series(count: int, *, columns: int = 1) -> Content:
    """``count`` quarter-hourly readings, dealt out to ``columns`` meters."""
    readings = tuple(
        SignedReading(
            Reading(
                DeviceId(f"1ISK{number % columns:010d}"),
                IMPORTED,
                Register(123_456_789 + number, -1, Unit.WH),
                BEGIN + number // columns * QUARTER,
                status=0x2_0000_0100,
            ),
            bytes([number % 256]) * 64,
        )
        for number in range(count)
    )
    return Content(
        gateway=GATEWAY,
        profile="series-1",
        use_case=UseCase.TAF_7,
        sequence=17,
        created_at=BEGIN + timedelta(days=30),
        period_begin=BEGIN,
        period_end=BEGIN + max(count, 1) * QUARTER,
        readings=readings,
    )


int64 = st.integers(-(2**63) + 1, 2**63 - 1)


@st.composite
def signed_readings(draw: st.DrawFn) -> SignedReading:
    register = Register(draw(int64), draw(st.integers(-12, 12)), draw(st.sampled_from(Unit)))
    captured_at = BEGIN + timedelta(seconds=draw(st.integers(0, 10**9)))
    reading = Reading(draw(devices), draw(codes), register, captured_at, draw(st.integers(0, 2**64 - 1)))
    return SignedReading(reading, draw(st.binary(min_size=64, max_size=64)))


def place(signed: SignedReading | UnsignedReading) -> tuple[object, ...]:
    return signed.reading.device, signed.reading.obis, signed.reading.captured_at


def pseudonymous(content: Content, pseudonym: DeviceId = PSEUDONYM) -> Content:
    """``content`` as it is sent under an alias; one device stands for all, so places that fall together go."""
    readings = {
        (one.reading.obis, one.reading.captured_at): UnsignedReading(replace(one.reading, device=pseudonym))
        for one in content.readings
    }
    return replace(
        content,
        gateway=pseudonym,
        profile=pseudonym.text,
        created_at=content.created_at.replace(second=0),
        readings=tuple(readings.values()),
        size=0,
    )


@st.composite
def contents(draw: st.DrawFn) -> Content:
    content = Content(
        gateway=draw(devices),
        profile=draw(identifiers),
        use_case=draw(st.sampled_from(UseCase)),
        sequence=draw(st.integers(1, 2**63 - 1)),
        created_at=BEGIN + timedelta(seconds=draw(st.integers(0, 10**9))),
        period_begin=BEGIN,
        period_end=BEGIN + timedelta(seconds=10**9),
        readings=tuple(draw(st.lists(signed_readings(), max_size=6, unique_by=place))),
    )
    return pseudonymous(content) if draw(st.booleans()) else content
