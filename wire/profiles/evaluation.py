"""The evaluation profile: who may have which value of which meter, how often, and for what (TR-03109-1).

Decides the terms of access; smgw.access.decision applies them. A profile that names no meter or no register cannot be
built: there is no wildcard, so nothing is ever granted by leaving something out.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from wire.canonical_json import JsonObject
from wire.errors import ProfileError
from wire.obis import CURRENT_VALUE, Obis
from wire.profiles import document, fields
from wire.reading import DeviceId

PSEUDONYM_PREFIX = "EPSN"
"""Medium and maker of a pseudonym: a maker code that no device bears, so that an alias is never taken for a gateway or
meter and never equals one. TR-03109-1 does not publish its own form of an alias (docs/deviations.md)."""
MAXIMUM_PERIOD_SECONDS = 366 * fields.DAY_SECONDS
_TIME_INTEGRAL = 8
"""OBIS group D of a meter reading: what accumulates, so that an advance over a period is a quantity (IEC 62056-61)."""


def is_pseudonym(device: DeviceId) -> bool:
    """Whether ``device`` is an alias and no device (Pseudonym)."""
    return device.text.startswith(PSEUDONYM_PREFIX)


class UseCase(StrEnum):
    """Tariff use cases (Tarifanwendungsfall, TAF) that the gateway computes."""

    TAF_1 = "TAF-1"
    TAF_7 = "TAF-7"


class AccessPurpose(StrEnum):
    """What a party may use a value for (Verwendungszweck, after MsbG part 3)."""

    GRID_OPERATION = "grid-operation"
    BILLING = "billing"
    VALUE_ADDED = "value-added"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationProfile:
    """Access of one party to some registers of some meters (Auswertungsprofil).

    ``party`` is the id of its communication profile and ``recipient`` the fingerprint of the party's encryption
    certificate, so that a changed certificate does not silently inherit access. ``period_seconds`` is the registration
    period of TAF-7 (one reading per raster point; divides a day) or the billing period of TAF-1 (one sum per period).
    ``dispatch_seconds`` is a multiple of it. Valid from ``valid_from`` until just before ``valid_until``.

    ``pseudonym``, where there is one, stands in deliveries for the gateway and the meter (Pseudonym; TR-03109-1,
    FPR_PSE.1 of PP-0073). Several meters of TAF-7 under one alias could not be told apart, so that is refused.
    """

    KIND: ClassVar[str] = "evaluation"

    id: str
    version: int
    use_case: UseCase
    party: str
    purpose: AccessPurpose
    meters: tuple[DeviceId, ...]
    registers: tuple[Obis, ...]
    period_seconds: int
    dispatch_seconds: int
    valid_from: datetime
    valid_until: datetime
    recipient: str
    pseudonym: DeviceId | None = None

    def __post_init__(self) -> None:
        """Check every field. Raises ProfileError."""
        fields.require_identifier("id", self.id)
        fields.require_range("version", self.version, 1, fields.MAXIMUM_VERSION)
        fields.require_member("use_case", self.use_case, UseCase)
        fields.require_identifier("party", self.party)
        fields.require_member("purpose", self.purpose, AccessPurpose)
        fields.require_distinct("meters", self.meters, DeviceId)
        fields.require_distinct("registers", self.registers, Obis)
        if self.use_case is UseCase.TAF_7:
            fields.require_part_of_day("period_seconds", self.period_seconds)
        else:
            fields.require_range("period_seconds", self.period_seconds, 1, MAXIMUM_PERIOD_SECONDS)
            if any(register.d != _TIME_INTEGRAL or register.f != CURRENT_VALUE for register in self.registers):
                raise ProfileError("TAF-1 sums the advance of current meter readings (OBIS D = 8, F = 255) only")
        fields.require_range("dispatch_seconds", self.dispatch_seconds, 1, MAXIMUM_PERIOD_SECONDS)
        if self.dispatch_seconds % self.period_seconds:
            raise ProfileError("dispatch_seconds is not a multiple of period_seconds")
        fields.require_validity(self.valid_from, self.valid_until)
        fields.require_fingerprint("recipient", self.recipient)
        if self.pseudonym is not None:
            fields.require_member("pseudonym", self.pseudonym, DeviceId)
            if not is_pseudonym(self.pseudonym):
                raise ProfileError(f"pseudonym does not begin with {PSEUDONYM_PREFIX}: {self.pseudonym}")
            if self.use_case is UseCase.TAF_7 and len(self.meters) != 1:
                raise ProfileError("a pseudonym stands for one meter, or for the sum of TAF-1")

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return document.write(
            {
                "kind": self.KIND,
                "id": self.id,
                "version": self.version,
                "use_case": self.use_case.value,
                "party": self.party,
                "purpose": self.purpose.value,
                "meters": [meter.text for meter in self.meters],
                "registers": [str(register) for register in self.registers],
                "period_seconds": self.period_seconds,
                "dispatch_seconds": self.dispatch_seconds,
                "valid_from": document.instant(self.valid_from),
                "valid_until": document.instant(self.valid_until),
                "recipient": self.recipient,
                "pseudonym": None if self.pseudonym is None else self.pseudonym.text,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises ProfileError."""
        return cls.from_document(document.read(data))

    @classmethod
    def from_document(cls, content: JsonObject) -> Self:
        """Read the decoded object, ``kind`` included. Raises ProfileError."""
        taken = document.Fields(content)
        document.require_kind(taken, cls.KIND)
        profile = cls(
            id=taken.text("id"),
            version=taken.integer("version"),
            use_case=taken.choice("use_case", UseCase),
            party=taken.text("party"),
            purpose=taken.choice("purpose", AccessPurpose),
            meters=taken.many("meters", DeviceId),
            registers=taken.many("registers", document.obis),
            period_seconds=taken.integer("period_seconds"),
            dispatch_seconds=taken.integer("dispatch_seconds"),
            valid_from=taken.instant("valid_from"),
            valid_until=taken.instant("valid_until"),
            recipient=taken.text("recipient"),
            pseudonym=taken.device_or_none("pseudonym"),
        )
        taken.finish()
        return profile
