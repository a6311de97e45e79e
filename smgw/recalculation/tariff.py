"""The supplier's tariff, made ready to calculate with: registers, and the plan of each day for each direction.

Decides which stage a quarter hour of a day belongs to and which register a stage is billed by; a direction is group C
of the OBIS code (1 import, 2 export). Never fills a day that the supplier did not list.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from smgw.metering.tariffs.calendar import ZONE, day_of
from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.taf2 import NOT_LISTED, DayPlan, plan
from wire.ar2418 import Analysis, DayTable, Interval, Stage
from wire.obis import Obis
from wire.profiles.tariff import ERROR_STAGE


@dataclass(frozen=True, slots=True)
class Direction:
    """The stages of one direction.

    ``stages`` is in the order of the file; a stage's place in it, from 1 on, is its number while calculating, because
    the supplier's own may be any, and 63 is the error's.
    """

    group: int
    stages: tuple[Stage, ...]
    tables: tuple[DayTable, ...]
    """Those whose stages are all of this direction."""
    error: Obis
    """The register of what belongs to no stage."""

    def plans(self, analysis: Analysis) -> Callable[[date], DayPlan]:
        """The plan of each day. Raises TariffError where a day is listed twice."""
        places = {stage.number: ERROR_STAGE for stage in analysis.stages if stage.is_error}
        places |= {stage.number: place for place, stage in enumerate(self.stages, 1)}
        made = {
            table.number: plan((second, places[number]) for second, number in table.entries) for table in self.tables
        }
        listed: dict[date, DayPlan] = {}
        for one in analysis.days:
            if one.table not in made:
                continue
            if one.day in listed:
                raise TariffError(TariffReason.DAY_TWICE, f"{one.day} has two day profiles of one direction")
            listed[one.day] = made[one.table]
        return lambda day: listed.get(day, NOT_LISTED)


def direction(analysis: Analysis, register: Obis) -> Direction | None:
    """The direction that ``register`` is billed in; None where the supplier bills nothing of it."""
    same = [stage for stage in analysis.stages if stage.obis.c == register.c]
    stages = tuple(stage for stage in same if not stage.is_error)
    if not stages:
        return None
    numbers = {stage.number for stage in same}
    tables = tuple(table for table in analysis.tables if numbers.issuperset(number for _, number in table.entries))
    return Direction(register.c, stages, tables, next((one.obis for one in same if one.is_error), _error(stages[0])))


def error_registers(analysis: Analysis) -> tuple[Obis, ...]:
    """The error registers that a bill of stages has besides the supplier's own: one a direction if he names none."""
    if any(stage.is_error for stage in analysis.stages):
        return ()
    first = {stage.obis.c: stage for stage in reversed(analysis.stages)}
    return tuple(_error(first[group]) for group in dict.fromkeys(stage.obis.c for stage in analysis.stages))


def require_listed(analysis: Analysis) -> None:
    """Every whole day of the billing period is listed, and at least one of its days. Raises TariffError."""
    listed = {one.day for one in analysis.days}
    for day in _whole_days(analysis.period):
        if day not in listed:
            raise TariffError(TariffReason.DAY_MISSING, f"the tariff lists no day profile for {day}")
    if not any(day_of(analysis.period.start) <= day <= day_of(analysis.period.end) for day in listed):
        raise TariffError(TariffReason.DAY_MISSING, "the tariff lists no day of its billing period")


def _whole_days(period: Interval) -> Iterator[date]:
    """The days that begin, at the wall clock time of the period's begin, a day before its end or earlier."""
    shown, end = (datetime.fromtimestamp(at, ZONE).replace(tzinfo=None) for at in (period.start, period.end))
    while shown + timedelta(days=1) <= end:
        yield shown.date()
        shown += timedelta(days=1)


def _error(stage: Stage) -> Obis:
    return replace(stage.obis, e=ERROR_STAGE)
