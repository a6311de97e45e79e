import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.metering.tariffs.values import Value, ValueList

READINGS = st.lists(st.builds(Value, st.integers(0, 20), st.integers(0, 3), st.booleans()), max_size=30)


def test_late_readings_find_their_place() -> None:
    late = [Value(900, 2), Value(2700, 4), Value(0, 1), Value(1800, 3)]
    assert [one.value for one in ValueList.of(late).values] == [1, 2, 3, 4]


def test_the_same_reading_twice_is_one() -> None:
    assert ValueList.of([Value(0, 1), Value(0, 1)]).values == (Value(0, 1),)


@pytest.mark.parametrize("order", [1, -1])
def test_contradicting_readings_make_their_time_unusable(order: int) -> None:
    found = ValueList.of([Value(0, 1), Value(0, 2)][::order])
    assert found.usable_at(0) is None
    assert len(found.values) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_usable_and_an_unusable_reading_the_usable_one_counts(order: int) -> None:
    found = ValueList.of([Value(0, 9, usable=False), Value(0, 2)][::order])
    assert found.usable_at(0) == Value(0, 2)


@given(READINGS)
def test_the_order_of_arrival_never_matters(readings: list[Value]) -> None:
    one, other = ValueList.of(readings), ValueList.of(reversed(readings))
    assert [(value.at, value.usable) for value in one.values] == [(value.at, value.usable) for value in other.values]
    assert one.usable_between(0, 20) == other.usable_between(0, 20)


def test_times_that_do_not_ascend_are_no_list() -> None:
    with pytest.raises(ValueError, match="ascend"):
        ValueList((Value(1, 0), Value(1, 0)))
    with pytest.raises(ValueError, match="at least one"):
        ValueList((), turnover=0)


def test_both_ends_belong_to_a_part() -> None:
    values = ValueList.of([Value(at, at) for at in range(5)])
    assert [one.at for one in values.between(1, 3)] == [1, 2, 3]
    assert values.between(3, 1) == ()


def test_a_register_that_began_again_advances_by_the_rest_of_its_turn() -> None:
    former, later = Value(0, 999_998), Value(900, 3)
    assert ValueList((former, later), turnover=10**6).advance(former, later) == 5
    assert ValueList((former, later)).advance(former, later) == 3 - 999_998
    assert ValueList((former, later), turnover=10**6).backwards() == ()
    assert ValueList((former, later), turnover=10**6).begins_again() == (900,)
    assert ValueList((former, later)).backwards() == (900,)
    assert ValueList((former, later)).begins_again() == ()


def test_a_register_that_went_back_a_little_has_not_gone_round() -> None:
    former, later = Value(0, 500), Value(900, 499)
    assert ValueList((former, later), turnover=1000).advance(former, later) == -1
    assert ValueList((former, later), turnover=1000).backwards() == (900,)


def test_over_many_readings_every_turn_counts() -> None:
    values = ValueList.of([Value(at, at * 400 % 1000) for at in range(11)], turnover=1000)
    assert values.advance_between(values.values[0], values.values[-1]) == 4000
