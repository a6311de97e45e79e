"""Evaluation profiles of every use case over one house, and its readings; a test states only its deviation."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from smgw.access.grants import Grant
from tests.smgw.access.cases import SERIES, reading
from tests.smgw.metering.tariffs.house import stages
from tests.wire.profiles.examples import METER_DEVICE
from wire.profiles import (
    AccessPurpose,
    BillingPeriod,
    BillingUnit,
    BlockStages,
    ControlEvents,
    DayProfile,
    EvaluationProfile,
    EventStages,
    Extremes,
    LoadStages,
    Mirror,
    Prepaid,
    TariffCalendar,
    TariffSwitch,
    Threshold,
    TimeStages,
    UseCase,
)
from wire.reading import DeviceId, SignedReading

QUARTER = timedelta(minutes=15)
HOURLY = BillingPeriod(3600, BillingUnit.SECOND)
DAILY = BillingPeriod(1, BillingUnit.DAY)
DAY_AND_NIGHT = TariffCalendar(
    (DayProfile(1, (TariffSwitch(0, 2), TariffSwitch(360, 1), TariffSwitch(1320, 2))),), (1,) * 7
)
"""Stage 1 from 06:00 to 22:00 local time."""
BILLED = replace(SERIES, use_case=UseCase.TAF_1, purpose=AccessPurpose.BILLING, billing=HOURLY, period_seconds=900)
TIME = replace(BILLED, id="time", use_case=UseCase.TAF_2, billing=DAILY, rule=TimeStages(stages(1, 2), DAY_AND_NIGHT))
LOAD = replace(BILLED, id="load", use_case=UseCase.TAF_3, rule=LoadStages(stages(1, 2), (400,)))
BLOCK = replace(BILLED, id="block", use_case=UseCase.TAF_4, rule=BlockStages(stages(1, 2), (250,)))
EVENT = replace(BILLED, id="event", use_case=UseCase.TAF_5, rule=EventStages(stages(1, 2), 1, (("peak", 2),)))
DAILY_VALUES = replace(SERIES, id="daily", use_case=UseCase.TAF_6, period_seconds=86400, dispatch_seconds=86400)
EXTREME = replace(BILLED, id="extreme", use_case=UseCase.TAF_8, rule=Extremes(1, 2))
ON_REQUEST = replace(SERIES, id="present", use_case=UseCase.TAF_9, period_seconds=60, dispatch_seconds=60)
GRID = replace(SERIES, id="grid", use_case=UseCase.TAF_10, period_seconds=60, dispatch_seconds=60)
WATCH = replace(GRID, id="watch", rule=Threshold(SERIES.registers[0], above=1000))
CONTROL = replace(SERIES, id="control", use_case=UseCase.TAF_11, rule=ControlEvents(("shed", "start")))
PREPAID = replace(BILLED, id="prepaid", use_case=UseCase.TAF_12, rule=Prepaid(300, 100, 900))
MIRROR = replace(SERIES, id="mirror", use_case=UseCase.TAF_13, rule=Mirror(SERIES.id))
FAST = replace(
    SERIES,
    id="fast",
    use_case=UseCase.TAF_14,
    purpose=AccessPurpose.VALUE_ADDED,
    period_seconds=60,
    dispatch_seconds=60,
)


def quarters(
    begin: datetime, *advances: int | None, start: int = 1000, device: DeviceId = METER_DEVICE
) -> list[SignedReading]:
    """Readings at quarter hours from ``begin`` on; None leaves the one at its end out."""
    found, shown = [reading(begin, start, device=device)], start
    for number, advance in enumerate(advances, 1):
        shown += advance or 0
        if advance is not None:
            found.append(reading(begin + number * QUARTER, shown, device=device))
    return found


def registers(grant: Grant) -> dict[str, int]:
    """The derived values of a grant by their group C.D.E."""
    return {f"{one.obis.c}.{one.obis.d}.{one.obis.e}": one.register.value for one in grant.derived}


def of(profile: EvaluationProfile, grants: Iterable[Grant]) -> Iterator[Grant]:
    return (grant for grant in grants if grant.profile == profile.id)
