"""The billing period: over which stretch of time the gateway sums what a contract bills (TR-03109-1).

Decides which lengths there are; when a period of a certain length begins and ends is decided where local time is known
(``smgw/metering/tariffs/calendar.py``).
"""

from dataclasses import dataclass
from enum import StrEnum

from wire.canonical_json import JsonObject
from wire.errors import ProfileError
from wire.profiles import document, fields

MONTHS = (1, 2, 3, 6, 12)
"""Calendar months that a billing period may have (VDE AR 2418-6)."""
MAXIMUM_DAYS = 366


class BillingUnit(StrEnum):
    """What a billing period is counted in."""

    MONTH = "month"
    """Calendar months of local time, from the first day on."""
    DAY = "day"
    """Calendar days of local time."""
    SECOND = "second"
    """UTC multiples since 1970: for testbeds, no contract has them (docs/deviations.md)."""


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """``count`` units long (Abrechnungszeitraum): 1, 2, 3, 6 or 12 months, 1..366 days, or as many seconds."""

    count: int
    unit: BillingUnit

    def __post_init__(self) -> None:
        """Refuse a length that no contract has. Raises ProfileError."""
        fields.require_member("billing.unit", self.unit, BillingUnit)
        highest = MAXIMUM_DAYS * fields.DAY_SECONDS if self.unit is BillingUnit.SECOND else MAXIMUM_DAYS
        fields.require_range("billing.count", self.count, 1, highest)
        if self.unit is BillingUnit.MONTH and self.count not in MONTHS:
            raise ProfileError(f"a billing period has 1, 2, 3, 6 or 12 months, not {self.count}")

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"count": self.count, "unit": self.unit.value}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> "BillingPeriod":
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        period = cls(taken.integer("count"), taken.choice("unit", BillingUnit))
        taken.finish()
        return period
