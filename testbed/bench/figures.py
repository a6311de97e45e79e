"""One measured figure, and how to time things so that two of them can be compared.

A claim is a ratio: ours over a peer or over a physical limit, both timed in turn within the same run, so that a machine
that speeds up or slows down moves both.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7
"""Odd, so that the median is a value that was measured."""


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` in ``unit``; ``against`` is what a ratio is relative to, ``target`` what was asked, if anything."""

    name: str
    value: float
    unit: str
    against: str = ""
    target: str = ""
    note: str = ""


def seconds_per_call(action: Callable[[], object], *, at_least_seconds: float = 0.1) -> float:
    """Processor seconds of one ``action``: repeated until ``at_least_seconds`` have been spent."""
    calls = 1
    while True:
        begin = time.process_time()
        for _ in range(calls):
            action()
        spent = time.process_time() - begin
        if spent >= at_least_seconds:
            return spent / calls
        calls = max(calls * 2, int(calls * at_least_seconds / max(spent, 1e-4)))


def paired(ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int = ROUNDS) -> tuple[float, float]:
    """Median processor seconds of one call of each, timed in turn: ours, theirs, ours, theirs, and so on."""
    mine: list[float] = []
    others: list[float] = []
    for _ in range(rounds):
        mine.append(seconds_per_call(ours))
        others.append(seconds_per_call(theirs))
    return statistics.median(mine), statistics.median(others)
