"""What is drawn lies where it should, and inside the drawing."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from han_web import charts
from han_web.charts import bar_chart, comparison, gauge_part, gauge_top
from han_web.figures import midnight
from smgw.han.shown import WATT_HOUR, Amount, Resolution, Series


@pytest.fixture(autouse=True, scope="module")
def spoken() -> Iterator[None]:
    with Flask("empty").test_request_context(headers={"Accept-Language": "de"}):
        yield


def day_of(day: date, energies: tuple[int | None, ...]) -> Series:
    begin, end = (int(midnight(one).timestamp()) for one in (day, day + timedelta(days=1)))
    bounds = tuple(range(begin, end + 1, 900))
    padded = energies + (None,) * (len(bounds) - 1 - len(energies))
    doubtful = (False,) * len(padded)
    return Series("", "1-0:1.8.0*255", Resolution.QUARTER_HOUR, WATT_HOUR, 0, bounds, padded, doubtful)


def percent(text: str) -> Decimal:
    assert text.endswith("%")
    return Decimal(text[:-1])


@given(st.lists(st.none() | st.integers(0, 10**12), min_size=1, max_size=92))
def test_every_bar_stands_on_the_ground_and_inside(energies: list[int | None]) -> None:
    chart = bar_chart(day_of(date(2026, 3, 29), tuple(energies)))
    told = [one for one in energies if one is not None]
    assert len(chart.bars) == len(told)
    for bar in chart.bars:
        assert percent(bar.x) >= percent(bar.place)
        assert percent(bar.x) + percent(bar.width) <= Decimal("100.01")
        assert percent(bar.y) >= charts._CEILING - Decimal("0.01")
        assert abs(percent(bar.y) + percent(bar.height) - charts._FLOOR) <= Decimal("0.01")
    if told:
        highest = max(chart.bars, key=lambda bar: percent(bar.height))
        assert percent(highest.height) == max(percent(bar.height) for bar in chart.bars)


def test_what_cannot_be_told_is_no_bar() -> None:
    assert bar_chart(day_of(date(2026, 11, 21), (None, None))).empty
    assert len(bar_chart(day_of(date(2026, 11, 21), (5, None, 0))).bars) == 2


@pytest.mark.parametrize(
    ("day", "six"), [(date(2026, 11, 21), "25%"), (date(2026, 3, 29), "21.739%"), (date(2026, 10, 25), "28%")]
)
def test_six_in_the_morning_lies_where_the_wall_clock_has_it(day: date, six: str) -> None:
    """On the two odd days five and seven hours have passed by then."""
    names = {name.text: name.x for name in bar_chart(day_of(day, (1,))).names}
    assert names["6:00"] == six
    assert list(names) == ["0:00", "6:00", "12:00", "18:00", "24:00"]


@pytest.mark.parametrize(("highest", "top"), [(1, 1), (9, 10), (11, 20), (61, 80), (4321, 5000), (10_000, 10_000)])
def test_the_scale_ends_with_a_round_number(highest: int, top: int) -> None:
    assert charts._round_top(highest) == top


@pytest.mark.parametrize(
    ("watts", "top", "part"), [(0, 1000, 0), (1000, 1000, 100), (1001, 2000, 50), (90_000, 50_000, 100)]
)
def test_the_dial(watts: int, top: int, part: int) -> None:
    assert gauge_top(watts) == top
    assert gauge_part(watts, top) == part


def test_the_longer_of_two_bars_is_whole() -> None:
    one, two = Amount(50, 0, WATT_HOUR), Amount(200, 0, WATT_HOUR)
    assert comparison(one, two) == ("25%", "100%")
    assert comparison(two, one) == ("100%", "25%")
    assert comparison(one, None) == ("0%", "0%")
    assert comparison(Amount(0, 0, WATT_HOUR), Amount(0, 0, WATT_HOUR)) == ("0%", "0%")


def test_a_sum_of_nothing_is_nothing() -> None:
    assert charts.sum_of((None, None)) is None
    assert charts.sum_of((None, 0)) == 0
