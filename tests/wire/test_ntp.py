"""NTP: octets in their places, exact arithmetic across the end of an era, replies that nothing may be measured by."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wire.errors import NtpError
from wire.ntp import (
    CLIENT,
    SERVER,
    SIZE,
    UNSYNCHRONISED,
    Measurement,
    NtpPacket,
    measure,
    reply,
    request,
    timestamp,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
END_OF_ERA = datetime(2036, 2, 7, 6, 28, 16, tzinfo=UTC)
"""RFC 5905 figure 4: the first instant of era 1."""
MICROSECOND = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)
REFERENCE_CLOCK = bytes.fromhex(
    # RFC 5905 §7.3, written out by hand: LI 0, VN 4, mode 4, stratum 1, poll 6, precision -20, root delay 1/16 s, root
    # dispersion 1/65536 s, "PTB", and four timestamps.
    "24 01 06 ec 00001000 00000001 50544200edc8a8c0 80000000 edc8a8c1 00000000 edc8a8c2 40000000 edc8a8c3 c0000000"
)

instants = st.datetimes(datetime(1970, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
stamps = st.integers(0, 2**64 - 1)
packets = st.builds(
    NtpPacket,
    leap=st.integers(0, 3),
    mode=st.integers(0, 7),
    stratum=st.integers(0, 255),
    poll=st.integers(-128, 127),
    precision=st.integers(-128, 127),
    root_delay=st.integers(0, 2**32 - 1),
    root_dispersion=st.integers(0, 2**32 - 1),
    reference_id=st.binary(min_size=4, max_size=4),
    reference=stamps,
    origin=stamps,
    receive=stamps,
    transmit=stamps,
)


def test_the_octets_stand_where_the_rfc_has_them() -> None:
    packet = NtpPacket.from_bytes(REFERENCE_CLOCK)
    assert packet == NtpPacket(
        leap=0,
        mode=SERVER,
        stratum=1,
        poll=6,
        precision=-20,
        root_delay=0x1000,
        root_dispersion=1,
        reference_id=b"PTB\0",
        reference=0xEDC8A8C080000000,
        origin=0xEDC8A8C100000000,
        receive=0xEDC8A8C240000000,
        transmit=0xEDC8A8C3C0000000,
    )
    assert packet.to_bytes() == REFERENCE_CLOCK
    assert request(NOON).to_bytes()[0] == 0x23


@given(packets)
def test_what_is_written_is_read_back(packet: NtpPacket) -> None:
    data = packet.to_bytes()
    assert len(data) == SIZE
    assert NtpPacket.from_bytes(data) == packet


@given(st.binary(min_size=SIZE, max_size=SIZE) | st.binary(max_size=60))
def test_accepted_octets_re_encode_identically_and_nothing_else_escapes(data: bytes) -> None:
    try:
        packet = NtpPacket.from_bytes(data)
    except NtpError:
        assert len(data) != SIZE or data[0] >> 3 & 7 != 4
        return
    assert packet.to_bytes() == data


@pytest.mark.parametrize(
    "data",
    [b"", REFERENCE_CLOCK[:-1], REFERENCE_CLOCK + b"\0", REFERENCE_CLOCK + bytes(20), b"\x1c" + REFERENCE_CLOCK[1:]],
)
def test_another_size_or_version_is_refused(data: bytes) -> None:
    with pytest.raises(NtpError):
        NtpPacket.from_bytes(data)


@pytest.mark.parametrize(
    "deviation",
    [
        {"leap": 4},
        {"version": 3},
        {"mode": 8},
        {"stratum": 256},
        {"poll": 128},
        {"precision": -129},
        {"root_delay": 2**32},
        {"root_dispersion": -1},
        {"reference_id": b"PTB"},
        {"reference_id": "PTB0"},
        {"reference": 2**64},
        {"origin": -1},
        {"receive": True},
        {"transmit": 1.0},
    ],
)
def test_what_has_no_place_in_the_octets_cannot_be_built(deviation: dict[str, Any]) -> None:
    with pytest.raises(NtpError, match=next(iter(deviation))):
        replace(NtpPacket(), **deviation)


@pytest.mark.parametrize(
    ("moment", "stamp"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 2_208_988_800 << 32),
        (datetime(1972, 1, 1, tzinfo=UTC), 2_272_060_800 << 32),
        (datetime(1999, 12, 31, tzinfo=UTC), 3_155_587_200 << 32),
        (END_OF_ERA - timedelta(seconds=1), (2**32 - 1) << 32),
        (END_OF_ERA, 1),
        (END_OF_ERA + timedelta(milliseconds=1500), 0x0000000180000000),
    ],
)
def test_timestamps_are_those_of_the_rfc(moment: datetime, stamp: int) -> None:
    """RFC 5905 figure 4; the first instant of an era would be 0, which means that a time is not known."""
    assert timestamp(moment) == stamp


def test_times_must_be_utc() -> None:
    for moment in (NOON.replace(tzinfo=None), NOON.astimezone(timezone(timedelta(hours=2)))):
        with pytest.raises(NtpError, match="aware UTC"):
            timestamp(moment)


def exchange(sent: datetime, offset: timedelta, out: timedelta, work: timedelta, back: timedelta) -> Measurement:
    received = sent + out + offset
    answer = reply(request(sent), received, received + work)
    return measure(sent, NtpPacket.from_bytes(answer.to_bytes()), sent + out + work + back)


durations = st.integers(0, 10_000_000).map(lambda count: count * MICROSECOND)
offsets = st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000))


@given(instants, offsets, durations, durations)
@example(END_OF_ERA - MILLISECOND, 2 * MILLISECOND, MILLISECOND, MILLISECOND)
@example(END_OF_ERA + MILLISECOND, -2 * MILLISECOND, MILLISECOND, MILLISECOND)
@example(END_OF_ERA - 2 * MILLISECOND, timedelta(), MILLISECOND, MILLISECOND)
@example(datetime(2000, 1, 1, tzinfo=UTC), MICROSECOND, timedelta(), MICROSECOND)
def test_equal_ways_give_the_offset_to_the_microsecond(
    sent: datetime, offset: timedelta, way: timedelta, work: timedelta
) -> None:
    found = exchange(sent, offset, way, work, way)
    assert abs(found.offset - offset) <= MICROSECOND
    assert timedelta() <= found.delay
    assert abs(found.delay - 2 * way) <= MICROSECOND


@given(instants, offsets, durations, durations, durations)
def test_the_offset_is_wrong_by_no_more_than_half_the_delay(
    sent: datetime, offset: timedelta, out: timedelta, work: timedelta, back: timedelta
) -> None:
    found = exchange(sent, offset, out, work, back)
    assert abs(found.offset - offset) <= found.delay / 2 + MICROSECOND


def test_a_server_ahead_has_a_positive_offset() -> None:
    found = exchange(NOON, timedelta(seconds=5), 10 * MILLISECOND, MILLISECOND, 10 * MILLISECOND)
    assert found == Measurement(timedelta(seconds=5), 20 * MILLISECOND)


def timestamp_length(duration: timedelta) -> int:
    return (timestamp(NOON + duration) - timestamp(NOON)) % 2**64


ANSWER = reply(request(NOON), NOON + MILLISECOND, NOON + 2 * MILLISECOND)


def test_a_good_reply_is_measured() -> None:
    assert measure(NOON, ANSWER, NOON + 3 * MILLISECOND) == Measurement(timedelta(), 2 * MILLISECOND)
    assert (ANSWER.mode, ANSWER.stratum, ANSWER.origin) == (SERVER, 2, request(NOON).transmit)


@pytest.mark.parametrize(
    ("deviation", "why"),
    [
        ({"mode": CLIENT}, "not a server's reply"),
        ({"mode": 5}, "not a server's reply"),
        ({"leap": UNSYNCHRONISED}, "does not know the time"),
        ({"stratum": 0}, "does not know the time"),
        ({"stratum": 16}, "does not know the time"),
        ({"origin": ANSWER.origin + 1}, "answers another request"),
        ({"origin": 0}, "answers another request"),
        ({"receive": 0}, "lacks a time"),
        ({"transmit": 0}, "lacks a time"),
        ({"transmit": ANSWER.receive - 1}, "left before its request came"),
        ({"transmit": ANSWER.receive + 3 * timestamp_length(MILLISECOND) + 4}, "longer than the whole exchange"),
    ],
)
def test_a_reply_that_proves_nothing_is_not_measured(deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(NtpError, match=why):
        measure(NOON, replace(ANSWER, **deviation), NOON + 3 * MILLISECOND)


def test_a_clock_that_was_set_back_meanwhile_is_not_measured() -> None:
    with pytest.raises(NtpError, match="longer than the whole exchange"):
        measure(NOON, ANSWER, NOON - timedelta(seconds=1))


@pytest.mark.parametrize("mode", [0, 1, 2, 4, 5, 6, 7])
def test_only_a_request_is_answered(mode: int) -> None:
    with pytest.raises(NtpError, match="only a client's request"):
        reply(replace(request(NOON), mode=mode), NOON, NOON)
