"""What is a replay, what is a gap: pure rules over numbers, without a database and without a clock.

Decides two things. A sequence number that was seen before is a *repetition* if the content is the same (the gateway did
not get our answer; it is acknowledged again and nothing is written) and refused otherwise: nobody overwrites a
delivery, not even its sender. And it says what is missing: sequence numbers per gateway and profile, raster
points per series. A gap is never a reason to refuse what comes after it, because refusing would turn one lost delivery
into all of them.
PP-0073: FPT_RPL.1.
"""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from itertools import pairwise

from datacenter.errors import RefusalReason, RefusedError

FIRST_SEQUENCE = 1
USUAL_RASTERS = (1, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400)
"""Seconds. 900 is the registration period of TAF-7; the short ones occur in demonstrations and laboratories."""

ENOUGH_STEPS = 3
"""Fewer differences than this say nothing about a raster."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Numbers ``first`` to ``last``, both missing; ``count`` of them (sequence numbers, or points of a raster)."""

    first: int
    last: int
    count: int


def require_repetition(stored: bytes, offered: bytes) -> None:
    """A sequence number is stored already: the offered content must be the same. Raises RefusedError otherwise.

    Both are SHA-256 digests of the opened content, not of the sealed bytes: sealing again makes other bytes.
    """
    if not compare_digest(stored, offered):
        raise RefusedError(RefusalReason.CONFLICTING_DELIVERY)


def missing_numbers(seen: Iterable[int]) -> Iterator[Gap]:
    """What lacks between 1 and the highest of ``seen`` (ascending, each once), as ranges."""
    expected = FIRST_SEQUENCE
    for number in seen:
        if number > expected:
            yield Gap(expected, number - 1, number - expected)
        expected = number + 1


def missing_points(captured: Iterable[int], raster_seconds: int) -> Iterator[Gap]:
    """Raster points without a reading between the first and the last of ``captured`` (epoch seconds, ascending).

    A reading belongs to the point at or before it, as the gateway grants the first reading at or after a point
    (TAF-7, PTB-A 50.8). Points are epoch seconds too; ``first`` and ``last`` are the first and last missing point.
    """
    expected: int | None = None
    for second in captured:
        point = second - second % raster_seconds
        if expected is not None and point > expected:
            yield Gap(expected, point - raster_seconds, (point - expected) // raster_seconds)
        expected = point + raster_seconds


def infer_raster(captured: Sequence[int]) -> int | None:
    """The raster that a series seems to follow: its median step, snapped to a usual one; None if that says nothing."""
    steps = [later - earlier for earlier, later in pairwise(captured)]
    if len(steps) < ENOUGH_STEPS:
        return None
    middle = statistics.median_low(steps)
    nearest = min(USUAL_RASTERS, key=lambda raster: abs(raster - middle))
    return nearest if abs(nearest - middle) * 10 <= nearest else None
