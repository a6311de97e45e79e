"""TAF-4, stages by consumption: the energy of a billing period fills one block after the other (TR-03109-1, TAF-4).

Decides where one block ends and the next begins: at exactly the limit, counted from the period's first usable reading.
When the energy was used does not matter, so a gap between two readings moves nothing to the error register. An advance
that is negative is no consumption: it fills no block and stands in the error register.
"""

from itertools import pairwise

from smgw.metering.tariffs.taf2 import Booking
from smgw.metering.tariffs.values import ValueList
from smgw.metering.tariffs.whole import account, usable_values
from wire.profiles.tariff import ERROR_STAGE, BlockStages


def book(values: ValueList, rule: BlockStages, begin: int, end: int, *, scaler: int = 0) -> Booking:
    """Book the readings from ``begin`` to ``end`` (UTC seconds, both included).

    Values count 10^``scaler`` Wh (``scaler`` at most 0). The registers sum to the advance from the first usable reading
    to the last. Raises TariffError.
    """
    usable = usable_values(values, begin, end)
    advances = [values.advance(former, later) for former, later in pairwise(usable)]
    used = sum(advance for advance in advances if advance > 0)
    registers = {ERROR_STAGE: sum(advance for advance in advances if advance < 0)}
    filled = 0
    for stage, limit in zip(rule.stages, (*rule.limits, None), strict=True):
        full = used if limit is None else min(used, limit * 10**-scaler)
        registers[stage.number] = full - filled
        filled = full
    return account(registers, usable)
