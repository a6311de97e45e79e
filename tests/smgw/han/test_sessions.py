"""Sessions end by time, by idleness, by their account and by themselves, and are bounded in number."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from smgw.han.port import LoginRefusedError, RefusedReason
from smgw.han.sessions import IDLE_SECONDS, MOST_OF_ONE, SECRET_SIZE, SESSION_SECONDS, Moment, Sessions

START = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def moment(seconds: float, wall: float | None = None) -> Moment:
    return Moment(START + timedelta(seconds=seconds if wall is None else wall), 1000 + seconds)


def sessions(*, most: int = 8, most_of_one: int = MOST_OF_ONE) -> Sessions:
    return Sessions(random.Random(1).randbytes, most=most, most_of_one=most_of_one)


def test_a_session_is_idle_for_ten_minutes_at_most() -> None:
    """PP-0073 FIA_UAU.6."""
    kept = sessions()
    secret = kept.open("house", 1, moment(0))
    assert kept.find(secret, moment(IDLE_SECONDS - 1)) is not None
    assert kept.find(secret, moment(2 * IDLE_SECONDS - 2)) is not None
    assert kept.find(secret, moment(3 * IDLE_SECONDS - 2)) is None
    assert len(kept) == 0


def test_what_a_page_asks_by_itself_keeps_no_session_alive() -> None:
    """PP-0073 FIA_UAU.6: nobody is there."""
    kept = sessions()
    secret = kept.open("house", 1, moment(0))
    assert kept.find(secret, moment(IDLE_SECONDS - 1), active=False) is not None
    assert kept.find(secret, moment(IDLE_SECONDS), active=False) is None


def test_a_session_lasts_48_hours_at_most() -> None:
    """PP-0073 FIA_UAU.6."""
    kept = sessions()
    secret = kept.open("house", 1, moment(0))
    for second in range(0, SESSION_SECONDS, IDLE_SECONDS // 2):
        assert kept.find(secret, moment(second)) is not None
    assert kept.find(secret, moment(SESSION_SECONDS)) is None


def test_no_clock_that_is_set_lengthens_a_session() -> None:
    kept = sessions()
    secret = kept.open("house", 1, moment(0))
    assert kept.find(secret, moment(IDLE_SECONDS, wall=-7200)) is None
    # A machine that slept: its monotonic clock stood still.
    secret = kept.open("house", 1, moment(0))
    assert kept.find(secret, moment(5, wall=-7200)) is not None
    assert kept.find(secret, moment(6, wall=IDLE_SECONDS)) is None


def test_a_secret_is_long_and_lies_nowhere() -> None:
    kept = sessions()
    secret = kept.open("house", 1, moment(0))
    assert len(bytes.fromhex(secret)) == SECRET_SIZE == 32
    memory = repr(vars(kept))
    assert secret not in memory
    assert repr(bytes.fromhex(secret)) not in memory
    for wrong in ("", secret[:-1], secret + "0", secret * 1000, "\ud800", secret.upper()):
        assert kept.find(wrong, moment(0)) is None


def test_a_session_knows_its_account_as_it_was() -> None:
    kept = sessions()
    secret = kept.open("house", 3, moment(0))
    found = kept.find(secret, moment(1))
    assert found is not None
    assert (found.account, found.version) == ("house", 3)


def test_logging_out_ends_one_session_and_another_password_all() -> None:
    kept = sessions()
    first, second, other = (kept.open(account, 1, moment(0)) for account in ("house", "house", "flat"))
    kept.close(first)
    kept.close("nothing")
    assert kept.find(first, moment(1)) is None
    assert kept.find(second, moment(1)) is not None
    kept.close_account("house")
    assert kept.find(second, moment(1)) is None
    assert kept.find(other, moment(1)) is not None


def test_the_oldest_session_of_the_same_account_gives_way() -> None:
    kept = sessions(most_of_one=2)
    first, second, third = (kept.open("house", 1, moment(number)) for number in range(3))
    assert kept.find(first, moment(4)) is None
    assert kept.find(second, moment(4)) is not None
    assert kept.find(third, moment(4)) is not None


def test_nobody_ends_the_session_of_somebody_else() -> None:
    kept = sessions(most=2)
    first, second = kept.open("house", 1, moment(0)), kept.open("flat", 1, moment(1))
    with pytest.raises(LoginRefusedError) as refusal:
        kept.open("attic", 1, moment(2))
    assert refusal.value.reason is RefusedReason.FULL
    third = kept.open("flat", 1, moment(2))
    assert kept.find(second, moment(3)) is None
    assert kept.find(third, moment(3)) is not None
    assert kept.find(first, moment(3)) is not None
    # What is over makes room.
    assert kept.open("attic", 1, moment(3 + IDLE_SECONDS))
    assert len(kept) == 1
