"""TAF-8, extremes: the lowest and the highest mean powers of a billing period, and when (TR-03109-1, TAF-8).

Decides which registration periods count: whole ones, with a usable reading at both ends and no negative advance. A gap
has no mean power, so none of it is ever an extreme. Of equal ones the earlier comes first.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from smgw.metering.tariffs.taf3 import HOUR_SECONDS
from smgw.metering.tariffs.values import ValueList
from wire.profiles.tariff import Extremes

_FINER: Final = 3
"""Decimal places that a power gets where an hour is no multiple of the registration period."""


@dataclass(frozen=True, slots=True)
class Extreme:
    """The registration period that ended at ``at`` (UTC seconds) advanced the register by ``advance``."""

    at: int
    advance: int


@dataclass(frozen=True, slots=True)
class Found:
    """``minima`` rise and ``maxima`` fall; fewer than were wanted where there are fewer whole periods."""

    minima: tuple[Extreme, ...]
    maxima: tuple[Extreme, ...]


def find(values: ValueList, rule: Extremes, begin: int, end: int, *, raster_seconds: int) -> Found:
    """The extremes of the registration periods from ``begin`` to ``end`` (UTC seconds, both included)."""
    whole = [
        Extreme(later.at, values.advance(former, later))
        for former, later in pairwise(values.usable_between(begin, end))
        if later.at - former.at == raster_seconds and values.advance(former, later) >= 0
    ]
    minima = sorted(whole, key=lambda one: (one.advance, one.at))[: rule.minima]
    maxima = sorted(whole, key=lambda one: (-one.advance, one.at))[: rule.maxima]
    return Found(tuple(minima), tuple(maxima))


def mean_power(advance: int, scaler: int, raster_seconds: int) -> tuple[int, int]:
    """Value and scaler in W of ``advance`` x 10^``scaler`` Wh over one registration period.

    Exact where an hour is a multiple of the period; else three decimal places more, the rest cut off.
    """
    if HOUR_SECONDS % raster_seconds == 0:
        return advance * (HOUR_SECONDS // raster_seconds), scaler
    return advance * HOUR_SECONDS * 10**_FINER // raster_seconds, scaler - _FINER
