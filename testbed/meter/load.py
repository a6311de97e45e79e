"""How much energy has gone through a meter at an instant: a pure function of time, seed and annual consumption.

Decides every number that a simulated meter shows. Nothing is accumulated, so a meter may be asked about any instant in
any order, and two meters with the same seed are the same household. Energies are integers in watt-hours.
"""

import calendar
import functools
import subprocess
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from testbed.meter.standard_profile import WEIGHT_TYPE

LOCAL: Final = ZoneInfo("Europe/Berlin")
QUARTER: Final = timedelta(minutes=15)
FIRST_YEAR: Final = 2020
"""All registers stood at zero on 1 January of this year, 00:00 local time."""

_QUARTER_MICROSECONDS: Final = QUARTER // timedelta(microseconds=1)
_PROFILE_TIMEOUT_SECONDS: Final = 120
"""Thirty times what a slow single-board computer needs to import pandas."""

_HIGH_TARIFF_HOURS: Final = range(6, 22)
JITTER_PERMILLE: Final = 300
"""Each quarter hour of a household is up to 30 % off the average household's."""


class Energy(NamedTuple):
    """Watt-hours since the beginning of ``FIRST_YEAR``: all, and those in the low tariff."""

    total: int
    low_tariff: int


def year_begin(year: int) -> datetime:
    """Midnight of 1 January in Germany, in UTC."""
    return datetime(year, 1, 1, tzinfo=LOCAL).astimezone(UTC)


@functools.lru_cache(maxsize=4)
def standard_profile(year: int) -> "array[int]":
    """H25 of one year, computed by a child process. Raises subprocess.CalledProcessError without ``demandlib``."""
    command = [sys.executable, "-m", "testbed.meter.standard_profile", str(year)]
    output = subprocess.run(command, check=True, capture_output=True, timeout=_PROFILE_TIMEOUT_SECONDS).stdout
    weights = array(WEIGHT_TYPE)
    weights.frombytes(output)
    return weights


@functools.lru_cache(maxsize=4)
def flat_profile(year: int) -> "array[int]":
    """The same consumption in each quarter hour: for tests, which then need no ``demandlib``."""
    return array(WEIGHT_TYPE, [1000]) * ((365 + calendar.isleap(year)) * 96)


class Profile(NamedTuple):
    """How the year's energy falls on its quarter hours, and how many permille of it between 22:00 and 6:00.

    The share is fixed, because a register that goes on over New Year must not depend on all the years before.
    """

    weights: Callable[[int], "array[int]"]
    low_tariff_permille: int


H25: Final = Profile(standard_profile, 242)
FLAT: Final = Profile(flat_profile, 333)


@functools.lru_cache(maxsize=4)
def _in_low_tariff(year: int, count: int) -> bytes:
    begin = year_begin(year)
    hours = ((begin + QUARTER * place).astimezone(LOCAL).hour for place in range(0, count, 4))
    return b"".join(bytes([hour not in _HIGH_TARIFF_HOURS]) * 4 for hour in hours)


class _Year(NamedTuple):
    begin: datetime
    high_tariff: "array[int]"
    low_tariff: "array[int]"


@dataclass(frozen=True, slots=True)
class Load:
    """A household: ``annual_watt_hours`` spread over each year by ``profile``, quarter hours jittered by ``seed``."""

    annual_watt_hours: int
    seed: int = 0
    profile: Profile = H25
    jitter_permille: int = JITTER_PERMILLE
    _years: dict[int, _Year] = field(default_factory=dict, repr=False, compare=False)

    def at(self, instant: datetime) -> Energy:
        """Energy until ``instant``, which is aware and not before ``FIRST_YEAR``. Raises ValueError."""
        number = instant.astimezone(LOCAL).year
        if number < FIRST_YEAR:
            raise ValueError(f"a simulated meter knows nothing before {FIRST_YEAR}")
        year = self._year(number)
        place, within = divmod((instant - year.begin) // timedelta(microseconds=1), _QUARTER_MICROSECONDS)

        def energy(annual: int, cumulated: "array[int]") -> int:
            part = cumulated[place] * _QUARTER_MICROSECONDS + (cumulated[place + 1] - cumulated[place]) * within
            return annual * (number - FIRST_YEAR) + annual * part // (cumulated[-1] * _QUARTER_MICROSECONDS)

        low_annual = self.annual_watt_hours * self.profile.low_tariff_permille // 1000
        high = energy(self.annual_watt_hours - low_annual, year.high_tariff)
        low = energy(low_annual, year.low_tariff)
        return Energy(high + low, low)

    def _year(self, number: int) -> _Year:
        if number not in self._years:
            jitter = Random(f"{self.seed} {number}")
            spread = self.jitter_permille
            weights = [weight * (1000 + jitter.randint(-spread, spread)) for weight in self.profile.weights(number)]
            low = _in_low_tariff(number, len(weights))
            self._years[number] = _Year(
                year_begin(number),
                array(
                    "Q",
                    accumulate((weight * (not cheap) for weight, cheap in zip(weights, low, strict=True)), initial=0),
                ),
                array("Q", accumulate((weight * cheap for weight, cheap in zip(weights, low, strict=True)), initial=0)),
            )
        return self._years[number]
