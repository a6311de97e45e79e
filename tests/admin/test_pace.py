import pytest

from admin import pace
from admin.pace import HOUR, Pace


class Line:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_so_many_in_an_hour_and_then_again() -> None:
    line = Line()
    one = Pace(3, line.monotonic)
    assert [one.take("a") for _ in range(5)] == [True, True, True, False, False]
    line.now = HOUR - 1
    assert not one.take("a")
    line.now = HOUR
    assert [one.take("a") for _ in range(4)] == [True, True, True, False]


def test_each_gateway_by_itself() -> None:
    one = Pace(1, Line().monotonic)
    assert [one.take(name) for name in "abab"] == [True, True, False, False]


def test_no_more_names_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MAXIMUM_NAMES", 2)
    one = Pace(1, Line().monotonic)
    assert [one.take(name) for name in "abc"] == [True, True, True]
    assert len(one._periods) == 1


def test_in_a_period_of_its_own() -> None:
    line = Line()
    one = Pace(1, line.monotonic, seconds=2.0)
    assert [one.take("a") for _ in range(2)] == [True, False]
    line.now = 2.0
    assert one.take("a")
