"""When a register that shows less has not run backwards but begun again at 0 (Ueberlauf).

Decides it from the two ends of the register: only what stood in the last tenth of its range and stands in the first one
now has turned over. A register that was reset, exchanged or set back a little has not. Integers in one unit.
"""

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
