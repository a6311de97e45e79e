"""The two tables: every pair of states is either a way or a refusal that names the ways there are."""

import itertools

import pytest

from admin.life_cycle import (
    GATEWAY_TRANSITIONS,
    OPEN,
    ORDER_TRANSITIONS,
    REACHABLE,
    LifeCycle,
    OrderState,
    refusal,
)


@pytest.mark.parametrize(("present", "wanted"), list(itertools.product(LifeCycle, LifeCycle)))
def test_a_gateway_goes_only_along_its_table(present: LifeCycle, wanted: LifeCycle) -> None:
    why = refusal("EABC0012345678", present, wanted, GATEWAY_TRANSITIONS)
    assert (why is None) == (wanted in GATEWAY_TRANSITIONS[present])
    if why is not None:
        assert all(state in why for state in GATEWAY_TRANSITIONS[present])


def test_nothing_leads_out_of_an_end() -> None:
    assert GATEWAY_TRANSITIONS[LifeCycle.RETIRED] == frozenset()
    assert ORDER_TRANSITIONS[OrderState.CONFIRMED] == ORDER_TRANSITIONS[OrderState.FAILED] == frozenset()
    why = refusal("order 3", OrderState.FAILED, OrderState.QUEUED, ORDER_TRANSITIONS)
    assert why == "order 3 is failed, which cannot become queued; possible: nothing: that is where it ends"


def test_every_state_has_its_row() -> None:
    assert set(GATEWAY_TRANSITIONS) == set(LifeCycle)
    assert set(ORDER_TRANSITIONS) == set(OrderState)


def test_a_reply_is_only_to_what_was_delivered() -> None:
    before = {state for state, after in ORDER_TRANSITIONS.items() if OrderState.CONFIRMED in after}
    assert before == {OrderState.DELIVERED}


def test_open_orders_are_those_that_can_still_go_somewhere() -> None:
    assert {state for state in OrderState if ORDER_TRANSITIONS[state]} == OPEN


def test_neither_a_locked_nor_a_retired_gateway_is_reached() -> None:
    assert set(LifeCycle) - REACHABLE == {LifeCycle.LOCKED, LifeCycle.RETIRED}


def test_every_gateway_can_be_retired_in_the_end() -> None:
    for state in LifeCycle:
        seen, left = {state}, [state]
        while left:
            left += (new := GATEWAY_TRANSITIONS[left.pop()] - seen)
            seen |= new
        assert LifeCycle.RETIRED in seen
