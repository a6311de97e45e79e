"""TAF-5, stages by events: what is raised from outside says which stage energy belongs to (TR-03109-1, TAF-5).

Decides which stage holds when. An event takes effect at the first raster point at or after it, because only there the
meter is read: so every advance between two neighbouring readings belongs to one stage. Where readings are missing and
an event took effect in between, nobody knows how much belongs to which stage, and it goes to the error register.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from smgw.metering.tariffs.taf2 import Booking
from smgw.metering.tariffs.values import ValueList
from smgw.metering.tariffs.whole import account, usable_values
from wire.profiles.tariff import ERROR_STAGE, EventStages


@dataclass(frozen=True, slots=True, order=True)
class TariffEvent:
    """``name`` was raised (``active``) or withdrawn at ``at`` (UTC seconds)."""

    at: int
    name: str
    active: bool


def book(
    values: ValueList, rule: EventStages, events: Iterable[TariffEvent], begin: int, end: int, *, raster_seconds: int
) -> Booking:
    """Book the readings from ``begin`` to ``end`` (UTC seconds, both included).

    ``events`` are all that can matter: those before ``begin`` say what was raised then. The registers sum to the
    advance from the first usable reading to the last. Raises TariffError.
    """
    usable = usable_values(values, begin, end)
    times, stages = _switches(rule, events, raster_seconds)
    registers = dict.fromkeys((*(stage.number for stage in rule.stages), ERROR_STAGE), 0)
    for former, later in pairwise(usable):
        advance = values.advance(former, later)
        first, last = bisect_right(times, former.at), bisect_right(times, later.at - 1)
        held = set(stages[first : last + 1])
        registers[held.pop() if len(held) == 1 and advance >= 0 else ERROR_STAGE] += advance
    return account(registers, usable)


def _switches(rule: EventStages, events: Iterable[TariffEvent], raster_seconds: int) -> tuple[list[int], list[int]]:
    """When the stage may change, and the stages: ``stages[i]`` holds before ``times[i]``, the last one from then on."""
    raised: set[str] = set()
    times: list[int] = []
    stages = [rule.initial]
    for event in sorted(event for event in events if event.name in dict(rule.events)):
        (raised.add if event.active else raised.discard)(event.name)
        stage = next((stage for name, stage in rule.events if name in raised), rule.initial)
        effective = -(-event.at // raster_seconds) * raster_seconds
        if times and times[-1] == effective:
            stages[-1] = stage
        else:
            times.append(effective)
            stages.append(stage)
    return times, stages
