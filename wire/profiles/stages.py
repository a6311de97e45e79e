"""Tariff stages and the calendar that says which of them holds when (TR-03109-1, fields after VDE AR 2418-6).

Decides that every day has exactly one day profile and every minute of it exactly one stage. Times are minutes on the
wall clock of Europe/Berlin: where that clock is set, the calendar goes with it. Lets only ProfileError escape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Self

from wire.canonical_json import JsonObject
from wire.errors import ProfileError
from wire.obis import CURRENT_VALUE, Obis
from wire.profiles import document, fields

ERROR_STAGE = 63
"""Group E of the error register: what cannot be assigned to a stage. No stage of a rule has this number."""
TOTAL = 0
"""Group E of the running total over all stages, errors included."""
HIGHEST_STAGE = ERROR_STAGE - 1
MAXIMUM_STAGES = 20
"""Besides the error register (VDE AR 2418-6)."""
MINUTES_OF_DAY = 1440
MAXIMUM_SWITCHES = 96
"""One a quarter-hour."""
MAXIMUM_DAY_PROFILES = 64
MAXIMUM_CALENDAR_SWITCHES = 1024
"""Over all day profiles: a document stays far below the 64 KiB of canonical JSON."""
MAXIMUM_SPECIAL_DAYS = 366
DAYS_OF_WEEK = 7
_TIME_INTEGRAL = 8


def is_meter_reading(register: Obis) -> bool:
    """Whether ``register`` is a current reading that accumulates (OBIS D = 8, F = 255), so that advances add up."""
    return register.d == _TIME_INTEGRAL and register.f == CURRENT_VALUE


def derived_register(register: Obis, stage: int) -> Obis:
    """Where the total (0), a stage (1..62) or the error (63) of ``register`` is told: ``1-0:1.8.stage*255``."""
    return Obis(register.a, register.b, register.c, _TIME_INTEGRAL, stage, CURRENT_VALUE)


def require_many(field: str, values: object, kind: type, lowest: int, highest: int) -> None:
    """A tuple of ``lowest``..``highest`` members of ``kind``. Raises ProfileError."""
    if not isinstance(values, tuple) or not all(isinstance(value, kind) for value in values):
        raise ProfileError(f"{field} is not a tuple of {kind.__name__}")
    if not lowest <= len(values) <= highest:
        raise ProfileError(f"{field} has {lowest} to {highest} members, not {len(values)}")


def ascends(numbers: Sequence[int]) -> bool:
    """Whether each number is greater than the one before it."""
    return all(one < other for one, other in pairwise(numbers))


@dataclass(frozen=True, slots=True)
class TariffStage:
    """One stage (Tarifstufe): its number 1..62 and the register that its energy is told in, as ``1-0:1.8.1*255``."""

    number: int
    obis: Obis

    def __post_init__(self) -> None:
        """Check both. Raises ProfileError."""
        fields.require_range("stage.number", self.number, 1, HIGHEST_STAGE)
        fields.require_member("stage.obis", self.obis, Obis)
        if not is_meter_reading(self.obis) or not 1 <= self.obis.e <= HIGHEST_STAGE:
            raise ProfileError(f"a stage has a register x.8.1 to x.8.{HIGHEST_STAGE}, not {self.obis}")

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"number": self.number, "obis": str(self.obis)}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(taken.integer("number"), taken.code("obis"))


@dataclass(frozen=True, slots=True)
class TariffSwitch:
    """From ``minute`` (0..1439 of the local wall clock) on, ``stage`` holds."""

    minute: int
    stage: int

    def __post_init__(self) -> None:
        """Check both. Raises ProfileError."""
        fields.require_range("switch.minute", self.minute, 0, MINUTES_OF_DAY - 1)
        fields.require_range("switch.stage", self.stage, 1, HIGHEST_STAGE)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"minute": self.minute, "stage": self.stage}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(taken.integer("minute"), taken.integer("stage"))


@dataclass(frozen=True, slots=True)
class DayProfile:
    """The stages of a day: the first switch is at minute 0, the others follow in ascending order."""

    id: int
    switches: tuple[TariffSwitch, ...]

    def __post_init__(self) -> None:
        """Refuse a day with a minute that has no stage, or two. Raises ProfileError."""
        fields.require_range("day_profile.id", self.id, 0, fields.MAXIMUM_VERSION)
        require_many("day_profile.switches", self.switches, TariffSwitch, 1, MAXIMUM_SWITCHES)
        minutes = [switch.minute for switch in self.switches]
        if minutes[0] != 0:
            raise ProfileError(f"day profile {self.id} does not begin at midnight")
        if not ascends(minutes):
            raise ProfileError(f"day profile {self.id}: its switches do not ascend")

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"id": self.id, "switches": [switch.to_document() for switch in self.switches]}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(taken.integer("id"), taken.many_nested("switches", TariffSwitch.from_fields))


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A calendar day of local time that follows another day profile than its weekday."""

    day: date
    day_profile: int

    def __post_init__(self) -> None:
        """Check both. Raises ProfileError."""
        # A datetime is a date too, and would be written differently.
        if type(self.day) is not date:
            raise ProfileError(f"special_day.day is not a date: {self.day!r:.60}")
        fields.require_range("special_day.day_profile", self.day_profile, 0, fields.MAXIMUM_VERSION)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {"day": self.day.isoformat(), "day_profile": self.day_profile}

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(taken.day("day"), taken.integer("day_profile"))


