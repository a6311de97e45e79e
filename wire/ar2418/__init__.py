"""Files in the form of VDE AR 2418-6: what a gateway and a supplier hand to the consumer's display software.

The reader and its table are strict, the writer writes what the reader reads back, the rules are those of that software.
Lets only Ar2418Error escape.
"""

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
from wire.ar2418.reader import MAXIMUM_BYTES, Ar2418Reader, parse
from wire.ar2418.writer import Form, LogLine, write

__all__ = [
    "MAXIMUM_BYTES",
    "Analysis",
    "Ar2418Reader",
    "Certificate",
    "CertificateKind",
    "DayTable",
    "Form",
    "Interval",
    "IntervalBlock",
    "IntervalReading",
    "ListedDay",
    "LogLine",
    "MeterReading",
    "ReadingType",
    "Service",
    "Stage",
    "UnitSymbol",
    "UsagePoint",
    "parse",
    "write",
]
