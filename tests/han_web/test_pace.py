"""Whoever asks without end is slowed down, and nobody else."""

from datetime import UTC, datetime, timedelta

from han_web.pace import CAPACITY, MAXIMUM_ACCOUNTS, PER_SECOND, Pace

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def drain(pace: Pace, account: str = "house") -> None:
    assert [pace.wait(account, NOW) for _ in range(CAPACITY)] == [0] * CAPACITY


def test_a_bucket_is_empty_and_fills_up_again() -> None:
    pace = Pace()
    drain(pace)
    assert pace.wait("house", NOW) == 1
    assert pace.wait("flat", NOW) == 0
    later = NOW + timedelta(seconds=1)
    assert [pace.wait("house", later) for _ in range(PER_SECOND + 1)] == [0] * PER_SECOND + [1]


def test_a_clock_that_was_set_back_gives_nothing() -> None:
    pace = Pace()
    drain(pace)
    assert pace.wait("house", NOW - timedelta(days=1)) == 1


def test_a_full_bucket_gets_no_fuller() -> None:
    pace = Pace()
    drain(pace)
    later = NOW + timedelta(days=1)
    assert [pace.wait("house", later) for _ in range(CAPACITY + 1)][-2:] == [0, 1]


def test_memory_is_bounded() -> None:
    pace = Pace()
    for number in range(MAXIMUM_ACCOUNTS + 10):
        pace.wait(str(number), NOW)
    assert len(pace.buckets) == MAXIMUM_ACCOUNTS
    assert "0" not in pace.buckets
