"""A quarter-hourly value list, of which a tariff test states only its deviation, and lists with every fault."""

from itertools import pairwise

from hypothesis import strategies as st

from smgw.metering.tariffs.values import Value, ValueList
from wire.obis import Obis
from wire.profiles import TariffStage, derived_register

BEGIN = 1_780_272_000
"""2026-06-01T00:00:00Z."""
RASTER = 900
REGISTER = Obis.parse("1-0:1.8.0*255")


def stages(*numbers: int) -> tuple[TariffStage, ...]:
    return tuple(TariffStage(number, derived_register(REGISTER, number)) for number in numbers)


def quarter_hours(*advances: int | None, start: int = 1000) -> ValueList:
    """The readings around these advances; None leaves the reading at its end out."""
    values, shown = [Value(BEGIN, start)], start
    for number, advance in enumerate(advances, 1):
        shown += advance or 0
        if advance is not None:
            values.append(Value(BEGIN + number * RASTER, shown))
    return ValueList.of(values)


def end(values: ValueList) -> int:
    return values.values[-1].at


@st.composite
def lists(draw: st.DrawFn) -> ValueList:
    """Late, doubled, missing and unusable readings, an overflow, and a register that seldom runs backwards."""
    turnover = draw(st.sampled_from((None, 10_000)))
    shown = draw(st.integers(0, 9_999))
    values = []
    for number in range(draw(st.integers(2, 24))):
        shown += draw(st.integers(0, 300)) - (0 if draw(st.integers(0, 9)) else 40)
        late = draw(st.sampled_from((0, 0, 0, 0, 7, 400)))
        reading = Value(
            BEGIN + number * RASTER + late,
            shown if turnover is None else shown % turnover,
            usable=bool(draw(st.integers(0, 7))),
        )
        values += [reading] * draw(st.sampled_from((0, 1, 1, 1, 1, 2)))
    return ValueList.of(draw(st.permutations(values)), turnover=turnover)


def advance_of(values: ValueList) -> int | None:
    """What the meter advanced between its first and its last usable reading, step by step; None without two."""
    usable = [value for value in values.values if value.usable]
    steps = [values.advance(former, later) for former, later in pairwise(usable)]
    return sum(steps) if steps else None
