"""Lines that others cause do not fill the log, and come back."""

from han_web.allowance import LINES_A_MINUTE, Allowance

AT = 1_768_478_400.0


def test_lines_come_back_minute_by_minute() -> None:
    allowance = Allowance()
    assert [allowance.take(AT) for _ in range(LINES_A_MINUTE + 2)] == [0] * LINES_A_MINUTE + [None, None]
    assert allowance.take(AT + 60.0) == 2
    assert allowance.take(AT + 60.0) == 0
    assert allowance.take(AT - 86400.0) == 0, "a clock that was set back silences nobody"
