"""Wrong attempts lock, longer and longer, and are forgotten; for any name."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.han.lock_out import (
    FIRST_SECONDS,
    FORGOTTEN_SECONDS,
    FREE_ATTEMPTS,
    LONGEST_SECONDS,
    LockOuts,
    Wrong,
)


def test_the_fifth_wrong_attempt_locks_and_each_further_one_for_twice_as_long() -> None:
    """PP-0073 FIA_AFL.1."""
    locks = LockOuts()
    now, locked = 0.0, list[float]()
    for _ in range(FREE_ATTEMPTS + 8):
        locks.wrong("house", now)
        remaining = locks.remaining("house", now)
        locked.append(remaining)
        now += remaining
        assert locks.remaining("house", now) == 0
    assert locked == [0, 0, 0, 0, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert (FIRST_SECONDS, LONGEST_SECONDS) == (60, 3600)


def test_a_lock_ends_when_it_is_said() -> None:
    locks = LockOuts()
    for _ in range(FREE_ATTEMPTS):
        locks.wrong("house", 10)
    assert locks.remaining("house", 10.5) == FIRST_SECONDS - 0.5
    assert locks.remaining("house", 10 + FIRST_SECONDS) == 0
    assert locks.remaining("flat", 10) == 0
    assert "house" in locks
    assert "flat" not in locks


def test_a_right_attempt_or_a_day_forgets() -> None:
    locks = LockOuts()
    for _ in range(FREE_ATTEMPTS):
        locks.wrong("house", 0)
    locks.forget("house")
    assert locks.wrong("house", 1) == Wrong(1, 1)
    for _ in range(FREE_ATTEMPTS - 1):
        locks.wrong("house", 2)
    assert locks.wrong("house", 1 + FORGOTTEN_SECONDS).attempts == FREE_ATTEMPTS + 1
    assert locks.wrong("house", 1 + 2 * FORGOTTEN_SECONDS).attempts == 1
    assert locks.remaining("house", 1 + 2 * FORGOTTEN_SECONDS) == 0


@given(st.lists(st.floats(0, 2 * LONGEST_SECONDS), max_size=40))
def test_nobody_is_locked_for_more_than_an_hour(pauses: list[float]) -> None:
    locks = LockOuts()
    now, before = 0.0, 0
    for pause in pauses:
        now += pause
        if locks.remaining("house", now):
            continue
        attempts = locks.wrong("house", now).attempts
        assert attempts == before + 1
        before = attempts
        assert 0 <= locks.remaining("house", now) <= LONGEST_SECONDS


def test_however_many_attempts_the_lock_has_a_length() -> None:
    lengths = [Wrong(attempts, 0).locked_seconds for attempts in range(1, 200)]
    assert all(one <= other for one, other in pairwise(lengths))
    assert Wrong(10**9, 0).locked_seconds == LONGEST_SECONDS


@pytest.mark.parametrize(
    ("age", "remaining"),
    [(0, 60), (10, 50), (60, 0), (10**9, 0), (-10, 60), (-(10**9), 60)],
)
def test_a_clock_that_was_set_back_locks_for_as_long_as_ever_and_no_longer(age: int, remaining: int) -> None:
    """PP-0073 FIA_AFL.1: what an earlier run kept holds after a restart; no clock locks her out for days."""
    assert Wrong.of_record(FREE_ATTEMPTS, age, 500).remaining(500) == remaining


def test_names_that_nobody_has_are_remembered_as_far_as_there_is_room() -> None:
    locks = LockOuts(capacity=3)
    for _ in range(FREE_ATTEMPTS):
        locks.wrong("locked", 0)
    for number in range(100):
        locks.wrong(f"name-{number}", 1)
    assert len(locks) == 4
    assert locks.remaining("locked", 1) > 0
    assert "name-99" in locks
    assert "name-1" not in locks
    for number in range(3):
        for _ in range(FREE_ATTEMPTS):
            locks.wrong(f"other-{number}", 2)
    assert locks.remaining("locked", 2) == 0
