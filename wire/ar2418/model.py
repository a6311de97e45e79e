"""What a file in the form of VDE AR 2418-6 says: the lists of a gateway, or the tariff of a supplier.

Decides the types and nothing else. Times are UTC seconds, energies raw integers of the list's register; whether a file
is one of a gateway or of a supplier, and whole, is decided in ``rules.py``.
"""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from wire.obis import Obis

ERROR_GROUP = 63
"""Group E of an error register."""


class Service(IntEnum):
    """What is measured (ServiceCategory/kind)."""

    ELECTRICITY = 0
    GAS = 1
    WATER = 2
    PRESSURE = 4
    HEAT = 5
    COLD = 6
    COMMUNICATION = 7
    TIME = 8


class CertificateKind(IntEnum):
    """Which of a gateway's certificates (certType)."""

    SIGNATURE = 1
    SUB_CA = 2
    HAN = 3


class UnitSymbol(IntEnum):
    """Units by their number in ESPI (espi:uom); not those of :class:`wire.reading.Unit`."""

    NONE = 0
    AMPERE = 5
    VOLT = 29
    JOULE = 31
    HERTZ = 33
    WATT = 38
    CUBIC_METRE = 42
    VOLT_AMPERE = 61
    VAR = 63
    POWER_FACTOR = 65
    VOLT_SQUARED = 67
    AMPERE_SQUARED = 69
    VOLT_AMPERE_HOUR = 71
    WATT_HOUR = 72
    VAR_HOUR = 73
    AMPERE_HOUR = 106
    CUBIC_FOOT = 119
    CUBIC_FOOT_PER_HOUR = 122
    CUBIC_METRE_PER_HOUR = 125
    US_GALLON = 128
    US_GALLON_PER_HOUR = 129


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``start`` on, ``duration`` seconds."""

    start: int
    duration: int

    @property
    def end(self) -> int:
        """UTC seconds."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of the gateway, DER as it came."""

    number: int
    kind: CertificateKind
    content: bytes


@dataclass(frozen=True, slots=True)
class IntervalReading:
    """One value (Messwert): ``captured_at`` by the meter's or gateway's clock, ``target`` for which instant it stands.

    ``status_ptb`` is 0..4, ``status_fnn`` the hexadecimal text of the status word; at least one of them is there.
    """

    value: int
    captured_at: int
    target: int | None = None
    status_ptb: int | None = None
    status_fnn: str | None = None
    meter_signature: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class IntervalBlock:
    """Readings, in the order of the file, that belong to ``interval``."""

    interval: Interval
    readings: tuple[IntervalReading, ...]


@dataclass(frozen=True, slots=True)
class ReadingType:
    """What the values of a list are: ``value`` x 10^(``scaler`` + ``power_of_ten``) ``unit``.

    ``period`` is the distance of two readings in seconds, 0 where the file does not say it.
    """

    power_of_ten: int
    unit: UnitSymbol
    scaler: int
    obis: Obis
    logical_name: str
    period: int = 0


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One list of readings (Messwertliste)."""

    meter: str
    identifier: str
    kind: ReadingType
    blocks: tuple[IntervalBlock, ...]

    @property
    def is_original(self) -> bool:
        """Whether it is what the meter showed: ``OBIS.meter.sm``; a derived list has the use case's name there."""
        parts = self.kind.logical_name.split(".")
        return len(parts) == 3 and parts[1] == self.meter


@dataclass(frozen=True, slots=True)
class Stage:
    """A tariff stage of the supplier: its number in the file, and the register that it is billed by."""

    number: int
    obis: Obis

    @property
    def is_error(self) -> bool:
        """Whether it is the error register, x.8.63."""
        return self.obis.e == ERROR_GROUP


@dataclass(frozen=True, slots=True)
class DayTable:
    """A day profile: (second of the local day, number of the stage from then on), ascending."""

    number: int
    entries: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ListedDay:
    """A calendar day and the number of its day profile (SpecialDayProfile)."""

    day: date
    table: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """The tariff (AnalysisProfile): use case, billing period, stages, day profiles and the calendar of all days."""

    use_case: int
    tariff: str
    period: Interval
    stages: tuple[Stage, ...]
    default_stage: int
    tables: tuple[DayTable, ...]
    days: tuple[ListedDay, ...]


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """One contract at one gateway; a text that the file does not have is empty."""

    service: Service
    identifier: str
    customer: str | None
    invoicing_party: str
    gateway: str
    certificate_numbers: tuple[int, ...]
    certificates: tuple[Certificate, ...]
    tariff: str
    analysis: Analysis | None
    meter_readings: tuple[MeterReading, ...]
    log_entries: int = 0
    """How many entries of the consumer's log the file has; they have no part in a bill and are not kept."""
