"""The rules of the tariff use cases: stages, thresholds, events, prepaid energy (TR-03109-1, TAF 2 to 13).

Decides what a rule may say, once and where it is built, so that whoever computes with one need not doubt it: every
stage that is named exists, limits ascend, names are distinct. Energies are in the unit of the profile's register (Wh),
powers in W. What a value becomes under a rule is decided in ``smgw/metering/tariffs``. Lets only ProfileError escape.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from wire.canonical_json import JsonObject, JsonValue
from wire.errors import ProfileError
from wire.obis import Obis
from wire.profiles import document, fields
from wire.profiles.stages import (
    ERROR_STAGE,
    HIGHEST_STAGE,
    MAXIMUM_STAGES,
    TOTAL,
    DayProfile,
    SpecialDay,
    TariffCalendar,
    TariffStage,
    TariffSwitch,
    ascends,
    derived_register,
    is_meter_reading,
    require_many,
)
from wire.profiles.use_case import UseCase
from wire.reading import DeviceId

MAXIMUM_EXTREMES = 64
HIGHEST_ENERGY = 10**15
"""In the unit of the register: beyond every household, within 64 bits with any scaler."""
HIGHEST_MAGNITUDE = 10**9
"""Of a power in W, a voltage, a current, a frequency."""
MAXIMUM_TOLERANCE_SECONDS = 366 * fields.DAY_SECONDS

__all__ = [
    "ERROR_STAGE",
    "HIGHEST_STAGE",
    "RULES",
    "TOTAL",
    "BlockStages",
    "ControlEvents",
    "DayProfile",
    "EventStages",
    "Extremes",
    "LoadStages",
    "Mirror",
    "Prepaid",
    "Rule",
    "SpecialDay",
    "TariffCalendar",
    "TariffStage",
    "TariffSwitch",
    "Threshold",
    "TimeStages",
    "derived_register",
    "is_meter_reading",
    "rule_from_fields",
]


@dataclass(frozen=True, slots=True)
class TimeStages:
    """TAF-2: the calendar says to which stage the energy of a minute belongs."""

    stages: tuple[TariffStage, ...]
    calendar: TariffCalendar

    def __post_init__(self) -> None:
        """Refuse a switch to a stage that the rule does not hold. Raises ProfileError."""
        known = _numbers(self.stages)
        fields.require_member("rule.calendar", self.calendar, TariffCalendar)
        for profile in self.calendar.day_profiles:
            for switch in profile.switches:
                _require_known(switch.stage, known)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"stages": _written(self.stages), "calendar": self.calendar.to_document()}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        calendar = taken.nested("calendar")
        rule = cls(_read_stages(taken), TariffCalendar.from_fields(calendar))
        calendar.finish()
        return rule


@dataclass(frozen=True, slots=True)
class LoadStages:
    """TAF-3: the mean power of a registration period says to which stage its energy belongs.

    ``limits_watts`` ascend and are one fewer than the stages: stage i holds below limit i, the last one from the last
    limit on.
    """

    stages: tuple[TariffStage, ...]
    limits_watts: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check both. Raises ProfileError."""
        _numbers(self.stages, lowest=2)
        _require_limits("rule.limits_watts", self.limits_watts, len(self.stages) - 1, HIGHEST_MAGNITUDE)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"stages": _written(self.stages), "limits_watts": list(self.limits_watts)}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(_read_stages(taken), taken.integers("limits_watts"))


