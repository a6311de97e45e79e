"""TAF 2 to 5: the registers of a tariff for each billing period, a total and an error register (TR-03109-1, TAF-2).

Decides which rule books a period, and that the registers together are what the meters advanced: what belongs to no
stage, a gap at the period's end included, stands in the error register x.8.63. Every register of the rule is always
told, also where it is zero: which stages were used shows in no size (FPR_CON.1).
"""

from smgw.access.grants import Grant, RefusalReason
from smgw.access.sums import NotSummableError
from smgw.access.use_cases.case import Case, Outcome
from smgw.access.use_cases.periods import Period, close, seconds
from smgw.access.use_cases.shares import Share
from smgw.metering.tariffs import taf2, taf3, taf4, taf5
from smgw.metering.tariffs.errors import TariffError
from smgw.metering.tariffs.taf2 import Booking
from smgw.metering.tariffs.values import ValueList
from wire.errors import ReadingError
from wire.profiles import ERROR_STAGE, BlockStages, EventStages, LoadStages, TimeStages, derived_register
from wire.profiles.stages import TOTAL
from wire.reading import Reading, Register

_STAGED = (TimeStages, LoadStages, BlockStages, EventStages)


def stages(case: Case) -> Outcome:
    """The registers of each period that closes."""
    return close(case, _registers) if isinstance(case.evaluation.rule, _STAGED) else (RefusalReason.NO_RULE,)


def _registers(period: Period) -> Grant | RefusalReason:
    case, rule = period.case, period.case.evaluation.rule
    if not isinstance(rule, _STAGED):
        return RefusalReason.NO_RULE
    scaler, unit = period.scale(coarsest=0)
    amounts = dict.fromkeys((*(stage.number for stage in rule.stages), ERROR_STAGE), 0)
    for share in period.filled:
        sign = -1 if share.subtracted else 1
        for number, amount in _booked(period, share, scaler).items():
            amounts[number if number in amounts else ERROR_STAGE] += sign * amount
        amounts[ERROR_STAGE] += sign * period.rest(share, scaler)
    codes = {stage.number: stage.obis for stage in rule.stages}
    codes[ERROR_STAGE] = derived_register(case.measured.obis, ERROR_STAGE)
    told = [(derived_register(case.measured.obis, TOTAL), sum(amounts.values()))]
    told += [(codes[number], amount) for number, amount in amounts.items()]
    try:
        derived = tuple(
            Reading(case.gateway, obis, Register(amount, scaler, unit), period.end, period.status)
            for obis, amount in told
        )
    except ReadingError as error:
        raise NotSummableError("a register is outside 64 bits") from error
    return case.grant(period.key, period.begin, period.end, derived=derived)


def _booked(period: Period, share: Share, scaler: int) -> dict[int, int]:
    """What the readings of ``share`` come to; one reading alone has not advanced."""
    try:
        return dict(_book(period, period.values(share, scaler), scaler).registers)
    except TariffError:
        return {}


def _book(period: Period, values: ValueList, scaler: int) -> Booking:
    evaluation, begin, end = period.case.evaluation, seconds(period.begin), seconds(period.end)
    raster = evaluation.period_seconds
    match evaluation.rule:
        case TimeStages() as rule:
            return taf2.book(values, rule, begin, end, raster_seconds=raster)
        case LoadStages() as rule:
            return taf3.book(values, rule, begin, end, raster_seconds=raster, scaler=scaler)
        case BlockStages() as rule:
            return taf4.book(values, rule, begin, end, scaler=scaler)
        case EventStages() as rule:
            events = period.case.history.events([name for name, _ in rule.events], period.end)
            return taf5.book(values, rule, events, begin, end, raster_seconds=raster)
        case _:
            raise TypeError("no rule of stages")
