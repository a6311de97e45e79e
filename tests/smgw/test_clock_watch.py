from datetime import timedelta

import pytest

from smgw.clock_watch import LOOK_SECONDS, TOLERANCE, ClockWatch, describe
from testbed.small_pki import NOW

SECOND = timedelta(seconds=1)


class Clocks:
    """A clock that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.seconds = 5.0
        self.shift = timedelta()
        self.watch = ClockWatch(lambda: NOW + timedelta(seconds=self.seconds) + self.shift, lambda: self.seconds)

    def after(self, shift: timedelta) -> timedelta | None:
        self.seconds += LOOK_SECONDS
        self.shift += shift
        return self.watch.jump()


@pytest.mark.parametrize("jump", [timedelta(days=365), TOLERANCE + SECOND, -TOLERANCE - SECOND, -timedelta(days=365)])
def test_a_jump_is_told_once(jump: timedelta) -> None:
    """FPT_STM.1: a clock that somebody set is noticed."""
    clocks = Clocks()
    assert clocks.after(timedelta()) is None
    assert clocks.after(jump) == jump
    assert clocks.after(timedelta()) is None


def test_a_clock_that_is_being_slewed_does_not_jump() -> None:
    clocks = Clocks()
    assert [clocks.after(timedelta(milliseconds=30)) for _ in range(200)] == [None] * 200


def test_jumps_cannot_fill_the_log() -> None:
    told = {tuple(describe(timedelta(seconds=seconds)).items()) for seconds in range(4, 100_000, 7)}
    assert len(told) == 5
    assert describe(timedelta(hours=-2)) == {"direction": "back", "at_least_seconds": 1000}