@dataclass(frozen=True, slots=True)
class TariffCalendar:
    """Which day profile each day follows: seven for the week, Monday first, and special days that come before them."""

    day_profiles: tuple[DayProfile, ...]
    week: tuple[int, ...]
    special_days: tuple[SpecialDay, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a calendar in which a day has no day profile, or two. Raises ProfileError."""
        require_many("calendar.day_profiles", self.day_profiles, DayProfile, 1, MAXIMUM_DAY_PROFILES)
        require_many("calendar.special_days", self.special_days, SpecialDay, 0, MAXIMUM_SPECIAL_DAYS)
        known = {profile.id for profile in self.day_profiles}
        if len(known) != len(self.day_profiles):
            raise ProfileError("calendar.day_profiles names something twice")
        if sum(len(profile.switches) for profile in self.day_profiles) > MAXIMUM_CALENDAR_SWITCHES:
            raise ProfileError(f"a calendar has at most {MAXIMUM_CALENDAR_SWITCHES} switches")
        if not isinstance(self.week, tuple) or len(self.week) != DAYS_OF_WEEK:
            raise ProfileError("calendar.week names seven day profiles, Monday first")
        if not ascends([special.day.toordinal() for special in self.special_days]):
            raise ProfileError("calendar.special_days do not ascend")
        for name in (*self.week, *(special.day_profile for special in self.special_days)):
            if not isinstance(name, int) or isinstance(name, bool) or name not in known:
                raise ProfileError(f"the calendar names a day profile that it does not hold: {name!r:.60}")

    def of(self, day: date) -> DayProfile:
        """The day profile of ``day`` (local time)."""
        named = next((special.day_profile for special in self.special_days if special.day == day), None)
        wanted = self.week[day.weekday()] if named is None else named
        return next(profile for profile in self.day_profiles if profile.id == wanted)

    def to_document(self) -> JsonObject:
        """The members of the document."""
        return {
            "day_profiles": [profile.to_document() for profile in self.day_profiles],
            "week": list(self.week),
            "special_days": [special.to_document() for special in self.special_days],
        }

    @classmethod
    def from_fields(cls, taken: document.Fields) -> Self:
        """Read what :meth:`to_document` writes. Raises ProfileError."""
        return cls(
            taken.many_nested("day_profiles", DayProfile.from_fields),
            taken.integers("week"),
            taken.many_nested("special_days", SpecialDay.from_fields),
        )
