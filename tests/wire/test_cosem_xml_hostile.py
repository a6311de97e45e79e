"""Documents that attack XML parsers, and small departures from the shape: all refused, none of them slowly."""

import gzip
import re

import pytest

from tests.wire.documents import series
from wire.cosem_xml import MAXIMUM_BYTES, parse, render
from wire.errors import ContentError

GOOD = render(series(3, columns=2))
DECLARATION, BODY = GOOD.split(b"\n", 1)

BILLION_LAUGHS = b'<!DOCTYPE object [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9)
)


def swap(pattern: bytes, by: bytes) -> bytes:
    """Another document of the same length, so that its length is not what it is refused for."""
    changed = re.sub(pattern, by, GOOD, count=1)
    assert changed != GOOD
    return (changed.rstrip(b"\n") + b"\n").ljust(len(GOOD), b"\n")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(DECLARATION + BILLION_LAUGHS + b"]>" + BODY.replace(b"-1</sc", b"&j;</sc"), id="billion laughs"),
        pytest.param(
            DECLARATION + b'<!DOCTYPE o [<!ENTITY x "' + b"A" * 100_000 + b'">]>' + BODY.replace(b"30", b"&x;" * 999),
            id="quadratic blow-up",
        ),
        pytest.param(
            DECLARATION + b'<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + BODY.replace(b"30", b"&x;"),
            id="external entity",
        ),
        pytest.param(
            DECLARATION + b'<!DOCTYPE o [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>' + BODY,
            id="external parameter entity",
        ),
        pytest.param(DECLARATION + b'<!DOCTYPE object SYSTEM "http://127.0.0.1:9/o.dtd">' + BODY, id="external DTD"),
        pytest.param(DECLARATION + b"<!DOCTYPE object>\n" + BODY, id="bare document type"),
        pytest.param(DECLARATION + b'\n<?xml-stylesheet href="http://127.0.0.1:9/"?>' + BODY, id="instruction"),
        pytest.param(DECLARATION + b"\n<!-- -->\n" + BODY, id="comment"),
        pytest.param(swap(b"30</unit>", b"<![CDATA[30]]></unit>"), id="character data section"),
        pytest.param(swap(b"30</unit>", b"&#51;0</unit>"), id="character reference"),
        pytest.param(swap(b"<buffer>", b'<buffer xmlns:xi="http://www.w3.org/2001/XInclude">'), id="other namespace"),
        pytest.param(
            swap(b"<buffer>", b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/><buffer>'),
            id="inclusion",
        ),
        pytest.param(DECLARATION + b"\n" + b"<a>" * 200_000, id="deep nesting"),
        pytest.param(swap(b'profile="series-1"', b'profile="' + b"a" * 900_000 + b'"'), id="huge attribute"),
        pytest.param(swap(b'class_id="7"', b'class_id="7"' + b' a="1"' * 100_000), id="many attributes"),
        pytest.param(swap(b"<value>", b"<value>" + b"\n" * 900_000), id="much white space"),
        pytest.param(swap(rb"<long64>\d+", b"<long64>" + b"9" * 900_000), id="huge number"),
        pytest.param(GOOD.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(GOOD.decode().encode("utf-16-be"), id="UTF-16 without a mark"),
        pytest.param(GOOD.decode().encode("utf-32"), id="UTF-32"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="byte order mark"),
        pytest.param(swap(b"UTF-8", b"UTF-7"), id="declared UTF-7"),
        pytest.param(swap(b"UTF-8", b"ISO-8859-1"), id="declared Latin-1"),
        pytest.param(swap(b'version="1.0"', b'version="1.1"'), id="XML 1.1"),
        pytest.param(swap(b"series-1", b"series-\xc3\xbc"), id="not ASCII"),
        pytest.param(swap(b"series-1", b"series-\x00"), id="NUL within"),
        pytest.param(GOOD + b"\x00", id="NUL behind"),
        pytest.param(b"\x00" * 1000, id="NULs only"),
        pytest.param(gzip.compress(GOOD), id="compressed"),
        pytest.param(GOOD + GOOD, id="twice"),
        pytest.param(GOOD + b" ", id="white space behind"),
        pytest.param(b" " + GOOD, id="white space before"),
        pytest.param(GOOD[:-1], id="cut by one byte"),
        pytest.param(b"", id="nothing"),
        pytest.param(GOOD + b" " * MAXIMUM_BYTES, id="too big"),
    ],
)
def test_attacks_are_refused(data: bytes) -> None:
    with pytest.raises(ContentError):
        parse(data)


