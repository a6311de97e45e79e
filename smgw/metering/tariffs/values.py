"""An original value list: what one register of one meter showed, in the order of its target times.

Decides what becomes of late, doubled and contradicting readings, and by how much a register advanced between two of
them; never guesses a value. Integers in the register's own unit, times in UTC seconds (TR-03109-1, Messwertliste).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self


@dataclass(frozen=True, slots=True)
class Value:
    """One reading: ``at`` is its target time (UTC seconds), ``usable`` what its status allows."""

    at: int
    value: int
    usable: bool = True


@dataclass(frozen=True, slots=True)
class ValueList:
    """Readings of one register with strictly ascending times (originaere Messwertliste).

    ``turnover`` is the number of values that the register can show (10^digits), where that is known: after the highest
    it begins again at 0. Where it is None, a register that shows less than before has advanced by a negative amount.
    """

    values: tuple[Value, ...]
    turnover: int | None = None

    def __post_init__(self) -> None:
        """Refuse what has no order: :meth:`of` makes one."""
        if any(one.at >= other.at for one, other in pairwise(self.values)):
            raise ValueError("the times of a value list do not ascend")
        if self.turnover is not None and self.turnover < 1:
            raise ValueError("a register shows at least one value")

    @classmethod
    def of(cls, readings: Iterable[Value], *, turnover: int | None = None) -> Self:
        """Order ``readings``, however late they came, and keep one a time.

        Of several for the same time the usable ones count; the same value twice is one reading. Usable ones that
        contradict one another make that time unusable: nobody can say which one is right.
        """
        kept: dict[int, Value] = {}
        contradicted: set[int] = set()
        for one in readings:
            former = kept.get(one.at)
            if former is None or (one.usable and not former.usable):
                kept[one.at] = one
            elif one.usable and one.value != former.value:
                contradicted.add(one.at)
        for at in contradicted:
            kept[at] = replace(kept[at], usable=False)
        return cls(tuple(kept[at] for at in sorted(kept)), turnover)

    def between(self, begin: int, end: int) -> tuple[Value, ...]:
        """All with ``begin`` <= ``at`` <= ``end``."""
        return self.values[bisect_left(self.values, begin, key=_at) : bisect_right(self.values, end, key=_at)]

    def usable_between(self, begin: int, end: int) -> tuple[Value, ...]:
        """The usable ones with ``begin`` <= ``at`` <= ``end``."""
        return tuple(one for one in self.between(begin, end) if one.usable)

    def usable_at(self, at: int) -> Value | None:
        """The usable reading of exactly that time."""
        found = self.usable_between(at, at)
        return found[0] if found else None

    def advance(self, former: Value, later: Value) -> int:
        """How far the register went from ``former`` to ``later``, at most half a turn where it began again at 0.

        What seems to have gone more than half a turn forward has rather gone back a little, and counts as that: one
        wrong reading must not bill a full register.
        """
        forward = later.value - former.value
        if self.turnover is not None and forward < 0 and forward + self.turnover <= self.turnover // 2:
            return forward + self.turnover
        return forward

    def advance_between(self, former: Value, later: Value) -> int:
        """How far it went over all usable readings from ``former`` to ``later``, so that no turn is overlooked."""
        if self.turnover is None:
            return later.value - former.value
        return sum(self.advance(one, next_) for one, next_ in pairwise(self.usable_between(former.at, later.at)))

    def begins_again(self) -> tuple[int, ...]:
        """Times of usable readings that show less than the one before, because the register turned over."""
        usable = [one for one in self.values if one.usable]
        return tuple(
            later.at
            for former, later in pairwise(usable)
            if later.value < former.value and self.advance(former, later) >= 0
        )

    def backwards(self) -> tuple[int, ...]:
        """Times of usable readings that show less than the one before, and no turnover explains it."""
        usable = [one for one in self.values if one.usable]
        return tuple(later.at for former, later in pairwise(usable) if self.advance(former, later) < 0)


def _at(value: Value) -> int:
    return value.at
