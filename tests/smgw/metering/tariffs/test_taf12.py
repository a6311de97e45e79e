"""TR-03109-1, TAF-12: a credit and its end."""

from hypothesis import given

from smgw.metering.tariffs.taf12 import CreditState, walk
from smgw.metering.tariffs.values import ValueList
from tests.smgw.metering.tariffs.house import BEGIN, RASTER, end, lists, quarter_hours
from wire.profiles import Prepaid

RULE = Prepaid(100, 20, 2 * RASTER)
SUFFICIENT, LOW, USED_UP, EXHAUSTED = CreditState


def states(values: ValueList, rule: Prepaid = RULE, scaler: int = 0) -> list[tuple[int, CreditState]]:
    return [(one.remaining, one.state) for one in walk(values, rule, BEGIN, end(values), scaler=scaler)]


def test_warning_end_tolerance_and_exhaustion_follow_one_another() -> None:
    """TR-03109-1, TAF-12."""
    assert states(quarter_hours(79, 1, 19, 1, 5, 5, 5)) == [
        (100, SUFFICIENT),
        (21, SUFFICIENT),
        (20, LOW),
        (1, LOW),
        (0, USED_UP),
        (-5, USED_UP),
        (-10, EXHAUSTED),
        (-15, EXHAUSTED),
    ]


def test_without_tolerance_the_end_is_the_end() -> None:
    assert states(quarter_hours(150), Prepaid(100, 0, 0)) == [(100, SUFFICIENT), (-50, EXHAUSTED)]


def test_a_credit_counts_in_the_registers_unit() -> None:
    assert states(quarter_hours(799, 1), scaler=-1) == [(1000, SUFFICIENT), (201, SUFFICIENT), (200, LOW)]


@given(lists())
def test_what_is_left_and_what_was_used_sum_to_the_credit(values: ValueList) -> None:
    """TR-03109-1, TAF-12: and no state ever goes back."""
    balances = list(walk(values, RULE, BEGIN, BEGIN + 10**6))
    usable = [value for value in values.values if value.usable]
    assert [one.at for one in balances] == [value.at for value in usable]
    used = 0
    for place, balance in enumerate(balances):
        used += values.advance(usable[place - 1], usable[place]) if place else 0
        assert balance.remaining + used == RULE.credit
        assert place == 0 or balances[place - 1].state <= balance.state
