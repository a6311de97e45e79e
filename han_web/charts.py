"""Charts as drawings that need no script: bars of a history, the gauge of the power, the bars of a comparison.

Decides the geometry: where each bar stands, which round number tops the scale, which parts are named below. All places
are percentages of the drawing, so that bars stretch with the page while letters keep their size; the look is the style
sheet's. What a chart shows stands in a table beside it too, because nobody can listen to a drawing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from han_web import figures
from smgw.han.shown import Amount, Resolution, Series

_ROUND: Final = (1, 2, 3, 4, 5, 6, 8, 10)
"""What the top of a scale may begin with: all of them are halved without a long fraction."""
_MOST_NAMES: Final = 6
"""Names below a chart that fit beside each other on a telephone."""
GAUGE_TOPS: Final = (1000, 2000, 5000, 10_000, 20_000, 50_000)
"""Watts at the end of the gauge: the dial changes by steps that a person notices, never with each value."""
GAUGE_LENGTH: Final = 100
"""Of the gauge's whole arc, in the units of its drawing."""
_CEILING, _FLOOR = Decimal(3), Decimal(88)
"""Where the top and the ground of the bars lie, in percent of the drawing; the names stand below."""
_GAP: Final = Decimal("0.18")
"""Of a bar's place that stays empty."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a history, in percent of the drawing."""

    x: str
    width: str
    y: str
    height: str
    doubtful: bool
    label: str
    """What it shows, in words."""
    place: str
    """Left edge of the whole place, for what is pointed at."""
    place_width: str


@dataclass(frozen=True, slots=True)
class Name:
    """A name below the bars."""

    x: str
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the scale with its number."""

    y: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that is drawn."""

    bars: tuple[Bar, ...]
    names: tuple[Name, ...]
    lines: tuple[Line, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not self.bars


def bar_chart(series: Series) -> Chart:
    """The bars of ``series``, each as wide as its part is long."""
    values = [value for value in series.energies if value is not None]
    if not values or len(series.bounds) < 2:
        return Chart((), (), ())
    top = _round_top(max(*values, 1))
    first, whole = series.bounds[0], series.bounds[-1] - series.bounds[0]
    bars = []
    for index, value in enumerate(series.energies):
        if value is None:
            continue
        begin, end = series.bounds[index], series.bounds[index + 1]
        left, width = Decimal(begin - first) * 100 / whole, Decimal(end - begin) * 100 / whole
        height = max(Decimal(0), Decimal(value) * (_FLOOR - _CEILING) / top)
        label = f"{part_name(series.resolution, begin, end)}: {figures.energy(amount(series, value))}"
        bars.append(
            Bar(
                x=_percent(left + width * _GAP / 2),
                width=_percent(width * (1 - _GAP)),
                y=_percent(_FLOOR - height),
                height=_percent(height),
                doubtful=series.doubtful[index],
                label=label,
                place=_percent(left),
                place_width=_percent(width),
            )
        )
    lines = (
        Line(_percent(_CEILING), figures.energy(Amount(top, series.scaler, series.unit))),
        Line(_percent((_CEILING + _FLOOR) / 2), _half(series, top)),
    )
    return Chart(tuple(bars), _names(series), lines)


def amount(series: Series, value: int | None) -> Amount | None:
    """``value`` with the unit of its series."""
    return None if value is None else Amount(value, series.scaler, series.unit)


def part_name(resolution: Resolution, begin: int, end: int) -> str:
    """How one part of a history is called where it stands alone."""
    names: dict[Resolution, Callable[[], str]] = {
        Resolution.QUARTER_HOUR: lambda: f"{figures.clock_time(begin)} {figures.NOTHING} {figures.clock_time(end)}",
        Resolution.DAY: lambda: figures.weekday(begin, year=False),
        Resolution.MONTH: lambda: figures.month(begin),
        Resolution.YEAR: lambda: str(figures.local(begin).year),
    }
    return names[resolution]()


def gauge_top(watts: int) -> int:
    """The end of the dial for a power."""
    return next((top for top in GAUGE_TOPS if abs(watts) <= top), GAUGE_TOPS[-1])


def gauge_part(watts: int, top: int) -> int:
    """How much of the arc is filled, of GAUGE_LENGTH."""
    return min(GAUGE_LENGTH, abs(watts) * GAUGE_LENGTH // top)


def comparison(now: Amount | None, before: Amount | None) -> tuple[str, str]:
    """The lengths of two bars that stand one above the other."""
    if now is None or before is None or now.scaler != before.scaler:
        return "0%", "0%"
    longest = max(now.value, before.value, 1)
    return _percent(Decimal(max(0, now.value)) * 100 / longest), _percent(Decimal(max(0, before.value)) * 100 / longest)


def _names(series: Series) -> tuple[Name, ...]:
    first, whole = series.bounds[0], series.bounds[-1] - series.bounds[0]
    if series.resolution is Resolution.QUARTER_HOUR and whole <= 26 * 3600:
        return _hours(series)
    parts = series.bounds[:-1]
    step = -(-len(parts) // _MOST_NAMES) if series.resolution is not Resolution.MONTH else max(1, len(parts) // 12)
    text: dict[Resolution, Callable[[int], str]] = {
        Resolution.QUARTER_HOUR: figures.clock_time,
        Resolution.DAY: lambda at: f"{figures.local(at).day}.",
        Resolution.MONTH: lambda at: figures.short_month(at)[:3],
        Resolution.YEAR: lambda at: str(figures.local(at).year),
    }
    return tuple(
        Name(
            _percent(Decimal((at + series.bounds[index * step + 1]) - 2 * first) * 50 / whole),
            text[series.resolution](at),
            "middle",
        )
        for index, at in enumerate(parts[::step])
    )


def _hours(series: Series) -> tuple[Name, ...]:
    """0, 6, 12, 18 and 24 o'clock where the wall clock shows them, on days of 23 and 25 hours too."""
    first, end = series.bounds[0], series.bounds[-1]
    begin = figures.local(first)
    found = []
    for hour in (0, 6, 12, 18):
        at = int(begin.replace(hour=hour, minute=0, second=0).timestamp())
        if first <= at < end:
            found.append(
                Name(_percent(Decimal(at - first) * 100 / (end - first)), f"{hour}:00", "middle" if hour else "start")
            )
    return (*found, Name("100%", "24:00", "end"))


def _round_top(highest: int) -> int:
    """The next round number that is not below ``highest``."""
    power = int("1" + "0" * (len(str(highest)) - 1))
    return next(first * power for first in _ROUND if first * power >= highest)


def _half(series: Series, top: int) -> str:
    return figures.energy(Amount(top * 5, series.scaler - 1, series.unit))


def _percent(value: Decimal) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return f"{text}%"


def sum_of(values: Sequence[int | None]) -> int | None:
    """The sum of what can be told, none where nothing can."""
    told = [value for value in values if value is not None]
    return sum(told) if told else None
