"""TAF-3, stages by load: each registration period goes to the stage of its mean power (TR-03109-1, TAF-3).

Decides that a stage is only ever chosen by a whole registration period with a usable reading at both ends: an advance
over a gap had a power that nobody knows, and goes to the error register. Integers only: powers are compared by cross
multiplication, never divided.
"""

from itertools import pairwise
from typing import Final

from smgw.metering.tariffs.taf2 import Booking
from smgw.metering.tariffs.values import ValueList
from smgw.metering.tariffs.whole import account, usable_values
from wire.profiles.tariff import ERROR_STAGE, LoadStages

HOUR_SECONDS: Final = 3600


def book(values: ValueList, rule: LoadStages, begin: int, end: int, *, raster_seconds: int, scaler: int = 0) -> Booking:
    """Book the readings from ``begin`` to ``end`` (UTC seconds, both included).

    Values count 10^``scaler`` Wh (``scaler`` at most 0). The registers sum to the advance from the first usable reading
    to the last. Raises TariffError.
    """
    usable = usable_values(values, begin, end)
    registers = dict.fromkeys((*(stage.number for stage in rule.stages), ERROR_STAGE), 0)
    for former, later in pairwise(usable):
        advance = values.advance(former, later)
        whole = later.at - former.at == raster_seconds and advance >= 0
        registers[_stage(rule, advance, raster_seconds, scaler) if whole else ERROR_STAGE] += advance
    return account(registers, usable)


def _stage(rule: LoadStages, advance: int, raster_seconds: int, scaler: int) -> int:
    """The first stage whose limit the mean power ``advance`` / ``raster_seconds`` stays below, else the last one."""
    for stage, limit in zip(rule.stages, rule.limits_watts, strict=False):
        if advance * HOUR_SECONDS < limit * raster_seconds * 10**-scaler:
            return stage.number
    return rule.stages[-1].number