def test_size_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ContentError, match=f"more than {MAXIMUM_BYTES}"):
        parse(GOOD + b" " * MAXIMUM_BYTES)


@pytest.mark.parametrize(
    ("pattern", "by", "why"),
    [
        (b"01005e318027", b"01005e318021", "unexpected content"),
        (b'use_case="TAF-7"', b'use_case="TAF-1"', "disagree"),
        (b'use_case="TAF-7"', b'use_case="TAF-2"', "disagree"),
        (b'sequence="17"', b'sequence="017"', "unexpected content"),
        (b'sequence="17"', b'sequence="0"', "unexpected content"),
        (b'sequence="17"', b'sequence="9223372036854775808"', "sequence"),
        (b'profile="series-1"', b'profile=".series"', "profile"),
        (b"eabc0012345678", b"EABC0012345678", "unexpected content"),
        (b'capture_object id="2"', b'capture_object id="3"', "numbered"),
        (b"1isk0000000001", b"1isk0000000000", "order of device"),
        (b"1isk0000000000", b"1isk0000000005", "order of device"),
        (b"1isk0000000000", b"1is_0000000000", "unexpected content"),
        (b"1isk0000000000", b"1isk00000000zz", "DIN 43863-5"),
        (b"32822", b"32823", "unexpected content"),
        (b'column id="1"', b'column id="2"', "number or count"),
        (b'count="2"', b'count="1"', "number or count"),
        (b'count="2"', b'count="1000"', "number or count"),
        (b'signed id="1"', b'signed id="2"', "numbered"),
        (rb"<long64>\d+", b"<long64>-0", "unexpected content"),
        (rb"<long64>\d+", b"<long64>007", "unexpected content"),
        (rb"<long64>\d+", b"<long64>+7", "unexpected content"),
        (rb"<long64>\d+", b"<long64>7.0", "unexpected content"),
        (rb"<long64>\d+", b"<long64>9223372036854775808", "64 bits"),
        (b"<scaler>-1", b"<scaler>13", "scaler"),
        (b"<unit>30", b"<unit>31000", "unexpected content"),
        (b"<unit>30", b"<unit>3", "not a unit"),
        (b"<unit>30", b"<unit>030", "not a unit"),
        (b"0000000200000100", b"000000020000010", "unexpected content"),
        (b"0000000200000100", b"0000000A00000100", "unexpected content"),
        (b"2026-01-01T00:15:00Z</cap", b"2026-01-01T00:15:00+00:00</cap", "unexpected content"),
        (b"2026-01-01T00:15:00Z</cap", b"2026-01-01T24:00:00Z</cap", "not a UTC time"),
        (b"2026-01-01T00:15:00Z</cap", b"2026-02-30T00:00:00Z</cap", "no such time"),
        (b"2026-01-01T00:15:00Z</cap", b"2025-12-31T23:59:59Z</cap", "outside the period"),
        (b"2026-01-01T00:15:00Z</cap", b"2026-01-01T00:00:00Z</cap", "share device"),
        (b"2026-01-01T00:00:00Z</cap", b"2026-01-01T00:20:00Z</cap", "order of time"),
        (b"AA==", b"AB==", "unexpected content"),
        (b"AA==", b"A===", "unexpected content"),
        (b'created_at="2026', b'created_at="1969', "not a UTC time"),
    ],
)
def test_each_departure_from_the_shape_has_its_reason(pattern: bytes, by: bytes, why: str) -> None:
    with pytest.raises(ContentError, match=why):
        parse(swap(pattern, by))


def test_more_capture_objects_than_readings_are_refused() -> None:
    start = GOOD.index(b"<capture_object id")
    line = GOOD[start : GOOD.index(b"\n", start) + 1]
    many = b"".join(line.replace(b'id="1"', b'id="%d"' % number) for number in range(1, 1002))
    with pytest.raises(ContentError, match="more capture objects"):
        parse(GOOD.replace(line, many, 1))


def test_more_entries_than_readings_are_refused() -> None:
    start = GOOD.index(b"<entry_gateway_signed")
    line = GOOD[start : GOOD.index(b"\n", start) + 1]
    many = b"".join(line.replace(b'id="1"', b'id="%d"' % number) for number in range(1, 1002))
    with pytest.raises(ContentError, match="at most 1000"):
        parse(GOOD[:start] + many)
