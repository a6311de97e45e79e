"""Each kind of field: what it accepts at its edges, and what it refuses beyond them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from wire.errors import ProfileError
from wire.profiles import ProtocolMode, fields

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("value", ["a", "A.b_c-9", "9" * 64])
def test_identifiers(value: str) -> None:
    fields.require_identifier("id", value)


@pytest.mark.parametrize("value", ["", ".a", "-a", "a b", "a/b", "a|b", "ä", "a" * 65, "a\n", "a\0", None, 1])
def test_no_identifiers(value: str) -> None:
    with pytest.raises(ProfileError, match="id"):
        fields.require_identifier("id", value)


@pytest.mark.parametrize("value", ["", " a", "a ", "a\tb", "a\nb", "a\u202eb", "a\0", "x" * 129, None])
def test_no_names(value: str) -> None:
    fields.require_name("party", "Stadtwerke Übersee GmbH & Co. KG")
    with pytest.raises(ProfileError, match="party"):
        fields.require_name("party", value)


@pytest.mark.parametrize("value", [0, 11, True, 5.0, "5", None])
def test_ranges(value: int) -> None:
    fields.require_range("n", 1, 1, 10)
    fields.require_range("n", 10, 1, 10)
    with pytest.raises(ProfileError, match="n is not an integer of"):
        fields.require_range("n", value, 1, 10)


@pytest.mark.parametrize("value", [0, -60, 7, 86401, 172800])
def test_parts_of_a_day(value: int) -> None:
    for good in (1, 15, 900, 86400):
        fields.require_part_of_day("interval", good)
    with pytest.raises(ProfileError, match="interval"):
        fields.require_part_of_day("interval", value)


@pytest.mark.parametrize("value", [(), ("a", "a"), ["a"], ("a", 1), tuple(str(n) for n in range(65)), None])
def test_distinct_members(value: tuple[str, ...]) -> None:
    fields.require_distinct("list", tuple(str(n) for n in range(64)), str)
    fields.require_distinct("list", (), str, lowest=0)
    with pytest.raises(ProfileError, match="list"):
        fields.require_distinct("list", value, str)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (NOON, NOON),
        (NOON, NOON - timedelta(seconds=1)),
        (NOON.replace(tzinfo=None), NOON + timedelta(days=1)),
        (NOON, (NOON + timedelta(days=1)).astimezone(timezone(timedelta(hours=1)))),
        (NOON.replace(microsecond=1), NOON + timedelta(days=1)),
    ],
)
def test_validities(begin: datetime, end: datetime) -> None:
    fields.require_validity(NOON, NOON + timedelta(seconds=1))
    with pytest.raises(ProfileError, match="validity"):
        fields.require_validity(begin, end)


@pytest.mark.parametrize("value", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n"])
def test_fingerprints(value: str) -> None:
    fields.require_fingerprint("recipient", "0123456789abcdef" * 4)
    with pytest.raises(ProfileError, match="recipient"):
        fields.require_fingerprint("recipient", value)


@pytest.mark.parametrize(
    "value", ["localhost", "emt.example", "a-b.c", "127.0.0.1", "::1", "2001:db8::7", "1a.example"]
)
def test_hosts(value: str) -> None:
    fields.require_host("host", value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "a..b",
        "-a.example",
        "a-.example",
        "a_b",
        "a b",
        "emt.example.",
        "127.1",
        "2130706433",
        "127.0.0.256",
        "0127.0.0.1",
        "2001:db8:0:0::7",
        "[::1]",
        "::1%eth0",
        "a" * 64 + ".example",
        "a." * 127 + "a",
        "emt.example\n",
        None,
    ],
)
def test_no_hosts(value: str) -> None:
    with pytest.raises(ProfileError, match="host"):
        fields.require_host("host", value)


@pytest.mark.parametrize("value", ["", "a", "/", "//", "/a/", "/../a", "/a/.", "/a?b", "/a%2f", "/a b", "/a\r\nX: y"])
def test_paths(value: str) -> None:
    fields.require_path("path", "/v1/deliveries.xml")
    with pytest.raises(ProfileError, match="path"):
        fields.require_path("path", value)


BODY = bytes(200)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        BODY,
        b"\x30\x81\xc8" + BODY[:-1],
        b"\x30\x81\xc8" + BODY + b"\0",
        b"\x30\x80" + BODY[:128],
        b"\x30\x83\x00\x00\xc8" + BODY,
        b"\x30\x82\x00\xc8" + BODY,
        b"\x30\x81\x7f" + bytes(127),
        b"\x30\x84\x00\x00\x00\xc8" + BODY,
        b"\x31\x81\xc8" + BODY,
        b"\x30\x82\x27\x10" + bytes(10_000),
        "MIIB",
        None,
    ],
)
def test_certificates(value: bytes) -> None:
    fields.require_certificate("certificate", b"\x30\x81\xc8" + BODY)
    with pytest.raises(ProfileError, match="certificate"):
        fields.require_certificate("certificate", value)


def test_members_of_a_type_are_no_look_alikes() -> None:
    fields.require_member("mode", ProtocolMode.C, ProtocolMode)
    with pytest.raises(ProfileError, match="mode is not a ProtocolMode"):
        fields.require_member("mode", "C", ProtocolMode)


@pytest.mark.parametrize("size", [100, 127, 128, 255, 256, 65535, 65536, 200_000])
def test_der_has_one_spelling_of_each_length(size: int) -> None:
    body = bytes(size)
    width = 0 if size < 0x80 else (size.bit_length() + 7) // 8
    length = bytes([size]) if width == 0 else bytes([0x80 + width]) + size.to_bytes(width, "big")
    data = b"\x30" + length + body
    fields.require_der("list", data, len(data))
    wider = b"\x30" + bytes([0x80 + width + 1]) + size.to_bytes(width + 1, "big") + body
    for bad, highest in ((data, len(data) - 1), (wider, 10**6), (data + b"\0", 10**6), (data[:-1], 10**6)):
        with pytest.raises(ProfileError, match="list"):
            fields.require_der("list", bad, highest)


def test_texts_are_bounded_and_can_be_shown() -> None:
    fields.require_text("sentence", "", 3)
    fields.require_text("sentence", " ä ", 3)
    for bad in ("abcd", "a\n", "\ud800", "\u202e", None, 1):
        with pytest.raises(ProfileError, match="sentence"):
            fields.require_text("sentence", bad, 3)  # type: ignore[arg-type]
