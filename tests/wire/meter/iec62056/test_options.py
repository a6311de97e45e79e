"""The standard's times and what a reader does when nothing is said: it believes nothing unchecked."""

from wire.meter.iec62056.options import (
    BATTERY_PAUSE_SECONDS,
    BATTERY_WAKE_UP_SECONDS,
    GAP_SECONDS,
    REACTION_SECONDS,
    BlockCheckPolicy,
    ReaderOptions,
)


def test_times_of_the_standard() -> None:
    assert 1.5 <= REACTION_SECONDS <= 2.2
    assert GAP_SECONDS == 1.5
    assert 2.1 <= BATTERY_WAKE_UP_SECONDS <= 2.3
    assert 1.5 <= BATTERY_PAUSE_SECONDS <= 1.7


def test_a_block_check_is_required_unless_somebody_says_otherwise() -> None:
    options = ReaderOptions()
    assert options.block_check is BlockCheckPolicy.REQUIRE
    assert (options.sign_on_speed, options.fixed_speed, options.ignore_announced_speed) == (300, None, False)
    assert (options.repeats, options.requests) == (3, 3)
