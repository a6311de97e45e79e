"""A usage point in, the bytes of a file out: what the display software (TRuDI) loads, and our reader reads back as is.

Decides the spelling: UTF-8, elements in the order of the schema and no others, because that software refuses what it
does not know; times with their offset in local time; a target time, a status and a period wherever they are known. A
file in the earlier form (schema 1.2) has one certificate, as its schema allows; the later form (1.4) has several.
Refuses what the reader would refuse, or would read as something else. Lets only Ar2418Error escape.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from io import BytesIO
from itertools import chain
from typing import Final
from xml.sax.saxutils import escape

from wire.ar2418 import elements
from wire.ar2418.model import (
    Analysis,
    Certificate,
    DayTable,
    Interval,
    IntervalBlock,
    IntervalReading,
    MeterReading,
    UsagePoint,
)
from wire.ar2418.reader import MAXIMUM_BYTES
from wire.ar2418.scalars import EARLIEST_YEAR, LATEST_YEAR, WHITE_SPACE, ZONE, word
from wire.errors import Ar2418Error
from wire.obis import Obis

_HEAD: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    f'<UsagePoints xmlns="{elements.AR}" xmlns:espi="{elements.ESPI}">\n<UsagePoint>\n'
)
_TAIL: Final = "</UsagePoint>\n</UsagePoints>\n"
_EARLIEST: Final = int(datetime(EARLIEST_YEAR, 1, 2, tzinfo=ZONE).timestamp())
_LATEST: Final = int(datetime(LATEST_YEAR, 12, 31, tzinfo=ZONE).timestamp())
_MINUTE: Final = 60
_DAY: Final = 86_400
_LARGEST: Final = 2**47
_LONGEST_LOG_TEXT: Final = 8192
_NO_CHARACTER: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Anything but Char of XML 1.0."""
_REFERENCES: Final = {"\r": "&#13;"}
_LEVELS: Final = range(1, 6)
_OUTCOMES: Final = range(3)


class Form(Enum):
    """Which version of the schema a file must be valid against."""

    EARLY = "1.2"
    """What every display software loads (TRuDI 1.0 and later)."""
    LATER = "1.4"
    """Several certificates, for readings that more than one generation of keys signed."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """An entry of the consumer's log as the file has it; the reader only counts them."""

    number: int
    at: int
    level: int
    """1 information, 2 warning, 3 error, 4 fatal, 5 continuation of another entry."""
    outcome: int
    """0 success, 1 failure, 2 continuation."""
    text: str


def write(found: UsagePoint, log: Sequence[LogLine] = (), *, form: Form = Form.EARLY) -> bytes:
    """The file that says ``found``, with ``log``, which has as many entries as ``found`` says.

    Raises Ar2418Error.
    """
    if len(log) != found.log_entries:
        raise Ar2418Error(f"the usage point says {found.log_entries} entries of a log, and there are {len(log)}")
    if form is Form.EARLY and len(found.certificates) > 1:
        raise Ar2418Error("a file in the earlier form has one certificate: write the later form")
    _require_numbers(found)
    data = BytesIO()
    data.writelines(piece.encode() for piece in chain((_HEAD,), _usage_point(found, log), (_TAIL,)))
    if data.tell() > MAXIMUM_BYTES:
        raise Ar2418Error(f"the file would have more than {MAXIMUM_BYTES} bytes")
    return data.getvalue()


def _usage_point(found: UsagePoint, log: Sequence[LogLine]) -> Iterator[str]:
    yield f"<espi:ServiceCategory><espi:kind>{int(found.service)}</espi:kind></espi:ServiceCategory>\n"
    yield _some("usagePointId", found.identifier, 64)
    if found.customer is not None:
        yield f"<Customer>{_text('customerId', found.customer, 64)}</Customer>\n"
    if found.invoicing_party:
        yield f"<InvoicingParty>{_text('invoicingPartyId', found.invoicing_party, 64)}</InvoicingParty>\n"
    if found.gateway or found.certificate_numbers:
        numbers = "".join(_number("certId", one, 0, 255) for one in found.certificate_numbers)
        yield f"<SMGW>{numbers}{_text('smgwId', found.gateway, 32)}</SMGW>\n"
    for certificate in found.certificates:
        yield _certificate(certificate)
    yield _some("tariffName", found.tariff, 256)
    if found.analysis is not None:
        yield from _analysis(found.analysis)
    for line in log:
        yield _log_line(line)
    for one in found.meter_readings:
        yield from _meter_reading(one)


