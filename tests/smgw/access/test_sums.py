"""Exact sums: the same as decimals, at any mixture of scalers; no answer where there is no exact one."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.access.sums import NotSummableError, sum_of_advances
from tests.smgw.access.cases import GATEWAY, IMPORTED, SECOND_METER, at, reading
from wire.reading import Reading, Unit

Pair = tuple[Reading, Reading]
BEGIN, END = at("12:00:00"), at("13:00:00")


def pair(begin: int, end: int, scaler: int = 0, closing_scaler: int | None = None, unit: Unit = Unit.WH) -> Pair:
    later = scaler if closing_scaler is None else closing_scaler
    return (
        reading(BEGIN, begin, scaler=scaler, unit=unit).reading,
        reading(END, end, scaler=later, device=SECOND_METER, unit=unit).reading,
    )


def summed(*pairs: Pair) -> Reading:
    return sum_of_advances(pairs, device=GATEWAY, obis=IMPORTED, captured_at=END)


values = st.integers(0, 10**12)
openings = values.filter(lambda value: not str(value).startswith("9"))
"""Not in the last tenth of any register: these do not begin again at 0."""
scalers = st.integers(-3, 3)


@given(st.lists(st.tuples(openings, values, scalers, scalers), min_size=1, max_size=6))
def test_a_sum_equals_the_decimals_and_is_refused_only_for_a_backward_register(
    numbers: list[tuple[int, int, int, int]],
) -> None:
    pairs = [pair(begin, end, scaler, closing_scaler=later) for begin, end, scaler, later in numbers]
    advances = [closing.register.exact() - opening.register.exact() for opening, closing in pairs]
    with localcontext() as context:
        context.prec = 60
        if any(advance < 0 for advance in advances):
            with pytest.raises(NotSummableError, match="backwards"):
                summed(*pairs)
            return
        found = summed(*pairs)
        assert found.register.exact() == sum(advances, Decimal(0))
    assert (found.device, found.obis, found.captured_at) == (GATEWAY, IMPORTED, END)


def test_a_register_that_began_again_at_0_is_summed() -> None:
    """TR-03109-1, TAF-1: an overflow."""
    assert summed(pair(9_999_990, 25), pair(100, 130)).register.value == 65


def test_the_finest_scaler_is_kept() -> None:
    found = summed(pair(1, 2, scaler=3), pair(10005, 10008, scaler=-1))
    assert (found.register.value, found.register.scaler) == (10003, -1)


def test_no_status_bit_is_lost() -> None:
    opening = reading(BEGIN, 1, status=0x100 << 32).reading
    closing = reading(END, 2, status=0x20000).reading
    assert summed((opening, closing), pair(1, 1)).status == (0x100 << 32) | 0x20000


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        ((), "no unit"),
        ((pair(1, 2), pair(1, 2, unit=Unit.VARH)), "no unit"),
        ((pair(1, 2), pair(2, 1)), "backwards"),
        ((pair(0, 2**62), pair(0, 2**62)), "64 bits"),
        ((pair(0, 2**62, scaler=1), pair(0, 1)), "64 bits"),
    ],
)
def test_no_exact_answer_is_a_refusal(pairs: tuple[Pair, ...], why: str) -> None:
    with pytest.raises(NotSummableError, match=why):
        summed(*pairs)
