"""What the traffic of a profile looks like from outside: the same, whatever is consumed (FPR_CON.1).

Decides two things, from the terms of the profile alone and never from a value: whether a delivery leaves at every
dispatch time, a cover where there is nothing to say, and how many readings a delivery has room for. The times are
those of ``access/schedule.py``, which knows the profile, the identities and the clock; the sizes are those of
``wire/content_size.py``.

Why the other use cases need no cover: what they grant, and when, follows from the calendar. TAF-1, 2, 3, 4 and 8 grant
once at the end of each billing period, with one value a stage or extreme whether something was used or not. TAF-7
grants each point of its raster, whatever the register says. TAF-6 grants what the administrator asked for, when he
asked. TAF-13 shows what another profile gives, and looks like that one. What is missing because a meter did not answer
does not show in a size either, as a delivery has room for all that its dispatch should carry. Only a whole dispatch
without a reading, and the backlog of an outage, show as what they are, and neither is consumption.

What remains visible: that there is a gateway, to whom it speaks and how often its profiles say so, outages, secure
states and restarts, and the few bytes by which the DER encoding of ECDSA signatures varies. Those bytes are drawn with
each signature's random number and know nothing of what is signed. Not concealed is the fraction of a millisecond that
more readings take to be sealed here and stored there, and how much the administrator reads over his own tunnel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from smgw.store.outbox import DELIVERY_LIMIT, Delivery
from wire.content import column_of
from wire.content_size import MAXIMUM_READINGS, size_for
from wire.profiles import EvaluationProfile, UseCase
from wire.profiles.billing import BillingPeriod, BillingUnit
from wire.profiles.demands import DEMANDS
from wire.profiles.tariff import BlockStages, EventStages, Extremes, LoadStages, Mirror, TimeStages

EVENT_DRIVEN: Final = frozenset({UseCase.TAF_5, UseCase.TAF_9, UseCase.TAF_10, UseCase.TAF_11, UseCase.TAF_12}) | {
    use_case for use_case, demands in DEMANDS.items() if demands.unstored
}
"""What they grant depends on events, thresholds, credit or requests, or is gone after a restart."""
EVENTS_FOR_ONE: Final = 2
"""Room for events beside each value that the raster alone would give; more of them wait for the next dispatch."""
SMALLEST_ROOM: Final = 12
"""Readings that any delivery driven by events has room for: some events, and the values that they are told with."""
COVERS_AFTER_THE_END: Final = 4
"""Dispatch times after the end of a profile that are still covered: the last events leave as if there were none. A
backlog that takes longer shows; covers for ever would be traffic for nobody."""
_BESIDE_STAGES: Final = 2
"""The total and the error register."""
_SHORTEST: Final = {
    BillingUnit.MONTH: timedelta(days=28),
    BillingUnit.DAY: timedelta(hours=23),
    BillingUnit.SECOND: timedelta(seconds=1),
}
"""In local time: February, and the day on which summer begins."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the deliveries of one profile look from outside.

    ``always``: exactly one leaves at each dispatch time, empty if need be. Each has room for ``readings`` readings in
    ``columns`` columns.
    """

    always: bool
    readings: int
    columns: int


def look_of(evaluation: EvaluationProfile, evaluations: Mapping[str, EvaluationProfile]) -> Look:
    """FPR_CON.1: the look of ``evaluation``; a mirror (TAF-13) looks like the one of ``evaluations`` that it shows."""
    shown = evaluation
    if isinstance(evaluation.rule, Mirror):
        shown = evaluations.get(evaluation.rule.profile, evaluation)
    always, values = shown.use_case in EVENT_DRIVEN, _values(shown)
    if shown.billing is None:
        points = -(-evaluation.dispatch_seconds // shown.period_seconds)
    else:
        points = -(-timedelta(seconds=evaluation.dispatch_seconds) // _shortest(shown.billing))
    wanted = max(SMALLEST_ROOM, EVENTS_FOR_ONE * points * values) if always else points * values
    readings = min(MAXIMUM_READINGS, max(values, min(DELIVERY_LIMIT, wanted)))
    # Events may bring registers of their own; what the calendar gives fills the columns that the profile names.
    return Look(always, readings, readings if always else min(readings, values))


def is_covered(evaluation: EvaluationProfile, look: Look, now: datetime) -> bool:
    """FPR_CON.1: whether a delivery leaves at a dispatch time although nothing is owed."""
    beyond = COVERS_AFTER_THE_END * timedelta(seconds=evaluation.dispatch_seconds)
    return look.always and now - evaluation.valid_until < beyond


def size_of(delivery: Delivery, evaluation: EvaluationProfile, look: Look) -> int:
    """FPR_CON.1: the length of the document of ``delivery``, which is that of every other one of its profile.

    Only the backlog of an outage goes beyond it, under a profile that is not driven by events.
    """
    found = delivery.readings
    readings = max(look.readings, len(found))
    columns = max(look.columns, len({column_of(signed) for signed in found}))
    pseudonym = evaluation.pseudonym
    profile = evaluation.id if pseudonym is None else pseudonym.text
    return size_for(readings, columns, profile=profile, pseudonymous=pseudonym is not None)


def _values(evaluation: EvaluationProfile) -> int:
    """How many values one point of the raster, one billing period or one event may have."""
    match evaluation.rule:
        case TimeStages() | LoadStages() | BlockStages() | EventStages() as rule:
            return len(rule.stages) + _BESIDE_STAGES
        case Extremes(minima=minima, maxima=maxima):
            return minima + maxima
        case _:
            return len(evaluation.meters) * len(evaluation.registers)


def _shortest(billing: BillingPeriod) -> timedelta:
    return billing.count * _SHORTEST[billing.unit]
