"""Which element stands where in a file, what its text is, and what it becomes: the schema as a table.

Decides the grammar: an element that is not in the table, in the wrong place or too often, is refused, as the display
software refuses it. The table follows VDE AR 2418-6, schema 1.2, as far as that software reads it; several certificates
are those of schema 1.4. What a file must say beyond its grammar is decided in ``rules.py``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from wire.ar2418 import scalars
from wire.ar2418.model import (
    Analysis,
    Certificate,
    CertificateKind,
    DayTable,
    Interval,
    IntervalBlock,
    IntervalReading,
    ListedDay,
    MeterReading,
    ReadingType,
    Service,
    Stage,
    UnitSymbol,
    UsagePoint,
)
from wire.errors import Ar2418Error

AR: Final = "http://vde.de/AR_2418-6.xsd"
ESPI: Final = "http://naesb.org/espi"

MAXIMUM_READINGS: Final = 400_000
"""Three lists of quarter hours over the three years that a query may span (316,000), and room."""
MAXIMUM_LOG_ENTRIES: Final = 200_000
MAXIMUM_LISTS: Final = 100
MAXIMUM_BLOCKS: Final = 40_000
"""One an hour over three years."""
MAXIMUM_CERTIFICATES: Final = 10
MAXIMUM_CERTIFICATE_OCTETS: Final = 16_384
MAXIMUM_STAGES: Final = 256
MAXIMUM_TABLES: Final = 1_100
"""Another day profile each day of three years."""
MAXIMUM_ENTRIES: Final = 96
MAXIMUM_DAYS: Final = 4_400
"""Three years for four directions."""

UINT8: Final = scalars.integer(0, 2**8 - 1)
UINT16: Final = scalars.integer(0, 2**16 - 1)
UINT32: Final = scalars.integer(0, 2**32 - 1)
INT8: Final = scalars.integer(-(2**7), 2**7 - 1)
INT16: Final = scalars.integer(-(2**15), 2**15 - 1)
INT48: Final = scalars.integer(-(2**47), 2**47)
"""Both bounds as espi:Int48 has them."""

Found = Mapping[str, Any]
"""What an element holds, by the local name of its children: a value, or a list where several may stand."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An element with text."""

    convert: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Child:
    """An element inside another: at most ``highest`` of them; ``required`` wants one at least."""

    element: "Leaf | Branch"
    highest: int = 1
    required: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """An element with elements inside, in the order of ``children`` (qualified name to child)."""

    children: Mapping[str, Child]
    build: Callable[[Found], Any]
    places: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Number the places."""
        object.__setattr__(self, "places", {name: place for place, name in enumerate(self.children)})


def _branch(build: Callable[[Found], Any], /, **children: Child) -> Branch:
    """A branch of elements of AR 2418-6; a name that begins with ``espi_`` is one of ESPI."""
    named = {
        f"{ESPI} {name[5:]}" if name.startswith("espi_") else f"{AR} {name}": child for name, child in children.items()
    }
    return Branch(named, build)


def _one(element: Leaf | Branch) -> Child:
    return Child(element, required=True)


def _maybe(element: Leaf | Branch) -> Child:
    return Child(element)


def _many(element: Leaf | Branch, highest: int, *, required: bool = False) -> Child:
    return Child(element, highest, required)


def _choice(kind: type[Any]) -> Callable[[str], Any]:
    number = INT16

    def convert(found: str) -> Any:
        try:
            return kind(number(found))
        except Ar2418Error:
            raise
        except ValueError as error:
            raise Ar2418Error(f"is none of the values that it may have: {found[:40]!r}") from error

    return convert


def _nothing(_: Found) -> None:
    return None


def _only(name: str) -> Callable[[Found], Any]:
    return lambda found: found[name]


def _usage_point(found: Found) -> UsagePoint:
    gateway = found.get("SMGW", {})
    return UsagePoint(
        found["ServiceCategory"],
        found.get("usagePointId", ""),
        found.get("Customer"),
        found.get("InvoicingParty", ""),
        gateway.get("smgwId", ""),
        tuple(gateway.get("certId", ())),
        tuple(found.get("Certificate", ())),
        found.get("tariffName", ""),
        found.get("AnalysisProfile"),
        tuple(found.get("MeterReading", ())),
        len(found.get("LogEntry", ())),
    )


def _analysis(found: Found) -> Analysis:
    trigger = found.get("TariffChangeTrigger") or {}
    return Analysis(
        found["tariffUseCase"],
        found["tariffId"],
        found["billingPeriod"],
        tuple(found["TariffStage"]),
        found["defaultTariffNumber"],
        tuple(trigger.get("DayProfile", ())),
        tuple(trigger.get("SpecialDayProfile", ())),
    )


def _second_of_day(found: Found) -> int:
    """What is not said is 0: so the display software reads a time, and the schema requires none of its parts."""
    if found.get("second") or found.get("hundreds"):
        raise Ar2418Error("a start time is not a whole minute")
    return int(found.get("hour", 0)) * 3600 + int(found.get("minute", 0)) * 60


def _day(found: Found) -> date:
    if not {"year", "month", "day_of_month"} <= found.keys():
        raise Ar2418Error("a special day has no year, no month or no day: every day is listed by itself")
    try:
        return date(found["year"], found["month"], found["day_of_month"])
    except ValueError as error:
        raise Ar2418Error(f"there is no day {found['year']}-{found['month']:02}-{found['day_of_month']:02}") from error


def _reading(found: Found) -> IntervalReading:
    return IntervalReading(
        found["value"],
        found["timePeriod"].start,
        found.get("targetTime"),
        found.get("statusPTB"),
        found.get("statusFNN"),
        found.get("meterSig", ""),
        found.get("signature", ""),
    )


def _reading_type(found: Found) -> ReadingType:
    return ReadingType(
        found["powerOfTenMultiplier"],
        found["uom"],
        found.get("scaler", 0),
        found["obisCode"],
        found["qualifiedLogicalName"],
        found.get("measurementPeriod", 0),
    )


_TEXT32, _TEXT64, _TEXT256 = (Leaf(scalars.text(longest)) for longest in (32, 64, 256))
_TEXT512, _TEXT8192 = (Leaf(scalars.text(longest)) for longest in (512, 8192))
_INSTANT = Leaf(scalars.instant)
_U8, _U16, _U32 = Leaf(UINT8), Leaf(UINT16), Leaf(UINT32)
_HOUR, _SIXTY, _HUNDRED = (Leaf(scalars.integer(0, highest)) for highest in (23, 59, 99))
_STATUS_PTB = Leaf(scalars.integer(0, 4))
POWERS: Final = (-6, -3, 0, 1, 2, 3, 6, 9)


def _power_of_ten(found: str) -> int:
    power = INT8(found)
    if power not in POWERS:
        raise Ar2418Error(f"is no power of ten that has a name: {found[:40]!r}")
    return power


_INTERVAL = _branch(
    lambda found: Interval(found["start"], found["duration"]), duration=_one(_U32), start=_one(_INSTANT)
)
_READING = _branch(
    _reading,
    espi_value=_one(Leaf(INT48)),
    timePeriod=_one(_INTERVAL),
    targetTime=_maybe(_INSTANT),
    certId=_maybe(_U8),
    meterSig=_maybe(_TEXT512),
    signature=_maybe(_TEXT512),
    statusFNN=_maybe(Leaf(scalars.word)),
    statusPTB=_maybe(_STATUS_PTB),
)
_BLOCK = _branch(
    lambda found: IntervalBlock(found["interval"], tuple(found["IntervalReading"])),
    interval=_one(_INTERVAL),
    IntervalReading=_many(_READING, MAXIMUM_READINGS, required=True),
)
_READING_TYPE = _branch(
    _reading_type,
    espi_powerOfTenMultiplier=_one(Leaf(_power_of_ten)),
    espi_uom=_one(Leaf(_choice(UnitSymbol))),
    scaler=_maybe(Leaf(INT8)),
    obisCode=_one(Leaf(scalars.obis)),
    qualifiedLogicalName=_one(_TEXT256),
    measurementPeriod=_maybe(_U32),
)
_METER_READING = _branch(
    lambda found: MeterReading(
        found["Meter"], found["meterReadingId"], found["ReadingType"], tuple(found.get("IntervalBlock", ()))
    ),
    Meter=_one(_branch(_only("meterId"), meterId=_one(_TEXT64))),
    meterReadingId=_one(_TEXT256),
    ReadingType=_one(_READING_TYPE),
    IntervalBlock=_many(_BLOCK, MAXIMUM_BLOCKS),
)
_DAY_TABLE = _branch(
    lambda found: DayTable(found["dayId"], tuple(found["DayTimeProfile"])),
    dayId=_one(_U16),
    DayTimeProfile=_many(
        _branch(
            lambda found: (found["startTime"], found["tariffNumber"]),
            startTime=_one(
                _branch(
                    _second_of_day,
                    hour=_maybe(_HOUR),
                    minute=_maybe(_SIXTY),
                    second=_maybe(_SIXTY),
                    hundreds=_maybe(_HUNDRED),
                )
            ),
            tariffNumber=_one(_U16),
        ),
        MAXIMUM_ENTRIES,
        required=True,
    ),
)
_LISTED_DAY = _branch(
    lambda found: ListedDay(found["specialDayDate"], found["dayId"]),
    specialDayDate=_one(
        _branch(
            _day,
            year=_maybe(Leaf(scalars.integer(scalars.EARLIEST_YEAR, scalars.LATEST_YEAR))),
            month=_maybe(_U8),
            day_of_month=_maybe(_U8),
        )
    ),
    dayId=_one(_U16),
)
_ANALYSIS = _branch(
    _analysis,
    tariffUseCase=_one(_U16),
    tariffId=_one(_TEXT32),
    billingPeriod=_one(_INTERVAL),
    TariffStage=_many(
        _branch(
            lambda found: Stage(found["tariffNumber"], found["obisCode"]),
            tariffNumber=_one(_U16),
            description=_maybe(_TEXT256),
            obisCode=_one(Leaf(scalars.obis)),
        ),
        MAXIMUM_STAGES,
        required=True,
    ),
    defaultTariffNumber=_one(_U16),
    TariffChangeTrigger=_maybe(
        _branch(
            _only("TimeTrigger"),
            TimeTrigger=_one(
                _branch(
                    dict,
                    DayProfile=_many(_DAY_TABLE, MAXIMUM_TABLES, required=True),
                    SpecialDayProfile=_many(_LISTED_DAY, MAXIMUM_DAYS),
                )
            ),
        )
    ),
)
_CERTIFICATE = _branch(
    lambda found: Certificate(found["certId"], found["certType"], found["certContent"]),
    certId=_one(_U8),
    certType=_one(Leaf(_choice(CertificateKind))),
    parentCertId=_maybe(_U8),
    certContent=_one(Leaf(scalars.octets(MAXIMUM_CERTIFICATE_OCTETS))),
)
_LOG_ENTRY = _branch(
    _nothing,
    recordNumber=_maybe(_U32),
    LogEvent=_maybe(
        _branch(
            _nothing,
            level=_one(Leaf(scalars.integer(1, 5))),
            text=_maybe(_TEXT8192),
            outcome=_maybe(Leaf(scalars.integer(0, 2))),
            timestamp=_maybe(_INSTANT),
        )
    ),
)
USAGE_POINT: Final = _branch(
    _usage_point,
    espi_ServiceCategory=_one(_branch(_only("kind"), espi_kind=_one(Leaf(_choice(Service))))),
    usagePointId=_maybe(_TEXT64),
    Customer=_maybe(_branch(_only("customerId"), customerId=_one(_TEXT64))),
    InvoicingParty=_maybe(_branch(_only("invoicingPartyId"), invoicingPartyId=_one(_TEXT64))),
    SMGW=_maybe(_branch(dict, certId=_many(_U8, MAXIMUM_CERTIFICATES), smgwId=_one(_TEXT32))),
    Certificate=_many(_CERTIFICATE, MAXIMUM_CERTIFICATES),
    tariffName=_maybe(_TEXT256),
    AnalysisProfile=_maybe(_ANALYSIS),
    LogEntry=_many(_LOG_ENTRY, MAXIMUM_LOG_ENTRIES),
    MeterReading=_many(_METER_READING, MAXIMUM_LISTS),
)
ROOT: Final = {f"{AR} UsagePoints": _one(_branch(_only("UsagePoint"), UsagePoint=_one(USAGE_POINT)))}
