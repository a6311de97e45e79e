"""The evaluation profile: who may have which value of which meter, how often, and for what (TR-03109-1).

Decides the terms of access; smgw.access.decision applies them. A profile that names no meter or no register cannot be
built: there is no wildcard, so nothing is ever granted by leaving something out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from wire.canonical_json import JsonObject
from wire.errors import ProfileError
from wire.obis import Obis
from wire.profiles import document, fields
from wire.profiles.billing import BillingPeriod, BillingUnit
from wire.profiles.demands import DEMANDS, Demands
from wire.profiles.tariff import (
    RULES,
    TOTAL,
    BlockStages,
    EventStages,
    LoadStages,
    Mirror,
    Rule,
    TariffCalendar,
    Threshold,
    TimeStages,
    is_meter_reading,
    rule_from_fields,
)
from wire.profiles.use_case import AccessPurpose, UseCase
from wire.reading import DeviceId

PSEUDONYM_PREFIX = "EPSN"
"""Medium and maker of a pseudonym: a maker code that no device bears, so that an alias is never taken for a gateway or
meter and never equals one. TR-03109-1 does not publish its own form of an alias (docs/deviations.md)."""
MAXIMUM_DISPATCH_SECONDS = 366 * fields.DAY_SECONDS


def is_pseudonym(device: DeviceId) -> bool:
    """Whether ``device`` is an alias and no device (Pseudonym)."""
    return device.text.startswith(PSEUDONYM_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationProfile:
    """Access of one party to some registers of some meters (Auswertungsprofil).

    ``party`` is the id of its communication profile and ``recipient`` the fingerprint of the party's encryption
    certificate, so that a changed certificate does not silently inherit access. ``period_seconds`` is the registration
    period: one reading per raster point of the value list, from which everything is computed; it divides a day.
    ``billing`` is the period over which a contract is summed, ``rule`` how its values are divided, ``subtracted`` the
    meters whose advance counts negative; which of them there must be, may be and must not be, ``demands`` says.
    ``dispatch_seconds`` is a multiple of the registration period. Valid from ``valid_from`` until just before
    ``valid_until``.

    ``pseudonym``, where there is one, stands in deliveries for the gateway and the meter (Pseudonym; TR-03109-1,
    FPR_PSE.1 of PP-0073). Several meters under one alias could not be told apart, so that is refused where no sum is
    delivered; a bill must say whose it is, so nothing is billed under an alias.
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
    billing: BillingPeriod | None = None
    subtracted: tuple[DeviceId, ...] = ()
    rule: Rule | None = None
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
        fields.require_part_of_day("period_seconds", self.period_seconds)
        fields.require_range("dispatch_seconds", self.dispatch_seconds, 1, MAXIMUM_DISPATCH_SECONDS)
        if self.dispatch_seconds % self.period_seconds:
            raise ProfileError("dispatch_seconds is not a multiple of period_seconds")
        fields.require_validity(self.valid_from, self.valid_until)
        fields.require_fingerprint("recipient", self.recipient)
        self._require_demands(DEMANDS[self.use_case])
        self._require_fitting_rule(DEMANDS[self.use_case])
        if self.pseudonym is not None:
            fields.require_member("pseudonym", self.pseudonym, DeviceId)
            if not is_pseudonym(self.pseudonym):
                raise ProfileError(f"pseudonym does not begin with {PSEUDONYM_PREFIX}: {self.pseudonym}")
            if self.purpose is AccessPurpose.BILLING:
                raise ProfileError("nothing is billed under a pseudonym")
            if not DEMANDS[self.use_case].sums and len(self.meters) != 1:
                raise ProfileError("a pseudonym stands for one meter, or for a sum")

    @property
    def unstored(self) -> bool:
        """Whether its values are never stored (TR-03109-1, TAF-9, TAF-10 and TAF-14)."""
        return DEMANDS[self.use_case].unstored

    def _require_demands(self, demands: Demands) -> None:
        """FMT_MSA.3/MTR: what the use case does not name is refused."""
        name = self.use_case.value
        if self.purpose not in demands.purposes:
            raise ProfileError(f"{name} is not for the purpose {self.purpose.value}")
        if not demands.several_meters and len(self.meters) > 1:
            raise ProfileError(f"{name} takes one of the meters: what takes its place has a profile of its own")
        if not demands.several_registers and len(self.registers) > 1:
            raise ProfileError(f"{name} takes one of the registers")
        if demands.accumulates and not all(is_meter_reading(register) for register in self.registers):
            raise ProfileError(f"{name} takes current meter readings (OBIS D = 8, F = 255) only")
        if demands.period_seconds not in (None, self.period_seconds):
            raise ProfileError(f"{name} has a period_seconds of {demands.period_seconds}")
        if self.billing is not None:
            fields.require_member("billing", self.billing, BillingPeriod)
            self._require_boundaries(self.billing)
        if (self.billing is not None) != demands.billing:
            raise ProfileError(f"{name} {'needs a' if demands.billing else 'has no'} billing period")
        fields.require_distinct("subtracted", self.subtracted, DeviceId, lowest=0)
        if self.subtracted and not demands.sums:
            raise ProfileError(f"{name} has no subtracted meters")
        if not set(self.subtracted) < set(self.meters):
            raise ProfileError("subtracted meters are some of the meters, and not all of them")

    def _require_boundaries(self, billing: BillingPeriod) -> None:
        """A billing period begins and ends at points of the raster, wherever local time puts its midnight."""
        if billing.unit is BillingUnit.SECOND:
            if billing.count % self.period_seconds:
                raise ProfileError("a billing period in seconds is a multiple of period_seconds")
        # Local midnight is a full hour of UTC, but hardly ever midnight of UTC.
        elif fields.HOUR_SECONDS % self.period_seconds:
            raise ProfileError("a billing period of days or months needs a period_seconds that divides an hour")

    def _require_fitting_rule(self, demands: Demands) -> None:
        """The rule is that of the use case, and speaks of the profile's own registers."""
        name = self.use_case.value
        if self.rule is None:
            if demands.rule:
                raise ProfileError(f"{name} needs a rule")
            return
        if not (demands.rule or demands.rule_optional):
            raise ProfileError(f"{name} has no rule")
        fields.require_member("rule", self.rule, RULES[self.use_case])
        match self.rule:
            case TimeStages() | LoadStages() | BlockStages() | EventStages():
                (register,) = self.registers
                if register.e != TOTAL:
                    raise ProfileError(f"{name} divides a total (OBIS E = 0), not {register}")
                for stage in self.rule.stages:
                    if (stage.obis.a, stage.obis.b, stage.obis.c) != (register.a, register.b, register.c):
                        raise ProfileError(f"stage {stage.obis} does not divide {register}")
                if isinstance(self.rule, TimeStages):
                    self._require_switches(self.rule.calendar)
            case Threshold():
                if self.rule.register not in self.registers:
                    raise ProfileError("a threshold watches one of the registers")
            case Mirror():
                if self.rule.profile == self.id:
                    raise ProfileError("a profile does not mirror itself")
            case _:
                pass

    def _require_switches(self, calendar: TariffCalendar) -> None:
        """A switch between two points of the raster would leave what lies between them to no stage."""
        for profile in calendar.day_profiles:
            for switch in profile.switches:
                if switch.minute * 60 % self.period_seconds:
                    raise ProfileError(f"the switch at minute {switch.minute} lies off the raster of period_seconds")

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
                "billing": None if self.billing is None else self.billing.to_document(),
                "subtracted": [meter.text for meter in self.subtracted],
                "rule": None if self.rule is None else self.rule.to_document(),
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
        use_case = taken.choice("use_case", UseCase)
        billing, rule = taken.nested_or_none("billing"), taken.nested_or_none("rule")
        profile = cls(
            id=taken.text("id"),
            version=taken.integer("version"),
            use_case=use_case,
            party=taken.text("party"),
            purpose=taken.choice("purpose", AccessPurpose),
            meters=taken.many("meters", DeviceId),
            registers=taken.many("registers", document.obis),
            period_seconds=taken.integer("period_seconds"),
            dispatch_seconds=taken.integer("dispatch_seconds"),
            billing=None if billing is None else BillingPeriod.from_fields(billing),
            subtracted=taken.many("subtracted", DeviceId),
            rule=None if rule is None else rule_from_fields(use_case, rule),
            valid_from=taken.instant("valid_from"),
            valid_until=taken.instant("valid_until"),
            recipient=taken.text("recipient"),
            pseudonym=taken.device_or_none("pseudonym"),
        )
        taken.finish()
        return profile
