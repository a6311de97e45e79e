"""The writer: the reader reads back what it writes, as is, and the schema of the display software takes it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors import vectors_folder
from tests.wire.ar2418.files import certificate
from wire.ar2418 import (
    Analysis,
    Certificate,
    CertificateKind,
    DayTable,
    Form,
    Interval,
    IntervalBlock,
    IntervalReading,
    ListedDay,
    LogLine,
    MeterReading,
    ReadingType,
    Service,
    Stage,
    UnitSymbol,
    UsagePoint,
    elements,
    parse,
    write,
    writer,
)
from wire.ar2418.rules import require_gateway_file, require_tariff_file
from wire.ar2418.scalars import WHITE_SPACE
from wire.errors import Ar2418Error
from wire.obis import Obis

IMPORT = Obis(1, 0, 1, 8, 0)
BEGIN = 1_780_264_800
"""2026-06-01, local midnight."""
OCTOBER = 1_792_886_400
"""2026-10-25T02:00:00+02:00; an hour later the same wall clock begins again."""
READING = IntervalReading(1_000, BEGIN + 2, BEGIN, 0, "A000000020000000", "", "00FF" * 32)
LIST = MeterReading(
    "1ISK0012345678",
    "0100010800ff.1ISK0012345678",
    ReadingType(0, UnitSymbol.WATT_HOUR, -1, IMPORT, "0100010800ff.1ISK0012345678.sm", 900),
    (IntervalBlock(Interval(BEGIN, 902), (READING, replace(READING, captured_at=BEGIN + 902, target=BEGIN + 900))),),
)
LISTS = UsagePoint(
    Service.ELECTRICITY,
    "DE001",
    "house",
    "supplier",
    "EABC0012345678",
    (1,),
    (Certificate(1, CertificateKind.SIGNATURE, certificate()),),
    "taf7",
    None,
    (LIST,),
)
TARIFF = replace(
    LISTS,
    certificate_numbers=(),
    certificates=(),
    meter_readings=(),
    analysis=Analysis(
        2,
        "t",
        Interval(BEGIN, 86_400),
        (Stage(1, replace(IMPORT, e=1)), Stage(2, replace(IMPORT, e=2))),
        1,
        (DayTable(1, tuple((slot * 900, 1 + slot // 48) for slot in range(96))),),
        (ListedDay(date(2026, 6, 1), 1),),
    ),
)
LINE = LogLine(7, BEGIN, 1, 0, "Zählerstand < 5 & gut")

characters = st.characters(codec="utf-8").filter(lambda one: not writer._NO_CHARACTER.match(one))


def texts(longest: int, smallest: int = 0) -> st.SearchStrategy[str]:
    kept = st.text(characters | st.sampled_from("&<>]\r\n\t"), min_size=smallest, max_size=min(longest, 20))
    return kept.filter(lambda text: text == text.strip(WHITE_SPACE))


numbers = st.integers(0, 2**16 - 1)
codes = st.binary(min_size=6, max_size=6).map(Obis.from_bytes)
instants = st.integers(86_400, 32_503_000_000) | st.integers(OCTOBER - 10, OCTOBER + 7210)
intervals = st.builds(Interval, instants, st.integers(0, 2**32 - 1))
readings = st.builds(
    IntervalReading,
    st.integers(-(2**47), 2**47),
    instants,
    st.none() | instants,
    st.none() | st.integers(0, 4),
    st.none() | st.text("0123456789abcdefABCDEF", min_size=1, max_size=16),
    texts(512),
    texts(512),
)
blocks = st.builds(IntervalBlock, intervals, st.lists(readings, min_size=1, max_size=3).map(tuple))
kinds = st.builds(
    ReadingType,
    st.sampled_from(elements.POWERS),
    st.sampled_from(UnitSymbol),
    st.integers(-128, 127),
    codes,
    texts(256),
    st.integers(0, 2**32 - 1),
)
lists = st.builds(MeterReading, texts(64), texts(256), kinds, st.lists(blocks, max_size=2).map(tuple))
entries = st.lists(st.tuples(st.integers(0, 1439).map(lambda one: one * 60), numbers), min_size=1, max_size=3)
tables = st.builds(DayTable, numbers, entries.map(tuple))
days = st.builds(ListedDay, st.dates(date(1970, 1, 1), date(2999, 12, 31)), numbers)
analyses = st.builds(
    Analysis,
    numbers,
    texts(32),
    intervals,
    st.lists(st.builds(Stage, numbers, codes), min_size=1, max_size=3).map(tuple),
    numbers,
    st.lists(tables, min_size=1, max_size=2).map(tuple),
    st.lists(days, max_size=3).map(tuple),
)
certificates = st.builds(
    Certificate, st.integers(0, 255), st.sampled_from(CertificateKind), st.binary(min_size=1, max_size=9)
)
points = st.builds(
    UsagePoint,
    st.sampled_from(Service),
    texts(64),
    st.none() | texts(64),
    texts(64),
    texts(32),
    st.lists(st.integers(0, 255), max_size=3).map(tuple),
    st.lists(certificates, max_size=3).map(tuple),
    texts(256),
    st.none() | analyses,
    st.lists(lists, max_size=2).map(tuple),
)
lines = st.builds(LogLine, st.integers(0, 2**32 - 1), instants, st.integers(1, 5), st.integers(0, 2), texts(8192))


@settings(max_examples=60, deadline=None)
@given(points, st.lists(lines, max_size=2))
def test_our_reader_reads_what_we_write(point: UsagePoint, log: list[LogLine]) -> None:
    point = replace(point, log_entries=len(log))
    assert parse(write(point, log, form=Form.LATER)) == point


def test_what_is_written_breaks_no_rule_of_the_display_software() -> None:
    require_gateway_file(parse(write(LISTS)))
    assert require_tariff_file(parse(write(TARIFF))) == TARIFF.analysis


def test_the_hour_that_comes_twice_is_told_apart_by_its_offset() -> None:
    rows = tuple(replace(READING, captured_at=OCTOBER + 3600 * hour, target=None) for hour in (0, 1))
    block = IntervalBlock(Interval(OCTOBER, 3600), rows)
    data = write(replace(LISTS, meter_readings=(replace(LIST, blocks=(block,)),)))
    assert b"<start>2026-10-25T02:00:00+02:00</start>" in data
    assert b"<start>2026-10-25T02:00:00+01:00</start>" in data


@pytest.mark.parametrize(
    ("point", "log"),
    [(LISTS, ()), (TARIFF, ()), (replace(LISTS, log_entries=1), (LINE,))],
    ids=["lists", "tariff", "log"],
)
def test_the_earlier_form_is_valid_by_its_schema(schema: xmlschema.XMLSchema, point: UsagePoint, log: Any) -> None:
    schema.validate(write(point, log).decode())


def test_a_file_of_the_later_form_is_not_valid_by_the_earlier_schema(schema: xmlschema.XMLSchema) -> None:
    two = replace(LISTS, certificates=LISTS.certificates * 2)
    with pytest.raises(Ar2418Error, match="one certificate"):
        write(two)
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate(write(two, form=Form.LATER).decode())


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    folder = vectors_folder("trudi") / "schemata"
    local = {"http://www.w3.org/2001/xml.xsd": str(folder / "xml.xsd")}
    return xmlschema.XMLSchema(str(folder / "AR_2418-6.xsd"), uri_mapper=lambda uri: local.get(uri, uri), allow="local")


def of_list(**differing: Any) -> UsagePoint:
    return replace(LISTS, meter_readings=(replace(LIST, **differing),))


def of_reading(**differing: Any) -> UsagePoint:
    return of_list(blocks=(IntervalBlock(Interval(BEGIN, 900), (replace(READING, **differing),)),))


def of_tariff(**differing: Any) -> UsagePoint:
    assert TARIFF.analysis is not None
    return replace(TARIFF, analysis=replace(TARIFF.analysis, **differing))


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(LISTS, identifier="x" * 65),
        lambda: replace(LISTS, tariff=" taf7"),
        lambda: replace(LISTS, tariff="taf\x007"),
        lambda: replace(LISTS, tariff="\ud800"),
        lambda: replace(LISTS, certificate_numbers=(256,)),
        lambda: replace(LISTS, certificate_numbers=(1,) * 11),
        lambda: replace(LISTS, certificates=(Certificate(1, CertificateKind.HAN, b""),)),
        lambda: replace(LISTS, log_entries=1),
        lambda: of_list(blocks=(IntervalBlock(Interval(BEGIN, 1), ()),)),
        lambda: of_list(kind=replace(LIST.kind, power_of_ten=4)),
        lambda: of_list(kind=replace(LIST.kind, scaler=128)),
        lambda: of_list(kind=replace(LIST.kind, period=-1)),
        lambda: of_reading(value=2**47 + 1),
        lambda: of_reading(captured_at=-1),
        lambda: of_reading(target=32_600_000_000),
        lambda: of_reading(status_ptb=5),
        lambda: of_reading(status_fnn="G"),
        lambda: of_reading(signature="x" * 513),
        lambda: of_tariff(stages=()),
        lambda: of_tariff(tables=()),
        lambda: of_tariff(tables=(DayTable(1, ()),)),
        lambda: of_tariff(tables=(DayTable(1, ((30, 1),)),)),
        lambda: of_tariff(days=(ListedDay(date(1969, 12, 31), 1),)),
        lambda: of_tariff(use_case=2**16),
    ],
)
def test_what_the_reader_would_not_read_back_is_not_written(make: Callable[[], UsagePoint]) -> None:
    with pytest.raises(Ar2418Error):
        write(make())


@pytest.mark.parametrize("line", [replace(LINE, level=0), replace(LINE, outcome=3), replace(LINE, text="x" * 8193)])
def test_an_entry_of_the_log_that_there_cannot_be_is_not_written(line: LogLine) -> None:
    with pytest.raises(Ar2418Error):
        write(replace(LISTS, log_entries=1), (line,))


def test_more_than_the_reader_takes_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MAXIMUM_READINGS", 1)
    with pytest.raises(Ar2418Error, match="more than 1 readings"):
        write(LISTS)
    monkeypatch.undo()
    monkeypatch.setattr(writer, "MAXIMUM_BYTES", 1000)
    with pytest.raises(Ar2418Error, match="bytes"):
        write(LISTS)
