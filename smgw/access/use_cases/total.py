"""TAF-1, data-sparing: one sum over all meters for each billing period (TR-03109-1, TAF-1).

Decides that every meter must have both boundary readings: a sum is never made of a guessed value, and nothing smaller
than the period is ever told. The value is that of the period, so the reading that closes the last one may be captured
up to the tolerance after the profile's end.
"""

from smgw.access.grants import Grant, RefusalReason
from smgw.access.sums import sum_of_advances
from smgw.access.use_cases.case import Case, Outcome
from smgw.access.use_cases.periods import Period, close


def total(case: Case) -> Outcome:
    """One sum for each period that closes."""
    return close(case, _sum, inner=False)


def _sum(period: Period) -> Grant | RefusalReason:
    if not all(share.exact for share in period.shares):
        return RefusalReason.BOUNDARY_MISSING
    case = period.case
    pairs = [(share, (share.readings[0], share.closing)) for share in period.filled]
    derived = sum_of_advances(
        [(opening, closing) for share, (opening, closing) in pairs if closing and not share.subtracted],
        [(opening, closing) for share, (opening, closing) in pairs if closing and share.subtracted],
        device=case.gateway,
        obis=case.measured.obis,
        captured_at=period.end,
    )
    return case.grant(period.key, period.begin, period.end, derived=(derived,))