def _certificate(one: Certificate) -> str:
    if not 1 <= len(one.content) <= elements.MAXIMUM_CERTIFICATE_OCTETS:
        raise Ar2418Error("a certificate is empty or too long")
    number, kind = _number("certId", one.number, 0, 255), _number("certType", one.kind, 1, 3)
    return f"<Certificate>{number}{kind}<certContent>{one.content.hex().upper()}</certContent></Certificate>\n"


def _log_line(line: LogLine) -> str:
    if line.level not in _LEVELS or line.outcome not in _OUTCOMES:
        raise Ar2418Error("an entry of the log has a level or an outcome that there is not")
    number, level = _number("recordNumber", line.number, 0, 2**32 - 1), _number("level", line.level, 1, 5)
    text = _text("text", line.text, _LONGEST_LOG_TEXT)
    end = f"<outcome>{line.outcome}</outcome><timestamp>{_instant(line.at)}</timestamp>"
    return f"<LogEntry>{number}<LogEvent>{level}{text}{end}</LogEvent></LogEntry>\n"


def _meter_reading(one: MeterReading) -> Iterator[str]:
    kind = one.kind
    if kind.power_of_ten not in elements.POWERS:
        raise Ar2418Error(f"10 to the {kind.power_of_ten} has no name")
    yield f"<MeterReading><Meter>{_text('meterId', one.meter, 64)}</Meter>"
    yield _text("meterReadingId", one.identifier, 256)
    yield f"\n<ReadingType><espi:powerOfTenMultiplier>{kind.power_of_ten}</espi:powerOfTenMultiplier>"
    yield f"<espi:uom>{int(kind.unit)}</espi:uom>{_number('scaler', kind.scaler, -128, 127)}{_obis(kind.obis)}"
    yield _text("qualifiedLogicalName", kind.logical_name, 256)
    yield _number("measurementPeriod", kind.period, 0, 2**32 - 1) if kind.period else ""
    yield "</ReadingType>\n"
    for block in one.blocks:
        yield from _block(block)
    yield "</MeterReading>\n"


def _block(block: IntervalBlock) -> Iterator[str]:
    if not block.readings:
        raise Ar2418Error("a block has no reading")
    yield f"<IntervalBlock>{_interval('interval', block.interval)}\n"
    yield from map(_reading, block.readings)
    yield "</IntervalBlock>\n"


def _reading(one: IntervalReading) -> str:
    if not -_LARGEST <= one.value <= _LARGEST:
        raise Ar2418Error("a value is outside 48 bits")
    target = "" if one.target is None else f"<targetTime>{_instant(one.target)}</targetTime>"
    meter = _some("meterSig", one.meter_signature, 512, end="")
    gateway = _some("signature", one.signature, 512, end="")
    fnn = "" if one.status_fnn is None else f"<statusFNN>{word(one.status_fnn)}</statusFNN>"
    ptb = "" if one.status_ptb is None else _number("statusPTB", one.status_ptb, 0, 4)
    return (
        f"<IntervalReading><espi:value>{one.value}</espi:value><timePeriod><duration>0</duration>"
        f"<start>{_instant(one.captured_at)}</start></timePeriod>{target}{meter}{gateway}{fnn}{ptb}</IntervalReading>\n"
    )


def _analysis(found: Analysis) -> Iterator[str]:
    if not found.stages:
        raise Ar2418Error("a tariff has no stage")
    yield f"<AnalysisProfile>{_number('tariffUseCase', found.use_case, 0, 2**16 - 1)}"
    yield f"{_text('tariffId', found.tariff, 32)}{_interval('billingPeriod', found.period)}\n"
    for stage in found.stages:
        number = _number("tariffNumber", stage.number, 0, 2**16 - 1)
        yield f"<TariffStage>{number}{_obis(stage.obis)}</TariffStage>\n"
    yield _number("defaultTariffNumber", found.default_stage, 0, 2**16 - 1)
    if found.days and not found.tables:
        raise Ar2418Error("a tariff lists days and has no day profile")
    if found.tables:
        yield "\n<TariffChangeTrigger><TimeTrigger>\n"
        for table in found.tables:
            yield _table(table)
        for one in found.days:
            if not EARLIEST_YEAR <= one.day.year <= LATEST_YEAR:
                raise Ar2418Error(f"{one.day} is no day of a calendar")
            year, month, day = one.day.year, one.day.month, one.day.day
            date = f"<year>{year}</year><month>{month}</month><day_of_month>{day}</day_of_month>"
            number = _number("dayId", one.table, 0, 2**16 - 1)
            yield f"<SpecialDayProfile><specialDayDate>{date}</specialDayDate>{number}</SpecialDayProfile>\n"
        yield "</TimeTrigger></TariffChangeTrigger>"
    yield "</AnalysisProfile>\n"


