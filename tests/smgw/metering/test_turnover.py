"""A register that begins again at 0, and all that only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.metering.turnover import advance, found_in, turned_over, turnover_of


@given(st.integers(2, 12), st.data())
def test_over_the_end_is_forward(digits: int, data: st.DataObject) -> None:
    turnover = 10**digits
    former = data.draw(st.integers(turnover - turnover // 10, turnover - 1))
    later = data.draw(st.integers(0, turnover // 10 - 1))
    assert turned_over(former, later, turnover)
    assert turnover_of(former) == turnover
    assert advance(former, later) == turnover - former + later > 0
    assert advance(former * 1000, later * 1000) == 1000 * advance(former, later)  # whatever the scaler


@pytest.mark.parametrize(
    ("former", "later"), [(1_234_568, 1_234_567), (99_999, 10_000), (89_999, 0), (5, 4), (0, 0), (7, 900), (-5, -7)]
)
def test_what_only_looks_like_it_is_not(former: int, later: int) -> None:
    assert advance(former, later) == later - former


@pytest.mark.parametrize(
    ("shown", "turnover"),
    [
        ([], None),
        ([5], None),
        ([95, 97, 3, 8], 100),
        ([95, 97, 30, 80], None),  # no reading in the first tenth
        ([9, 0, 5000, 9990, 2], 10_000),  # one digit it never had
        ([99_990, 5, 100_000], None),
    ],
)
def test_a_turn_is_found_in_what_was_shown(shown: list[int], turnover: int | None) -> None:
    assert found_in(shown) == turnover
