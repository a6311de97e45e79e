"""TAF-8: the lowest and highest mean powers of a billing period, each at its time (TR-03109-1, TAF-8).

Decides how an extreme is told: as the gateway's own value at the end of its registration period, minima in C.3.0 and
maxima in C.6.0 (IEC 62056-61, group D). Nothing else of the load profile is told.
"""

from datetime import timedelta
from typing import Final

from smgw.access.grants import Grant, RefusalReason
from smgw.access.use_cases.case import Case, Outcome
from smgw.access.use_cases.periods import Period, close, seconds
from smgw.metering.quantities import expected_unit
from smgw.metering.tariffs.taf8 import Extreme, find, mean_power
from wire.instant import EPOCH
from wire.obis import CURRENT_VALUE, Obis
from wire.profiles import Extremes
from wire.reading import Reading, Register

_MINIMUM: Final = 3
_MAXIMUM: Final = 6
_DEMAND: Final = 4


def extremes(case: Case) -> Outcome:
    """The extremes of each period that closes."""
    return close(case, _found) if isinstance(case.evaluation.rule, Extremes) else (RefusalReason.NO_RULE,)


def _found(period: Period) -> Grant | RefusalReason:
    case, rule = period.case, period.case.evaluation.rule
    (share, *others) = period.filled
    if not isinstance(rule, Extremes) or others:
        return RefusalReason.NO_RULE
    raster = case.evaluation.period_seconds
    scaler, _ = period.scale(coarsest=0)
    begin, end = seconds(period.begin), seconds(period.end)
    found = find(period.values(share, scaler), rule, begin, end, raster_seconds=raster)
    derived = tuple(
        _told(period, extreme, kind, scaler)
        for kind, chosen in ((_MINIMUM, found.minima), (_MAXIMUM, found.maxima))
        for extreme in chosen
    )
    if not derived:
        return RefusalReason.BOUNDARY_MISSING
    return case.grant(period.key, period.begin, period.end, derived=derived)


def _told(period: Period, extreme: Extreme, kind: int, scaler: int) -> Reading:
    register, raster = period.case.measured.obis, period.case.evaluation.period_seconds
    power, decimal = mean_power(extreme.advance, scaler, raster)
    unit = expected_unit(Obis(register.a, register.b, register.c, _DEMAND, 0, CURRENT_VALUE))
    if unit is None:
        raise TypeError(f"nobody knows in what the power of {register} is measured")
    return Reading(
        period.case.gateway,
        Obis(register.a, register.b, register.c, kind, 0, CURRENT_VALUE),
        Register(power, decimal, unit),
        EPOCH + timedelta(seconds=extreme.at),
        period.status,
    )
