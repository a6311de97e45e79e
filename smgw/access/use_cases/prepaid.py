"""TAF-12: what is left of a prepaid credit, told when its state changes and when the billing period ends.

Decides that the party learns of a warning, of the end of the credit and of the end of the tolerance, each once in a
period and at the raster point where it was found, and of what is left at the end; of nothing in between (TR-03109-1,
TAF-12). The breakers that the rule names are told of nothing here: nothing is switched by this gateway.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from smgw.access.grants import Grant, RefusalReason
from smgw.access.history import is_usable
from smgw.access.use_cases.case import Case, Outcome
from smgw.access.use_cases.periods import Period, bounds, close, seconds
from smgw.access.use_cases.shares import share_of
from smgw.metering.tariffs.taf12 import Balance, CreditState, walk
from wire.instant import EPOCH
from wire.obis import Obis
from wire.profiles import Prepaid
from wire.reading import Reading, Register, Unit

REMAINING: Final = Obis(0, 0, 19, 10, 0, 255)
"""The credit that is left, in the unit of the register (the place of a DLMS credit object; unverified)."""
STATE: Final = Obis(0, 0, 19, 0, 0, 255)
"""The state of the credit, as CreditState counts (the place of a DLMS account object; unverified)."""


def prepaid(case: Case) -> Outcome:
    """The end of each period that closes, else a change of state in the period that is open."""
    if not isinstance(case.evaluation.rule, Prepaid):
        return (RefusalReason.NO_RULE,)
    outcome = close(case, _at_the_end)
    if any(isinstance(one, Grant) for one in outcome):
        return outcome
    changed = _changed(case, case.evaluation.rule)
    return outcome if changed is None else (changed, *outcome)


def _at_the_end(period: Period) -> Grant | RefusalReason:
    rule = period.case.evaluation.rule
    (share, *others) = period.filled
    if not isinstance(rule, Prepaid) or others:
        return RefusalReason.NO_RULE
    scaler, unit = period.scale(coarsest=0)
    *_, last = walk(period.values(share, scaler), rule, seconds(period.begin), seconds(period.end), scaler=scaler)
    remaining = last.remaining - period.rest(share, scaler)
    return period.case.grant(
        period.key,
        period.begin,
        period.end,
        derived=_told(period, Register(remaining, scaler, unit), last.state, period.end),
    )


def _changed(case: Case, rule: Prepaid) -> Grant | None:
    """The change of state that this reading shows, if it is the first one for its raster point."""
    measured, billing = case.measured, case.evaluation.billing
    if billing is None or case.raster_refusal() is not None or case.point is None or not is_usable(measured):
        return None
    begin, _ = bounds(billing, measured.captured_at)
    if begin < case.evaluation.valid_from or case.point == begin:
        return None
    # The period up to this reading, as if it ended here; a look at all of it is due where its state may have changed.
    ends = share_of(case, measured.device, begin, case.point, inner=False)
    if ends is None or not ends.readings or _is_settled(case, rule, ends.readings[0], case.point):
        return None
    share = share_of(case, measured.device, begin, case.point, inner=True)
    if share is None or not share.readings or measured not in share.readings:
        return None
    period = Period(case, begin, case.point, (share,))
    scaler, unit = period.scale(coarsest=0)
    balances = list(walk(period.values(share, scaler), rule, seconds(begin), seconds(case.point), scaler=scaler))
    now = balances[-1]
    if now.state is _state_of(balances[:-1]):
        return None
    return case.grant(
        f"{period.key}|{now.state.name}",
        begin,
        measured.captured_at,
        derived=_told(period, Register(now.remaining, scaler, unit), now.state, EPOCH + timedelta(seconds=now.at)),
    )


def _is_settled(case: Case, rule: Prepaid, opening: Reading, point: datetime) -> bool:
    """Whether the state is surely that of the raster point before, by the ends of the period and three readings.

    So a period costs as much as it has readings: all of it is looked at only where a state may begin, behind a gap, or
    where the register began again at 0. A register that is believed never runs backwards (smgw/metering/verify.py).
    """
    raster = timedelta(seconds=case.evaluation.period_seconds)

    def left_at(instant: datetime) -> Decimal | None:
        measured = case.measured
        found = case.history.reading_at(measured.device, measured.obis, instant, case.window)
        usable = found is not None and is_usable(found) and found.captured_at >= opening.captured_at
        return _left(rule, opening, found) if usable and found is not None else None

    left = _left(rule, opening, case.measured)
    if left is None or left > rule.warn_at:
        return left is not None
    former = left_at(point - raster)
    if former is None or former > rule.warn_at or (former <= 0) != (left <= 0):
        return False
    # The last raster point from which the tolerance is over by now, and was not at the raster point before.
    used_up = point - -(-timedelta(seconds=rule.tolerance_seconds) // raster) * raster
    if left > 0 or used_up >= point or used_up < opening.captured_at - case.window:
        return True
    then, earlier = left_at(used_up), left_at(used_up - raster)
    return then is not None and (then > 0 or (earlier is not None and earlier <= 0))


def _left(rule: Prepaid, opening: Reading, reading: Reading) -> Decimal | None:
    """The credit that is left at ``reading``; None where the register shows less than when the period began."""
    used = reading.register.exact() - opening.register.exact()
    return None if used < 0 else rule.credit - used


def _state_of(balances: Iterable[Balance]) -> CreditState:
    return max((balance.state for balance in balances), default=CreditState.SUFFICIENT)


def _told(period: Period, remaining: Register, state: CreditState, at: datetime) -> tuple[Reading, ...]:
    gateway, word = period.case.gateway, period.status
    return (
        Reading(gateway, REMAINING, remaining, at, word),
        Reading(gateway, STATE, Register(int(state), 0, Unit.COUNT), at, word),
    )
