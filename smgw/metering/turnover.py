"""When a register that shows less has not run backwards but begun again at 0 (Ueberlauf).

Decides it from the two ends of the register: only what stood in the last tenth of its range and stands in the first one
now has turned over. A register that was reset, exchanged or set back a little has not. Integers in one unit.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

_TENTH: Final = 10


def turned_over(former: int, later: int, turnover: int) -> bool:
    """Whether a register of ``turnover`` values (10^digits) went from ``former`` over its end to ``later``."""
    edge = turnover // _TENTH
    return turnover - edge <= former < turnover and 0 <= later < edge


def turnover_of(former: int) -> int:
    """The range of a register that stood in the last tenth of it: one value more than its digits can show."""
    turnover: int = 10 ** len(str(abs(former)))
    return turnover


def advance(former: int, later: int) -> int:
    """How far a register went that was believed both times: negative only where it has not turned over."""
    forward, turnover = later - former, turnover_of(former)
    return forward + turnover if forward < 0 and turned_over(former, later, turnover) else forward


def found_in(shown: Sequence[int]) -> int | None:
    """The range of a register that showed these values one after the other, where they tell it: it turned over there.

    A value beyond that range says that it did not.
    """
    highest = max(shown, default=0)
    ranges = (turnover_of(one) for one, other in pairwise(shown) if turned_over(one, other, turnover_of(one)))
    return next((found for found in ranges if found > highest), None)
