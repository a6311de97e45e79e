"""What a consumer is shown, as values: no text, no colour, no key of a database (TR-03109-1, HAF1).

Decides the shapes that pass from the gateway to whatever shows it: pages, interfaces for programs, exports. Energies
are integers in the unit and scaler that stand beside them, instants are UTC seconds, devices and registers are written
as in the profiles. Words in a language are found where people read them, never here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from wire.reading import Unit

WATT_HOUR: Final = int(Unit.WH)
WATT: Final = int(Unit.W)
UNIT_SYMBOLS: Final[Mapping[int, str]] = MappingProxyType(
    {
        Unit.DAY: "d",
        Unit.HOUR: "h",
        Unit.MINUTE: "min",
        Unit.SECOND: "s",
        Unit.CELSIUS: "°C",
        Unit.CUBIC_METRE: "m³",
        Unit.CUBIC_METRE_PER_HOUR: "m³/h",
        Unit.W: "W",
        Unit.VA: "VA",
        Unit.VAR: "var",
        Unit.WH: "Wh",
        Unit.VAH: "VAh",
        Unit.VARH: "varh",
        Unit.A: "A",
        Unit.V: "V",
        Unit.HZ: "Hz",
        Unit.COUNT: "1",
    }
)
"""How each unit is written, by its code of IEC 62056-6-2."""


class Resolution(StrEnum):
    """How long each part of a history is, in legal time (Europe/Berlin)."""

    QUARTER_HOUR = "quarter-hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Verdict(StrEnum):
    """What the check of an inner signature gave."""

    GENUINE = "genuine"
    ALTERED = "altered"
    UNKNOWN_SIGNER = "unknown-signer"
    """No certificate of this gateway that is held stands behind the signature."""


@dataclass(frozen=True, slots=True)
class ShownMeter:
    """A meter that measures her, within her time."""

    meter: str
    registers: tuple[str, ...]
    interval_seconds: int
    store_seconds: int
    since: int
    until: int
    last_reading_at: int | None
    answers: bool
    """False while the gateway cannot read it."""
    refusals: tuple[tuple[str, int], ...] = ()
    """Reason and count of what was refused since the gateway started."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A value with its unit: ``value * 10**scaler`` of ``unit``."""

    value: int
    scaler: int
    unit: int


@dataclass(frozen=True, slots=True)
class Power:
    """The power of one meter: as the meter shows it, or on the average between its last two readings."""

    meter: str
    amount: Amount
    at: int
    averaged_seconds: int
    """0 where the meter itself says it."""
    drawn: bool = True
    """False for power that is fed in."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The energy of a period so far, and of the same length of the period before."""

    resolution: Resolution
    begin: int
    energy: Amount | None
    before: Amount | None
    """Over the same time since the begin of the former period; none where nothing was measured then."""


@dataclass(frozen=True, slots=True)
class Now:
    """What holds at this moment, over all her meters of one direction."""

    at: int
    powers: tuple[Power, ...]
    drawn: tuple[Compared, ...]
    """Today, this month, this year."""
    fed_in: tuple[Compared, ...]
    """Empty where nothing of hers can feed in."""


@dataclass(frozen=True, slots=True)
class Series:
    """A history: part i lasts from ``bounds[i]`` to ``bounds[i + 1]``; a part that cannot be told is none."""

    meter: str
    """Empty for the sum over all her meters."""
    register: str
    resolution: Resolution
    unit: int
    scaler: int
    bounds: tuple[int, ...]
    energies: tuple[int | None, ...]
    doubtful: tuple[bool, ...]
    """Whether a part rests on a reading that no bill may rest on."""
    partial: tuple[bool, ...] = ()
    """Whether a part is told from the first reading in it, or up to the last: it runs still, or a meter came or went.
    """


@dataclass(frozen=True, slots=True)
class ShownReading:
    """One entry of the list of original readings."""

    meter: str
    register: str
    captured_at: int
    amount: Amount
    status: int
    """64 bits, gateway and meter (``smgw/metering/status.py``)."""
    ptb: int
    """0 good, 1 warning, 2 substitute, 3 not usable for now, 4 not usable."""
    signature: bytes
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Stage:
    """A register of a tariff: its amount in a billing period, and what it cost by her own prices."""

    number: int
    register: str
    amount: Amount
    cost: int | None
    """In millionths of a euro; none without a price."""


@dataclass(frozen=True, slots=True)
class Billed:
    """One billing period of a contract, whole or running."""

    begin: int
    end: int
    until: int
    """Up to where readings were booked."""
    stages: tuple[Stage, ...]
    total: Amount
    base: int | None
    """Millionths of a euro for the time that passed."""
    cost: int | None
    refused: str = ""
    """Why it cannot be calculated, as a reason; everything else is empty then."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What she pays by one contract, from ``since`` on; entered by herself and known to nobody else."""

    contract: str
    since: int
    base_per_month: int
    """Hundredths of a cent."""
    per_kilowatt_hour: tuple[tuple[int, int], ...]
    """Stage number, 0 for all of them, and hundredths of a cent."""


@dataclass(frozen=True, slots=True)
class Contract:
    """An evaluation profile that concerns her: who gets what, how often, and for what (Auswertungsprofil)."""

    id: str
    version: int
    party: str
    party_name: str
    use_case: str
    purpose: str
    meters: tuple[str, ...]
    """Hers only; ``others`` says that more are summed, and no more than that."""
    others: bool
    registers: tuple[str, ...]
    subtracted: tuple[str, ...]
    period_seconds: int
    dispatch_seconds: int
    billing_count: int
    billing_unit: str
    """``month``, ``day``, ``second``, or empty."""
    pseudonym: bool
    stored: bool
    """False where the gateway keeps nothing of what it sends."""
    since: int
    until: int
    rule: str
    """The kind of its rule, as the profile writes it, or empty."""
    stages: tuple[tuple[int, str], ...]
    switches: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    """Of a TAF-2 contract: each kind of day (``monday`` … ``sunday``, or a date) with (minute of the day, stage)."""


@dataclass(frozen=True, slots=True)
class Transmission:
    """One delivery to one party (FAU_GEN.1/CON)."""

    contract: str
    party: str
    party_name: str
    sequence: int
    created_at: int
    acknowledged_at: int | None
    set_aside_at: int | None
    reason: str
    values: int
    """Of hers, or of a sum that hers are part of; 0 for a cover, which holds nothing."""
    period_begin: int | None
    period_end: int | None
    kept: bool = True
    """False for one whose values are never stored: how many it carried is known to nobody any more."""


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """How the gateway is."""

    gateway: str
    version: str
    program_sha256: str
    started_at: int
    state: str
    conditions: tuple[tuple[str, int], ...]
    """What is wrong, each with its begin."""
    time_valid: bool
    time_compared_at: int | None
    firewall: str
    """``applied``, ``not-applied`` or ``not-managed``."""
    certificate_until: int
    """End of the gateway's signature certificate."""
    quality_seal: bool


@dataclass(frozen=True, slots=True)
class TestResult:
    """One check of the self-test."""

    name: str
    passed: bool