@dataclass(frozen=True, slots=True)
class BlockStages:
    """TAF-4: what was used in the billing period so far says to which stage the next energy belongs.

    ``limits`` (in the unit of the register) ascend and are one fewer than the stages: stage i holds up to limit i,
    counted from the beginning of the billing period, the last one beyond the last limit.
    """

    stages: tuple[TariffStage, ...]
    limits: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check both. Raises ProfileError."""
        _numbers(self.stages, lowest=2)
        _require_limits("rule.limits", self.limits, len(self.stages) - 1, HIGHEST_ENERGY)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"stages": _written(self.stages), "limits": list(self.limits)}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(_read_stages(taken), taken.integers("limits"))


@dataclass(frozen=True, slots=True)
class EventStages:
    """TAF-5: an event that is raised says to which stage energy belongs, ``initial`` where none is.

    ``events`` are pairs of name and stage; where several are raised, the one that stands first decides.
    """

    stages: tuple[TariffStage, ...]
    initial: int
    events: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        """Refuse unknown stages and an event that is named twice. Raises ProfileError."""
        known = _numbers(self.stages)
        _require_known(self.initial, known)
        require_many("rule.events", self.events, tuple, 1, fields.MAXIMUM_LIST)
        for event in self.events:
            if len(event) != 2:
                raise ProfileError("an event of a rule has a name and a stage")
            fields.require_identifier("rule.events", event[0])
            _require_known(event[1], known)
        fields.require_distinct("rule.events", tuple(name for name, _stage in self.events), str)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        events: list[JsonObject] = [{"name": name, "stage": stage} for name, stage in self.events]
        return {"stages": _written(self.stages), "initial": self.initial, "events": [*events]}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(_read_stages(taken), taken.integer("initial"), taken.many_nested("events", _read_event))


@dataclass(frozen=True, slots=True)
class Extremes:
    """TAF-8: so many of the lowest and of the highest mean powers of a billing period."""

    minima: int
    maxima: int

    def __post_init__(self) -> None:
        """At least one of either. Raises ProfileError."""
        fields.require_range("rule.minima", self.minima, 0, MAXIMUM_EXTREMES)
        fields.require_range("rule.maxima", self.maxima, 0, MAXIMUM_EXTREMES)
        if not self.minima and not self.maxima:
            raise ProfileError("a rule of extremes wants at least one")

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"minima": self.minima, "maxima": self.maxima}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(taken.integer("minima"), taken.integer("maxima"))


@dataclass(frozen=True, slots=True)
class Threshold:
    """TAF-10: values are told once ``register`` is above or below a bound, both in its own unit (W, V, mHz ...)."""

    register: Obis
    above: int | None = None
    below: int | None = None

    def __post_init__(self) -> None:
        """At least one bound, and a band between two. Raises ProfileError."""
        fields.require_member("rule.register", self.register, Obis)
        bounds = [(name, bound) for name, bound in (("above", self.above), ("below", self.below)) if bound is not None]
        for name, bound in bounds:
            fields.require_range(f"rule.{name}", bound, -HIGHEST_MAGNITUDE, HIGHEST_MAGNITUDE)
        if not bounds:
            raise ProfileError("a threshold has a bound above or below")
        if self.above is not None and self.below is not None and self.below >= self.above:
            raise ProfileError("a threshold leaves no value in between")

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"register": str(self.register), "above": self.above, "below": self.below}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(taken.code("register"), taken.integer_or_none("above"), taken.integer_or_none("below"))


@dataclass(frozen=True, slots=True)
class ControlEvents:
    """TAF-11: at each of these events the time and the reading are recorded."""

    events: tuple[str, ...]

    def __post_init__(self) -> None:
        """Distinct names. Raises ProfileError."""
        fields.require_distinct("rule.events", self.events, str)
        for name in self.events:
            fields.require_identifier("rule.events", name)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"events": list(self.events)}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(taken.many("events", str))


@dataclass(frozen=True, slots=True)
class Prepaid:
    """TAF-12: ``credit`` may be used from the billing period's beginning on (in the unit of the register).

    A warning is given when no more than ``warn_at`` is left; ``tolerance_seconds`` after the credit is used up the
    ``breakers`` would disconnect.
    """

    credit: int
    warn_at: int
    tolerance_seconds: int
    breakers: tuple[DeviceId, ...] = ()

    def __post_init__(self) -> None:
        """Check every field. Raises ProfileError."""
        fields.require_range("rule.credit", self.credit, 1, HIGHEST_ENERGY)
        fields.require_range("rule.warn_at", self.warn_at, 0, self.credit)
        fields.require_range("rule.tolerance_seconds", self.tolerance_seconds, 0, MAXIMUM_TOLERANCE_SECONDS)
        fields.require_distinct("rule.breakers", self.breakers, DeviceId, lowest=0)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {
            "credit": self.credit,
            "warn_at": self.warn_at,
            "tolerance_seconds": self.tolerance_seconds,
            "breakers": [breaker.text for breaker in self.breakers],
        }

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(
            taken.integer("credit"),
            taken.integer("warn_at"),
            taken.integer("tolerance_seconds"),
            taken.many("breakers", DeviceId),
        )


@dataclass(frozen=True, slots=True)
class Mirror:
    """TAF-13: the values of the evaluation profile ``profile``, once more, for visualisation."""

    profile: str

    def __post_init__(self) -> None:
        """Check the name. Raises ProfileError."""
        fields.require_identifier("rule.profile", self.profile)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"profile": self.profile}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(taken.text("profile"))


Rule = TimeStages | LoadStages | BlockStages | EventStages | Extremes | Threshold | ControlEvents | Prepaid | Mirror

RULES: dict[UseCase, type[Rule]] = {
    UseCase.TAF_2: TimeStages,
    UseCase.TAF_3: LoadStages,
    UseCase.TAF_4: BlockStages,
    UseCase.TAF_5: EventStages,
    UseCase.TAF_8: Extremes,
    UseCase.TAF_10: Threshold,
    UseCase.TAF_11: ControlEvents,
    UseCase.TAF_12: Prepaid,
    UseCase.TAF_13: Mirror,
}
"""Which rule belongs to which use case; the others have none."""


def rule_from_fields(use_case: UseCase, taken: document.Fields) -> Rule:
    """Read the rule of ``use_case``. Raises ProfileError, also where that use case has none."""
    if use_case not in RULES:
        raise ProfileError(f"{use_case.value} has no rule")
    rule = RULES[use_case].from_fields(taken)
    taken.finish()
    return rule


def _numbers(stages: tuple[TariffStage, ...], *, lowest: int = 1) -> frozenset[int]:
    """The numbers of distinct stages with distinct registers."""
    require_many("rule.stages", stages, TariffStage, lowest, MAXIMUM_STAGES)
    numbers = frozenset(stage.number for stage in stages)
    if len(numbers) != len(stages) or len({stage.obis for stage in stages}) != len(stages):
        raise ProfileError("rule.stages names something twice")
    return numbers


def _require_known(stage: int, known: Collection[int]) -> None:
    fields.require_range("stage", stage, 1, HIGHEST_STAGE)
    if stage not in known:
        raise ProfileError(f"a rule names stage {stage}, which it does not hold")


def _require_limits(field: str, limits: tuple[int, ...], count: int, highest: int) -> None:
    require_many(field, limits, int, count, count)
    for limit in limits:
        fields.require_range(field, limit, 1, highest)
    if not ascends(limits):
        raise ProfileError(f"{field} do not ascend")


def _written(stages: tuple[TariffStage, ...]) -> list[JsonValue]:
    return [stage.to_document() for stage in stages]


def _read_stages(taken: document.Fields) -> tuple[TariffStage, ...]:
    return taken.many_nested("stages", TariffStage.from_fields)


def _read_event(taken: document.Fields) -> tuple[str, int]:
    return taken.text("name"), taken.integer("stage")
