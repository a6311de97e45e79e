"""The door: what kind of XML comes through, in which pieces, and how much of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.ar2418.files import Reading, block, gateway_file, quarter_hours, supplier_file, value_list
from wire.ar2418 import Ar2418Reader, UsagePoint, elements, parse, reader
from wire.errors import Ar2418Error

GATEWAY = gateway_file(value_list(block(quarter_hours(2))))
SUPPLIER = supplier_file(tables="<DayProfile><dayId>1</dayId><DayTimeProfile><startTime><hour>0</hour><minute>0</minute></startTime><tariffNumber>1</tariffNumber></DayTimeProfile></DayProfile>")  # fmt: skip # noqa: E501


def outcome(data: bytes, size: int) -> UsagePoint | str:
    reading = Ar2418Reader()
    try:
        for begin in range(0, len(data), size):
            reading.feed(data[begin : begin + size])
        return reading.close()
    except Ar2418Error as error:
        return str(error)


@pytest.mark.parametrize("data", [GATEWAY, SUPPLIER])
def test_byte_by_byte_reads_as_one_piece_does(data: bytes) -> None:
    assert outcome(data, 1) == outcome(data, 7) == parse(data)


@settings(max_examples=60)
@given(st.data())
def test_only_its_own_error_escapes_and_pieces_never_matter(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from([GATEWAY, SUPPLIER])))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(whole)))
        whole[place : place + data.draw(st.integers(0, 9))] = data.draw(
            st.binary(max_size=6)
            | st.sampled_from([b"<", b"]]>", b"&#0;", b"&x;", b"<!DOCTYPE a>", b"<![CDATA[", b"<?a"])
        )
    broken = bytes(whole)
    size = data.draw(st.integers(1, 50))
    one, other = outcome(broken, len(broken) + 1), outcome(broken, size)
    assert isinstance(one, str) == isinstance(other, str)
    if not isinstance(one, str):
        assert one == other


@given(st.binary(max_size=40), st.booleans())
def test_octets_are_refused_with_its_own_error(data: bytes, prolog: bool) -> None:
    assert isinstance(outcome((b"<?xml version='1.0'?>" if prolog else b"") + data, 3), str)


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE UsagePoints>",
        b'<!DOCTYPE UsagePoints SYSTEM "file:///etc/passwd">',
        b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://192.0.2.1/x"> %x;]>',
    ],
)
def test_a_document_type_is_refused_where_it_begins(doctype: bytes) -> None:
    with pytest.raises(Ar2418Error, match="document type"):
        parse(GATEWAY.replace(b"<UsagePoints", doctype + b"<UsagePoints", 1))


def test_an_entity_that_nobody_declared_is_refused() -> None:
    with pytest.raises(Ar2418Error, match="not well-formed"):
        parse(GATEWAY.replace(b"taf7", b"&taf;"))


@pytest.mark.parametrize("encoding", [b"utf-7", b"cp037", b"no-such", b"big5", b"base64", b"windows-1252"])
def test_an_encoding_that_is_not_read_is_refused(encoding: bytes) -> None:
    with pytest.raises(Ar2418Error):
        parse(GATEWAY.replace(b'"utf-8"', b'"' + encoding + b'"'))


def test_umlauts_come_in_any_encoding_that_is_read() -> None:
    named = GATEWAY.decode().replace("taf7", "Zählerstand")
    for encoding in ("utf-8", "iso-8859-1", "utf-16"):
        assert parse(named.replace('"utf-8"', f'"{encoding}"').encode(encoding)).tariff == "Zählerstand"


def test_comments_instructions_and_marks_before_the_file_do_not_matter() -> None:
    dressed = GATEWAY.replace(b"<UsagePoint>", b"<!-- > --><?xml-stylesheet x?><UsagePoint>")
    dressed = dressed.replace(b"<tariffName>taf7", b"<tariffName> <![CDATA[taf7]]>\n")
    assert parse(b"\xef\xbb\xbf" + dressed) == parse(GATEWAY)


@pytest.mark.parametrize("end", [0, 30, 500, -2])
def test_a_file_that_ends_too_early_is_refused(end: int) -> None:
    with pytest.raises(Ar2418Error):
        parse(GATEWAY[:end])


def test_nothing_may_follow_the_file() -> None:
    with pytest.raises(Ar2418Error):
        parse(GATEWAY + b"<a/>")


def test_after_a_refusal_there_is_only_that() -> None:
    reading = Ar2418Reader()
    with pytest.raises(Ar2418Error, match="not known"):
        reading.feed(b"<a>")
    for again in (lambda: reading.feed(GATEWAY), reading.close):
        with pytest.raises(Ar2418Error, match="<a> is not known"):
            again()


def test_more_bytes_than_a_file_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAXIMUM_BYTES", len(GATEWAY) - 1)
    with pytest.raises(Ar2418Error, match="more than"):
        parse(GATEWAY)


def test_more_readings_than_a_file_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAXIMUM_READINGS", 3)
    with pytest.raises(Ar2418Error, match="more than 3 readings"):
        parse(gateway_file(*(value_list(block(quarter_hours(2)), meter=meter) for meter in ("a", "b"))))


def test_more_of_an_element_than_the_table_allows_are_refused() -> None:
    entry = b"<LogEntry><recordNumber>1</recordNumber></LogEntry>"
    assert parse(GATEWAY.replace(b"<MeterReading>", entry * 3 + b"<MeterReading>")).log_entries == 3
    certificate = b"<Certificate><certId>1</certId><certType>2</certType><certContent>00</certContent></Certificate>"
    many = GATEWAY.replace(b"<tariffName>", certificate * elements.MAXIMUM_CERTIFICATES + b"<tariffName>")
    with pytest.raises(Ar2418Error, match="more than 10 <Certificate>"):
        parse(many)


def test_a_text_without_end_is_refused_while_it_is_read() -> None:
    reading = Ar2418Reader()
    reading.feed(GATEWAY[: GATEWAY.index(b"DE001")])
    with pytest.raises(Ar2418Error, match="too long"):  # noqa: PT012 -- how many it takes is the parser's affair
        for _ in range(100):
            reading.feed(b"x" * 4096)


def test_a_reading_may_say_its_target_and_both_statuses() -> None:
    (row,) = quarter_hours(1)
    status = "<signature>ab</signature><statusFNN>A000000020000000</statusFNN><statusPTB>1</statusPTB>"
    (found,) = parse(gateway_file(value_list(block([Reading(row.at, 5, status, row.at)])))).meter_readings
    (read,) = found.blocks[0].readings
    assert (read.target, read.status_fnn, read.status_ptb) == (read.captured_at, "A000000020000000", 1)
    assert (read.signature, read.meter_signature) == ("ab", "")
