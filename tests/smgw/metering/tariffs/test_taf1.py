import pytest

from smgw.metering.tariffs import taf1
from smgw.metering.tariffs.errors import TariffError, TariffReason
from smgw.metering.tariffs.values import Value, ValueList

BEGIN, END = 0, 2_678_400


def test_only_both_ends_matter() -> None:
    values = ValueList.of([Value(BEGIN, 100), Value(900, 10**9), Value(1800, 5, usable=False), Value(END, 350)])
    assert taf1.book(values, BEGIN, END) == 250


@pytest.mark.parametrize(
    ("readings", "reason"),
    [
        ([Value(BEGIN + 1, 1), Value(END, 2)], TariffReason.NO_VALUE_AT_BEGIN),
        ([Value(BEGIN, 1, usable=False), Value(END, 2)], TariffReason.NO_VALUE_AT_BEGIN),
        ([Value(BEGIN, 1), Value(END - 1, 2), Value(END + 1, 2)], TariffReason.NO_VALUE_AT_END),
        ([Value(BEGIN, 1), Value(END, 2, usable=False)], TariffReason.NO_VALUE_AT_END),
        ([], TariffReason.NO_VALUE_AT_BEGIN),
    ],
)
def test_an_end_without_a_usable_reading_has_no_bill(readings: list[Value], reason: TariffReason) -> None:
    with pytest.raises(TariffError) as refused:
        taf1.book(ValueList.of(readings), BEGIN, END)
    assert refused.value.reason is reason


def test_a_register_that_began_again_is_counted_on_however_far_it_went() -> None:
    values = ValueList.of([Value(0, 900), Value(1, 300), Value(2, 700), Value(3, 100)], turnover=1000)
    assert taf1.book(values, 0, 3) == 1200
