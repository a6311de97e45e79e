import random

from smgw.wan.wakeup_budget import (
    RESERVED_PER_SECOND,
    RESERVED_WAITING,
    SERVED_REMEMBERED,
    SHARED_PER_SECOND,
    SHARED_WAITING,
    Budget,
)


def source(number: int) -> bytes:
    return number.to_bytes(4, "big")


def drain(budget: Budget, now: float) -> list[bytes]:
    taken = []
    while (datagram := budget.next(now)) is not None:
        taken.append(datagram)
    return taken


def test_nothing_waits_at_first() -> None:
    budget = Budget(0)
    assert budget.next(0) is None
    assert budget.seconds_until_next(0) is None


def test_a_single_one_has_its_turn_at_once_in_either_lane() -> None:
    budget = Budget(100)
    for reserved in (False, True):
        assert budget.offer(source(1), b"one", reserved=reserved)
        assert budget.seconds_until_next(100) == 0
        assert budget.next(100) == b"one"


def test_no_more_than_the_pace_is_checked_however_many_come() -> None:
    budget, generator, checked = Budget(0), random.Random(1), []
    for step in range(10_000):  # ten seconds of 1000 a second, half of them from the administrator's address
        now = step / 1000
        reserved = step % 2 == 0
        budget.offer(source(generator.getrandbits(32)), bytes([reserved]) + step.to_bytes(4, "big"), reserved=reserved)
        if (datagram := budget.next(now)) is not None:
            checked.append(datagram)
    from_administrator = sum(datagram[0] for datagram in checked)
    # One burst after quiet, then the pace; and no less than the pace either.
    assert 10 * RESERVED_PER_SECOND - 1 <= from_administrator <= 11 * RESERVED_PER_SECOND
    assert 10 * SHARED_PER_SECOND - 1 <= len(checked) - from_administrator <= 11 * SHARED_PER_SECOND


def test_the_wait_tells_when_the_next_turn_comes() -> None:
    budget = Budget(0)
    for number in range(SHARED_PER_SECOND + 1):
        budget.offer(source(number), source(number), reserved=False)
    assert len(drain(budget, 0)) == SHARED_PER_SECOND
    wait = budget.seconds_until_next(0)
    assert wait is not None
    assert 0 < wait <= 1 / SHARED_PER_SECOND
    assert budget.next(wait / 2) is None
    assert budget.next(wait) is not None


def test_a_flood_of_others_takes_nothing_from_the_reserved_lane() -> None:
    budget = Budget(0)
    for number in range(1000):
        budget.offer(source(number), b"flood", reserved=False)
    drain(budget, 0)
    assert budget.offer(source(0), b"genuine", reserved=True)
    assert budget.next(0) == b"genuine"


def test_a_source_that_floods_stands_behind_one_that_does_not() -> None:
    budget = Budget(0)
    for moment in range(200):  # every place is taken by sources that had turns before and come again
        for number in range(1, SHARED_WAITING + 1):
            budget.offer(source(number), b"flood", reserved=False)
        drain(budget, moment / 10)
    for number in range(1, SHARED_WAITING + 1):
        budget.offer(source(number), b"flood", reserved=False)
    assert not budget.offer(source(9999), b"genuine", reserved=False), "somebody had to make room"
    assert budget.next(1000) == b"genuine"


def test_a_full_lane_leaves_out_who_has_no_better_claim() -> None:
    budget = Budget(0)
    assert all(budget.offer(source(number), source(number), reserved=False) for number in range(SHARED_WAITING))
    assert not budget.offer(source(9999), b"late", reserved=False)
    now, turns = 0.0, []
    while (wait := budget.seconds_until_next(now)) is not None:
        now += wait
        turns += drain(budget, now)
    assert turns == [source(number) for number in range(SHARED_WAITING)]


def test_each_source_has_one_place() -> None:
    budget = Budget(0)
    assert budget.offer(source(1), b"first", reserved=False)
    assert not budget.offer(source(1), b"second", reserved=False)
    assert drain(budget, 0) == [b"first"]


def test_copies_do_not_fill_the_reserved_lane() -> None:
    budget = Budget(0)
    assert [budget.offer(source(1), b"same", reserved=True) for _ in range(3)] == [True, False, False]
    others = [budget.offer(source(1), bytes([number]), reserved=True) for number in range(RESERVED_WAITING)]
    assert others == [True] * (RESERVED_WAITING - 1) + [False]


def test_a_clock_that_stands_still_or_goes_back_refills_nothing() -> None:
    budget = Budget(100)
    for number in range(SHARED_WAITING):
        budget.offer(source(number), b"", reserved=False)
    assert len(drain(budget, 100)) == SHARED_PER_SECOND
    assert drain(budget, 50) == []


def test_who_had_turns_is_remembered_within_a_bound() -> None:
    budget = Budget(0)
    for number in range(SERVED_REMEMBERED + 50):
        budget.offer(source(number), b"", reserved=False)
        assert budget.next(float(number)) is not None
    assert len(budget._served) == SERVED_REMEMBERED
