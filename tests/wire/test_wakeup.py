"""The wake-up datagram: every octet in its place, one encoding, and only its own error."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wire.profiles.examples import devices, pseudonyms
from wire.errors import WakeUpError
from wire.instant import EPOCH
from wire.reading import DeviceId
from wire.wakeup import ADDRESSEE, HEADER, ISSUED_AT, NONCE, SIGNATURE, SIZE, WakeUp, signed_bytes

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
GATEWAY = DeviceId("EABC0012345678")
WAKE_UP = WakeUp(GATEWAY, NOON, bytes(range(16)), bytes(range(100, 164)))
DATAGRAM = (
    b"SMGW-WKP"
    b"\x01"
    b"EABC0012345678"
    + int(NOON.timestamp()).to_bytes(8, "big")
    + bytes(range(16))
    + bytes(range(100, 164))
)  # fmt: skip

wake_ups = st.builds(
    WakeUp,
    devices | pseudonyms,
    st.integers(0, 253_402_300_799).map(lambda second: EPOCH + timedelta(seconds=second)),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=64, max_size=64),
)


def test_the_octets_are_these() -> None:
    """Written out once: gateways in the field must understand every administrator."""
    assert WAKE_UP.to_bytes() == DATAGRAM
    assert len(DATAGRAM) == SIZE == 111
    assert WakeUp.from_bytes(DATAGRAM) == WAKE_UP


def test_a_cheap_check_finds_each_field_in_its_place() -> None:
    assert DATAGRAM.startswith(HEADER)
    assert DATAGRAM[ADDRESSEE] == b"EABC0012345678"
    assert int.from_bytes(DATAGRAM[ISSUED_AT], "big") == int(NOON.timestamp())
    assert DATAGRAM[NONCE] == WAKE_UP.nonce
    assert DATAGRAM[SIGNATURE] == WAKE_UP.signature
    assert HEADER + DATAGRAM[ADDRESSEE] + DATAGRAM[ISSUED_AT] + DATAGRAM[NONCE] + DATAGRAM[SIGNATURE] == DATAGRAM


def test_the_signature_covers_its_domain_and_all_that_stands_before_it() -> None:
    assert WAKE_UP.signed_bytes() == b"SMGW wake-up v1\0" + DATAGRAM[: SIGNATURE.start]
    assert signed_bytes(GATEWAY, NOON, WAKE_UP.nonce) == WAKE_UP.signed_bytes()


@given(wake_ups)
@example(replace(WAKE_UP, issued_at=EPOCH))
@example(replace(WAKE_UP, issued_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)))
def test_what_is_written_is_read_back(wake_up: WakeUp) -> None:
    found = WakeUp.from_bytes(wake_up.to_bytes())
    assert found == wake_up
    assert found.issued_at.tzinfo is UTC
    assert found.signed_bytes() == wake_up.signed_bytes()


@given(wake_ups, wake_ups)
def test_no_two_wake_ups_share_what_is_signed(one: WakeUp, other: WakeUp) -> None:
    same = (one.gateway, one.issued_at, one.nonce) == (other.gateway, other.issued_at, other.nonce)
    assert (one.signed_bytes() == other.signed_bytes()) == same


@given(st.binary(max_size=130) | st.binary(min_size=SIZE - 9, max_size=SIZE - 9).map(lambda data: HEADER + data))
def test_nothing_else_escapes(data: bytes) -> None:
    with pytest.raises(WakeUpError):
        WakeUp.from_bytes(data)


@given(wake_ups, st.integers(0, SIZE - 1), st.binary(max_size=3), st.integers(0, 3))
def test_a_changed_octet_is_refused_or_is_another_wake_up(
    wake_up: WakeUp, place: int, inserted: bytes, cut: int
) -> None:
    original = wake_up.to_bytes()
    changed = original[:place] + inserted + original[place + cut :]
    try:
        found = WakeUp.from_bytes(changed)
    except WakeUpError:
        return
    assert found.to_bytes() == changed
    assert (found == wake_up) == (changed == original)


REFUSED = {
    "nothing": b"",
    "one octet short": DATAGRAM[:-1],
    "one octet long": DATAGRAM + b"\0",
    "two datagrams": DATAGRAM * 2,
    "the largest of UDP": bytes(65507),
    "other identifier": b"SMGW-WKQ" + DATAGRAM[8:],
    "other version": DATAGRAM[:8] + b"\x02" + DATAGRAM[9:],
    "lower case": DATAGRAM.replace(b"EABC", b"eabc"),
    "not ASCII": DATAGRAM.replace(b"EABC", b"E\xc4BC"),
    "beyond the calendar": DATAGRAM[:23] + (253_402_300_800).to_bytes(8, "big") + DATAGRAM[31:],
    "end of 64 bits": DATAGRAM[:23] + b"\xff" * 8 + DATAGRAM[31:],
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_wake_up_is_refused(why: str) -> None:
    with pytest.raises(WakeUpError):
        WakeUp.from_bytes(REFUSED[why])


@pytest.mark.parametrize(
    ("deviation", "why"),
    [
        ({"gateway": GATEWAY.text}, "addressee"),
        ({"issued_at": NOON.replace(tzinfo=None)}, "whole UTC seconds"),
        ({"issued_at": NOON.astimezone(timezone(timedelta(hours=1)))}, "whole UTC seconds"),
        ({"issued_at": NOON.replace(microsecond=1)}, "whole UTC seconds"),
        ({"issued_at": NOON.replace(year=1969)}, "whole UTC seconds"),
        ({"nonce": bytes(15)}, "nonce"),
        ({"nonce": bytes(17)}, "nonce"),
        ({"nonce": "0" * 16}, "nonce"),
        ({"signature": bytes(63)}, "signature"),
        ({"signature": bytes(65)}, "signature"),
        ({"signature": "0" * 64}, "signature"),
    ],
)
def test_what_has_no_place_in_the_octets_cannot_be_built(deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(WakeUpError, match=why):
        replace(WAKE_UP, **deviation)


def test_what_cannot_be_sent_cannot_be_signed() -> None:
    with pytest.raises(WakeUpError, match="nonce"):
        signed_bytes(GATEWAY, NOON, b"")
