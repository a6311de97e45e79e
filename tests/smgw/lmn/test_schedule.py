from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from smgw.lmn.schedule import Schedule, next_multiple

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@given(st.integers(0, 4 * 10**9), st.integers(0, 999_999), st.sampled_from([1, 15, 60, 900, 86400]))
def test_the_next_multiple_is_after_and_near(second: int, microsecond: int, interval: int) -> None:
    now = datetime.fromtimestamp(second, UTC) + timedelta(microseconds=microsecond)
    due = next_multiple(now, interval)
    assert now < due <= now + timedelta(seconds=interval)
    assert due.timestamp() % interval == 0


def test_a_turn_that_is_skipped_says_nothing_about_its_meter() -> None:
    schedule = Schedule([("meter", 60)], NOON - SECOND)
    (turn,) = schedule.due(NOON)
    schedule.done(turn, NOON, answered=False)
    (turn,) = schedule.due(NOON + 60 * SECOND)
    schedule.skip(turn, NOON + 61 * SECOND)
    assert (turn.failures, turn.due_at) == (1, NOON + 120 * SECOND)


def test_each_meter_has_its_own_instants() -> None:
    schedule = Schedule([("fast", 60), ("slow", 900)], NOON - SECOND)
    assert schedule.due(NOON - SECOND) == []
    assert schedule.seconds_until_due(NOON - SECOND) == 1
    assert [turn.name for turn in schedule.due(NOON)] == ["fast", "slow"]
    for turn in schedule.due(NOON):
        schedule.done(turn, NOON + SECOND, answered=True)
    assert schedule.due(NOON + 59 * SECOND) == []
    assert [turn.name for turn in schedule.due(NOON + 60 * SECOND)] == ["fast"]


def test_a_meter_that_failed_waits_for_those_that_answer() -> None:
    schedule = Schedule([("silent", 60), ("good", 60)], NOON - SECOND)
    silent, good = schedule.due(NOON)
    assert silent.name == "silent"
    schedule.done(silent, NOON, answered=False)
    schedule.done(good, NOON, answered=True)
    assert [turn.name for turn in schedule.due(NOON + 60 * SECOND)] == ["good", "silent"]


def test_instants_that_passed_are_left_out() -> None:
    schedule = Schedule([("slow-line", 60)], NOON - SECOND)
    (turn,) = schedule.due(NOON)
    schedule.done(turn, NOON + 190 * SECOND, answered=True)
    assert turn.due_at == NOON + 240 * SECOND


def test_a_clock_that_is_set_back_does_not_silence_a_meter() -> None:
    schedule = Schedule([("meter", 60)], NOON)
    back = NOON - timedelta(hours=5)
    assert schedule.seconds_until_due(back) == 60


def test_a_line_without_meters_is_never_due() -> None:
    assert Schedule([], NOON).seconds_until_due(NOON) is None
    assert Schedule([], NOON).due(NOON) == []
