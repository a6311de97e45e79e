"""NTP packets of 48 octets, and what one exchange says about a clock (RFC 5905).

Decides how an instant is written in 32.32 bits, which reply may be measured by, and the offset and delay that follow.
All arithmetic is in integers. Nothing here reads or sets a clock; whether a deviation matters is the gateway's to say.
Extension fields and authenticators are refused: the exchange runs inside TLS, which authenticates both ends.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from wire.errors import NtpError

SIZE = 48
VERSION = 4
CLIENT = 3
"""Mode of a request (RFC 5905 §7.3)."""
SERVER = 4
"""Mode of a reply."""
UNSYNCHRONISED = 3
"""Leap indicator of a server that does not know the time itself."""
HIGHEST_STRATUM = 15
"""16 means unsynchronised and 0 a refusal (kiss-o'-death)."""
ADMINISTRATOR_STRATUM = 2
"""What an administrator says unless he knows better: his own clock is set by a server of the PTB or one like it."""

_LAYOUT = struct.Struct(">BBbbII4sQQQQ")
_ERA_BEGIN = datetime(1900, 1, 1, tzinfo=UTC)
_FRACTIONS = 2**32
_ERA = 2**64
_PRECISION = -20
"""A microsecond, as the power of two that is nearest."""
_ROUNDING = 2
"""Four times are cut to 2**-32 s each: by so much, under a nanosecond, a delay of nothing may seem to be negative."""
_MICROSECOND = timedelta(microseconds=1)
_MILLION = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class NtpPacket:
    """The fields of a packet as they stand in it; times are 32.32 bits since the beginning of an era (136 years).

    ``origin`` is when the request left, by the client's clock, ``receive`` and ``transmit`` when it came and when the
    reply left, by the server's; 0 means that a time is not known.
    """

    leap: int = 0
    version: int = VERSION
    mode: int = CLIENT
    stratum: int = 0
    poll: int = 0
    precision: int = _PRECISION
    root_delay: int = 0
    root_dispersion: int = 0
    reference_id: bytes = bytes(4)
    reference: int = 0
    origin: int = 0
    receive: int = 0
    transmit: int = 0

    def __post_init__(self) -> None:
        """Refuse what the fields cannot hold, and other versions than 4. Raises NtpError."""
        _require("leap", self.leap, 0, 3)
        _require("version", self.version, VERSION, VERSION)
        _require("mode", self.mode, 0, 7)
        _require("stratum", self.stratum, 0, 255)
        _require("poll", self.poll, -128, 127)
        _require("precision", self.precision, -128, 127)
        _require("root_delay", self.root_delay, 0, _FRACTIONS - 1)
        _require("root_dispersion", self.root_dispersion, 0, _FRACTIONS - 1)
        if not isinstance(self.reference_id, bytes) or len(self.reference_id) != 4:
            raise NtpError("reference_id has 4 octets")
        for name in ("reference", "origin", "receive", "transmit"):
            _require(name, getattr(self, name), 0, _ERA - 1)

    def to_bytes(self) -> bytes:
        """The 48 octets."""
        return _LAYOUT.pack(
            self.leap << 6 | self.version << 3 | self.mode,
            self.stratum,
            self.poll,
            self.precision,
            self.root_delay,
            self.root_dispersion,
            self.reference_id,
            self.reference,
            self.origin,
            self.receive,
            self.transmit,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read 48 octets. Raises NtpError."""
        if len(data) != SIZE:
            raise NtpError(f"a packet has {SIZE} octets, not {len(data)}")
        first, stratum, poll, precision, delay, dispersion, identifier, *times = _LAYOUT.unpack(data)
        return cls(
            leap=first >> 6,
            version=first >> 3 & 7,
            mode=first & 7,
            stratum=stratum,
            poll=poll,
            precision=precision,
            root_delay=delay,
            root_dispersion=dispersion,
            reference_id=identifier,
            reference=times[0],
            origin=times[1],
            receive=times[2],
            transmit=times[3],
        )


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one exchange says: the server's clock is ``offset`` ahead of ours, give or take half of ``delay``."""

    offset: timedelta
    delay: timedelta


def request(transmit: datetime) -> NtpPacket:
    """What a client sends at ``transmit``. Raises NtpError."""
    return NtpPacket(mode=CLIENT, transmit=timestamp(transmit))


def reply(
    to: NtpPacket, received: datetime, transmitted: datetime, *, stratum: int = ADMINISTRATOR_STRATUM
) -> NtpPacket:
    """What a server answers to a request that came at ``received``. Raises NtpError for what is no request."""
    if to.mode != CLIENT:
        raise NtpError("only a client's request is answered")
    return NtpPacket(
        mode=SERVER,
        stratum=stratum,
        poll=to.poll,
        reference=timestamp(received),
        origin=to.transmit,
        receive=timestamp(received),
        transmit=timestamp(transmitted),
    )


def measure(sent: datetime, reply: NtpPacket, arrived: datetime) -> Measurement:
    """Offset and delay by the four times of an exchange (RFC 5905 §8). Raises NtpError.

    1. The reply is a server's. 2. The server knows the time. 3. It answers the request that was sent at ``sent``.
    4. Its times are there and in order. 5. It did not take longer over its answer than the exchange took in all.
    """
    # 1.
    if reply.mode != SERVER:
        raise NtpError("not a server's reply")
    # 2.
    if reply.leap == UNSYNCHRONISED or not 1 <= reply.stratum <= HIGHEST_STRATUM:
        raise NtpError("the server does not know the time")
    # 3. An old reply, or one to somebody else, would be measured against the wrong moment.
    if reply.origin != timestamp(sent):
        raise NtpError("the reply answers another request")
    # 4.
    if reply.receive == 0 or reply.transmit == 0:
        raise NtpError("the reply lacks a time")
    processing = _difference(reply.transmit, reply.receive)
    if processing < 0:
        raise NtpError("the reply left before its request came")
    # 5. Differences of timestamps are right across the end of an era as long as the clocks are within 68 years.
    delay = _difference(timestamp(arrived), timestamp(sent)) - processing
    if delay < -_ROUNDING:
        raise NtpError("the server's processing takes longer than the whole exchange")
    twice = _difference(reply.receive, timestamp(sent)) + _difference(reply.transmit, timestamp(arrived))
    return Measurement(_duration(twice, 2 * _FRACTIONS), _duration(max(delay, 0), _FRACTIONS))


def timestamp(instant: datetime) -> int:
    """32.32 bits of an aware UTC time, within its era. Raises NtpError."""
    if instant.tzinfo is not UTC:
        raise NtpError("a time is not aware UTC (datetime.UTC)")
    # 0 means that a time is not known, so the first instant of an era is written a quarter of a nanosecond late.
    return (instant - _ERA_BEGIN) // _MICROSECOND * _FRACTIONS // _MILLION % _ERA or 1


def _difference(one: int, other: int) -> int:
    """``one`` - ``other`` as a signed number of 64 bits: right although the eras' numbers are not in the packet."""
    return (one - other + _ERA // 2) % _ERA - _ERA // 2


def _duration(amount: int, unit: int) -> timedelta:
    """``amount`` / ``unit`` seconds, rounded to the nearest microsecond."""
    return timedelta(microseconds=(2 * amount * _MILLION + unit) // (2 * unit))


def _require(field: str, value: int, lowest: int, highest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise NtpError(f"{field} is not an integer of {lowest}..{highest}: {value!r:.60}")
