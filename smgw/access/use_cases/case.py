"""One reading under one evaluation profile, after steps 1 to 6: what an evaluator gets and what it may answer.

Decides what evaluators have in common: when a profile is valid, which reading stands for a raster point, and how a
grant is named.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from smgw.access import schedule
from smgw.access.grants import Grant, RefusalReason
from smgw.access.history import History
from wire.instant import format_instant
from wire.profiles import EvaluationProfile, MeterProfile
from wire.reading import DeviceId, Reading, SignedReading


@dataclass(frozen=True, slots=True)
class Case:
    """A reading that ``evaluation`` names by meter and register and whose party may have it for its purpose.

    ``recorded`` is false for a reading that is never stored (``MeterProfile.store_seconds``). ``requests`` says when a
    profile's values were asked for last (RequestValues). ``meters`` and ``evaluations`` are the profiles that hold.
    """

    signed: SignedReading
    evaluation: EvaluationProfile
    history: History
    gateway: DeviceId
    recorded: bool = True
    meters: Mapping[DeviceId, MeterProfile] = field(default_factory=dict)
    evaluations: Mapping[str, EvaluationProfile] = field(default_factory=dict)
    requests: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def measured(self) -> Reading:
        """The reading without its signature."""
        return self.signed.reading

    @property
    def window(self) -> timedelta:
        """How long after a point of the registration raster a reading stands for it."""
        return schedule.tolerance(self.evaluation.period_seconds)

    @property
    def point(self) -> datetime | None:
        """The raster point for which the reading stands."""
        return schedule.served_point(self.measured.captured_at, self.evaluation.period_seconds)

    def outside_validity(self, instant: datetime) -> RefusalReason | None:
        """Why the profile does not hold at ``instant``."""
        if instant < self.evaluation.valid_from:
            return RefusalReason.NOT_YET_VALID
        if instant >= self.evaluation.valid_until:
            return RefusalReason.EXPIRED
        return None

    def raster_refusal(self) -> RefusalReason | None:
        """Why the reading does not stand for a raster point inside the profile's validity."""
        outside = self.outside_validity(self.measured.captured_at)
        if outside is not None:
            return outside
        point = self.point
        if point is None:
            return RefusalReason.OFF_RASTER
        return RefusalReason.NOT_YET_VALID if point < self.evaluation.valid_from else None

    def grant(
        self,
        key: str,
        begin: datetime,
        end: datetime,
        *,
        readings: tuple[SignedReading, ...] = (),
        derived: tuple[Reading, ...] = (),
    ) -> Grant:
        """A grant under this profile."""
        evaluation = self.evaluation
        return Grant(evaluation.id, evaluation.version, evaluation.party, key, begin, end, readings, derived)

    def grant_of_reading(self, begin: datetime) -> Grant:
        """The reading itself, for the instant ``begin``."""
        measured = self.measured
        key = f"{measured.device}|{measured.obis}|{format_instant(begin)}"
        return self.grant(key, begin, measured.captured_at, readings=(self.signed,))


Outcome: TypeAlias = Sequence[Grant | RefusalReason]
"""What one reading comes to under one profile; it may close several periods at once, and lose some of them."""
Evaluator: TypeAlias = Callable[[Case], Outcome]