def _table(table: DayTable) -> str:
    if not 1 <= len(table.entries) <= elements.MAXIMUM_ENTRIES:
        raise Ar2418Error("a day profile has no entry, or too many")
    rows = []
    for second, stage in table.entries:
        if not 0 <= second < _DAY or second % _MINUTE:
            raise Ar2418Error("a start time is not a whole minute of a day")
        hour, minute = divmod(second // _MINUTE, 60)
        rows.append(
            f"<DayTimeProfile><startTime><hour>{hour}</hour><minute>{minute}</minute></startTime>"
            f"{_number('tariffNumber', stage, 0, 2**16 - 1)}</DayTimeProfile>"
        )
    return f"<DayProfile>{_number('dayId', table.number, 0, 2**16 - 1)}{''.join(rows)}</DayProfile>\n"


def _interval(name: str, interval: Interval) -> str:
    duration = _number("duration", interval.duration, 0, 2**32 - 1)
    return f"<{name}>{duration}<start>{_instant(interval.start)}</start></{name}>"


def _instant(at: int) -> str:
    """Local time with its offset, so that the hour that comes twice is told apart."""
    if not _EARLIEST <= at <= _LATEST:
        raise Ar2418Error(f"a time is not in the years {EARLIEST_YEAR} to {LATEST_YEAR}")
    return datetime.fromtimestamp(at, ZONE).isoformat()


def _obis(obis: Obis) -> str:
    return f"<obisCode>{obis.to_bytes().hex().upper()}</obisCode>"


def _number(name: str, value: int, lowest: int, highest: int) -> str:
    if not lowest <= value <= highest:
        raise Ar2418Error(f"{name} is not an integer from {lowest} to {highest}: {value}")
    return f"<{name}>{int(value)}</{name}>"


def _some(name: str, value: str, longest: int, *, end: str = "\n") -> str:
    """An element that an empty text leaves out."""
    return f"{_text(name, value, longest)}{end}" if value else ""


def _text(name: str, value: str, longest: int) -> str:
    """A text that comes back as it is: what XML cannot hold, and white space around it, which never counts, is refused.

    A carriage return is written as a reference, because a parser takes it for the end of a line.
    """
    if len(value) > longest or value != value.strip(WHITE_SPACE) or _NO_CHARACTER.search(value):
        raise Ar2418Error(f"{name} is not a text of up to {longest} characters: {value[:40]!r}")
    return f"<{name}>{escape(value, _REFERENCES)}</{name}>"


def _require_numbers(found: UsagePoint) -> None:
    """As many of everything as the reader takes."""
    analysis = found.analysis
    readings = sum(len(block.readings) for one in found.meter_readings for block in one.blocks)
    for name, some, highest in (
        ("certificates", len(found.certificates), elements.MAXIMUM_CERTIFICATES),
        ("certificate numbers", len(found.certificate_numbers), elements.MAXIMUM_CERTIFICATES),
        ("entries of the log", found.log_entries, elements.MAXIMUM_LOG_ENTRIES),
        ("lists", len(found.meter_readings), elements.MAXIMUM_LISTS),
        ("blocks", _most(len(one.blocks) for one in found.meter_readings), elements.MAXIMUM_BLOCKS),
        ("readings", readings, elements.MAXIMUM_READINGS),
        ("tariff stages", len(analysis.stages) if analysis else 0, elements.MAXIMUM_STAGES),
        ("day profiles", len(analysis.tables) if analysis else 0, elements.MAXIMUM_TABLES),
        ("listed days", len(analysis.days) if analysis else 0, elements.MAXIMUM_DAYS),
    ):
        if some > highest:
            raise Ar2418Error(f"there are more than {highest} {name}")


def _most(counts: Iterable[int]) -> int:
    return max(counts, default=0)
