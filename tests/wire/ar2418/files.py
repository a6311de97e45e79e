"""Files of a gateway and a supplier, made up: each test says only what differs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

IMPORT, EXPORT = "0100010800ff", "0100020800ff"
BERLIN = ZoneInfo("Europe/Berlin")
METER = "1isk0012345678"
DAY = date(2026, 6, 1)
HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<UsagePoints xmlns="http://vde.de/AR_2418-6.xsd" xmlns:espi="http://naesb.org/espi">\n<UsagePoint>\n'
)
TAIL = "</UsagePoint>\n</UsagePoints>\n"


@cache
def certificate(encoding: Encoding = Encoding.DER) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "EABC0012345678.SMGW")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=365))
    return made.sign(key, hashes.SHA256()).public_bytes(encoding)


@dataclass(frozen=True)
class Reading:
    at: datetime
    value: int
    status: str = "<statusPTB>0</statusPTB>"
    target: datetime | None = None

    def xml(self) -> str:
        target = f"<targetTime>{self.target.isoformat()}</targetTime>" if self.target else ""
        return (
            f"<IntervalReading><espi:value>{self.value}</espi:value><timePeriod><duration>0</duration>"
            f"<start>{self.at.isoformat()}</start></timePeriod>{target}{self.status}</IntervalReading>\n"
        )


def head(
    *,
    point: str = "DE001",
    party: str = "supplier",
    gateway: str = "EABC0012345678",
    tariff: str = "taf7",
    certificates: str | None = None,
    kind: int = 0,
) -> str:
    """Everything up to the tariff's name; ``certificates`` None is a supplier's."""
    numbers = "<certId>1</certId>" if certificates else ""
    return (
        f"<espi:ServiceCategory><espi:kind>{kind}</espi:kind></espi:ServiceCategory>\n"
        f"<usagePointId>{point}</usagePointId>\n<Customer><customerId>customer</customerId></Customer>\n"
        f"<InvoicingParty><invoicingPartyId>{party}</invoicingPartyId></InvoicingParty>\n"
        f"<SMGW>{numbers}<smgwId>{gateway}</smgwId></SMGW>\n{certificates or ''}<tariffName>{tariff}</tariffName>\n"
    )


def certificates() -> str:
    content = certificate().hex().upper()
    return f"<Certificate><certId>1</certId><certType>1</certType><certContent>{content}</certContent></Certificate>\n"


def block(readings: Iterable[Reading]) -> str:
    rows = list(readings)
    times = [row.at for row in rows] + [row.target for row in rows if row.target]
    begin, end = min(times), max(times)
    duration = int((end - begin).total_seconds())
    inner = "".join(row.xml() for row in rows)
    return (
        f"<IntervalBlock><interval><duration>{duration}</duration><start>{begin.isoformat()}</start></interval>\n"
        f"{inner}</IntervalBlock>\n"
    )


def value_list(
    *blocks: str, obis: str = IMPORT, meter: str = METER, period: int | None = 900, name: str | None = None
) -> str:
    measured = "" if period is None else f"<measurementPeriod>{period}</measurementPeriod>"
    return (
        f"<MeterReading><Meter><meterId>{meter}</meterId></Meter><meterReadingId>{obis}.{meter}</meterReadingId>\n"
        "<ReadingType><espi:powerOfTenMultiplier>0</espi:powerOfTenMultiplier><espi:uom>72</espi:uom>"
        f"<scaler>-1</scaler><obisCode>{obis}</obisCode>"
        f"<qualifiedLogicalName>{obis}.{name or meter}.sm</qualifiedLogicalName>{measured}</ReadingType>\n"
        f"{''.join(blocks)}</MeterReading>\n"
    )


def gateway_file(*lists: str, **differing: str | int) -> bytes:
    given = {"certificates": certificates(), **differing}
    return (HEAD + head(**given) + "".join(lists) + TAIL).encode()  # type: ignore[arg-type]


def quarter_hours(count: int = 97, *, begin: date = DAY, each: int = 10, first: int = 1000) -> list[Reading]:
    """``count`` readings from local midnight on, ``each`` more every time."""
    start = datetime(begin.year, begin.month, begin.day, tzinfo=BERLIN).astimezone(UTC)
    return [Reading(start + number * timedelta(minutes=15), first + number * each) for number in range(count)]


def table(number: int, *switches: tuple[int, int], entries: int = 96, first: int = 0) -> str:
    """A day profile: (hour, stage from then on)."""
    rows = []
    for slot in range(first, first + entries):
        stage = [stage for hour, stage in switches if hour * 4 <= slot][-1]
        rows.append(
            f"<DayTimeProfile><startTime><hour>{slot // 4}</hour><minute>{slot % 4 * 15}</minute></startTime>"
            f"<tariffNumber>{stage}</tariffNumber></DayTimeProfile>"
        )
    return f"<DayProfile><dayId>{number}</dayId>{''.join(rows)}</DayProfile>\n"


def listed(day: date, number: int = 1) -> str:
    return (
        f"<SpecialDayProfile><specialDayDate><year>{day.year}</year><month>{day.month}</month>"
        f"<day_of_month>{day.day:02}</day_of_month></specialDayDate><dayId>{number}</dayId></SpecialDayProfile>\n"
    )


def days(count: int, number: int = 1, *, begin: date = DAY) -> str:
    return "".join(listed(begin + timedelta(days=offset), number) for offset in range(count))


TWO_STAGES = ((1, "0100010801ff"), (2, "0100010802ff"))
LOW_HIGH_LOW = table(1, (0, 1), (6, 2), (22, 1))


def supplier_file(
    *,
    taf: int = 2,
    begin: str = "2026-06-01T00:00:00+02:00",
    duration: int = 86400,
    stages: Iterable[tuple[int, str]] = TWO_STAGES,
    tables: str = LOW_HIGH_LOW,
    listing: str | None = None,
    **differing: str | int,
) -> bytes:
    named = "".join(
        f"<TariffStage><tariffNumber>{number}</tariffNumber><description>x</description><obisCode>{obis}</obisCode>"
        "</TariffStage>\n"
        for number, obis in stages
    )
    return (
        HEAD
        + head(**differing)  # type: ignore[arg-type]
        + f"<AnalysisProfile><tariffUseCase>{taf}</tariffUseCase><tariffId>t</tariffId>\n"
        f"<billingPeriod><duration>{duration}</duration><start>{begin}</start></billingPeriod>\n{named}"
        "<defaultTariffNumber>1</defaultTariffNumber><TariffChangeTrigger><TimeTrigger>\n"
        f"{tables}{days(1) if listing is None else listing}</TimeTrigger></TariffChangeTrigger></AnalysisProfile>\n"
        + TAIL
    ).encode()
