"""Her meters: what is read of each, how often, since when, and whether it answers.

Decides when a meter counts as silent, and that what was refused is told only where all of it can be hers.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from smgw.han.hers import HerMeter
from smgw.han.history import last_row
from smgw.han.shown import ShownMeter
from wire.instant import parse_instant

_PATIENCE: Final = 2
"""Periods without a reading after which a meter does not answer: one may be lost to a line that was busy."""
_SLACK_SECONDS: Final = 60


def shown_meters(
    connection: sa.Connection, meters: Sequence[HerMeter], counted: Mapping[str, Any], started_at: int, at: int
) -> list[ShownMeter]:
    """Each of ``meters``, those that measure her first; ``counted`` is what the gateway counted of each device."""
    found = [_shown(connection, one, counted.get(one.device, {}), started_at, at) for one in meters]
    return sorted(found, key=lambda one: (not one.since <= at < one.until, one.meter, one.since))


def _shown(
    connection: sa.Connection, meter: HerMeter, counted: Mapping[str, Any], started_at: int, at: int
) -> ShownMeter:
    measured, profile = meter.measured, meter.measured.profile
    span = measured.span
    times = [
        row[0]
        for register in profile.registers
        if (row := last_row(connection, meter, register, span.begin, span.until)) is not None
    ]
    # Some readings are never stored, and it has answered all the same.
    heard = counted.get("last_reading_at")
    if heard is not None and span.begin <= (second := int(parse_instant(heard).timestamp())) < span.until:
        times.append(second)
    last = max(times, default=None)
    holds = measured.since <= at < measured.until
    silent = last is None or at - last > _PATIENCE * profile.store_seconds + _SLACK_SECONDS
    # What was counted since the start counts from the start: a former consumer's lost telegrams are not hers to know.
    whole = holds and span.begin <= started_at
    return ShownMeter(
        meter=meter.device,
        registers=tuple(str(register) for register in profile.registers),
        interval_seconds=profile.interval_seconds,
        store_seconds=profile.store_seconds,
        since=measured.since,
        until=measured.until,
        last_reading_at=last,
        answers=not (holds and silent),
        refusals=tuple(sorted(counted.get("refused", {}).items())) if whole else (),
    )
