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


OLD = ValueList.of([Value(BEGIN, 100), Value(900, 150), Value(1800, 160, usable=False)])
NEW = ValueList.of([Value(1700, 3), Value(END, 43)])


def test_after_a_change_of_meter_each_is_counted_by_itself() -> None:
    assert taf1.book_meters([NEW, OLD], BEGIN, END) == 50 + 40
    with pytest.raises(TariffError):
        taf1.book_meters([OLD], BEGIN, END)


def test_meters_side_by_side_add_up() -> None:
    beside = ValueList.of([Value(BEGIN, 7), Value(END, 10)])
    assert taf1.book_meters([beside, beside], BEGIN, END) == 6
    assert taf1.book_meters([], BEGIN, END) == 0


@pytest.mark.parametrize(
    "lists",
    [
        [OLD, ValueList.of([Value(899, 3), Value(END, 43)])],  # both at once
        [OLD, ValueList.of([Value(900 + taf1.LONGEST_CHANGE_SECONDS + 1, 3), Value(END, 43)])],  # a gap, no change
        [OLD, ValueList.of([Value(1700, 3), Value(END - 1, 43)])],
        [ValueList.of([Value(1, 3), Value(900, 43)]), NEW],
        [OLD, NEW, ValueList.of([])],
    ],
)
def test_what_is_no_change_of_meter_has_no_bill(lists: list[ValueList]) -> None:
    with pytest.raises(TariffError) as refused:
        taf1.book_meters(lists, BEGIN, END)
    assert refused.value.reason in {TariffReason.NO_VALUE_AT_BEGIN, TariffReason.NO_VALUE_AT_END}
