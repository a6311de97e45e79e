import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.han.hers import HerMeter, raw
from smgw.han.history import AT_BOUNDS, RANGE, Advances, advances
from smgw.han.parts import bounds_of, part_of
from smgw.han.shown import Resolution, Series
from smgw.metering.tariffs.calendar import midnight
from smgw.store.rows import from_seconds
from tests.smgw.han.cellar import QUARTER, START, Cellar
from tests.smgw.han.house import EXPORT, FIRST, FLAT, IMPORT, NOW, SECOND, House
from tests.smgw.han.house_profiles import MOVED
from tests.smgw.han.house_readings import BAD, CRITICAL, GAP, shown
from wire.obis import Obis
from wire.reading import DeviceId

END = int(NOW.timestamp())


def series(
    house: House,
    resolution: Resolution,
    begin: int,
    end: int,
    *,
    who: str = "house",
    meter: DeviceId | None = FIRST,
    register: Obis = IMPORT,
) -> Series:
    text = "" if meter is None else meter.text
    return house.view(who).series(text, str(register), resolution, from_seconds(begin), from_seconds(end))


def expected(meter: DeviceId, register: Obis, scaler: int, bounds: Sequence[int]) -> list[int]:
    return [
        shown(meter, register, scaler, end) - shown(meter, register, scaler, begin) for begin, end in pairwise(bounds)
    ]


@pytest.mark.parametrize("register", [IMPORT, EXPORT])
def test_a_part_is_what_the_register_advanced(house: House, register: Obis) -> None:
    """TR-03109-1, consumer: also where the reading came three seconds late, on the day of 100 quarter-hours."""
    begin, end = part_of(Resolution.DAY, midnight(date(2026, 10, 25)))
    told = series(house, Resolution.QUARTER_HOUR, begin, end, register=register)
    assert len(told.energies) == 100
    assert list(told.energies) == expected(FIRST, register, -1, told.bounds)
    assert not any(told.doubtful)
    assert not any(told.partial)
    assert (told.unit, told.scaler) == (30, -1)


@pytest.mark.parametrize("resolution", [Resolution.DAY, Resolution.MONTH, Resolution.YEAR])
def test_the_part_that_runs_is_told_up_to_its_last_reading(house: House, resolution: Resolution) -> None:
    begin, _ = part_of(resolution, END)
    told = series(house, resolution, begin - 40 * 86400, END)
    last = END - END % QUARTER
    assert told.energies[-1] == shown(FIRST, IMPORT, -1, last) - shown(FIRST, IMPORT, -1, begin)
    assert told.partial[-1]
    assert list(told.energies[:-1]) == expected(FIRST, IMPORT, -1, told.bounds[:-1])


def test_two_meters_are_summed_at_the_finer_scaler(house: House) -> None:
    day = midnight(date(2026, 10, 20))
    told = series(house, Resolution.DAY, day, day + 86400, meter=None)
    first, second = expected(FIRST, IMPORT, -1, told.bounds), expected(SECOND, IMPORT, 0, told.bounds)
    assert list(told.energies) == [first[0] + second[0] * 10]


def test_a_gap_and_a_bad_reading_are_told_as_such(house: House) -> None:
    """Nothing is guessed: a part with a bound that nobody read is none, also in the sum of both meters."""
    for meter in (FIRST, None):
        told = series(house, Resolution.QUARTER_HOUR, GAP[0] - QUARTER, GAP[-1] + QUARTER, meter=meter)
        assert [energy is None for energy in told.energies] == [*[True] * 13, False]
    at = next(second for second, status in BAD.items() if status == CRITICAL)
    told = series(house, Resolution.QUARTER_HOUR, at - 2 * QUARTER, at + 2 * QUARTER)
    assert told.doubtful == (False, True, True, False)


def test_who_moved_out_and_who_moved_in_see_nothing_of_one_another(house: House) -> None:
    """FDP_ACF.1: the meter is the same, and its readings go on."""
    moved = int(MOVED.timestamp())
    for resolution in (Resolution.QUARTER_HOUR, Resolution.DAY, Resolution.MONTH):
        bounds = (moved - 60 * 86400, moved + 60 * 86400)
        hers = series(house, resolution, *bounds, meter=SECOND)
        former = series(house, resolution, *bounds, who="attic", meter=SECOND)
        assert hers.bounds == former.bounds
        for begin, mine, theirs in zip(hers.bounds, hers.energies, former.energies, strict=False):
            assert begin >= moved or mine is None
            assert begin < moved or theirs is None
            assert mine is None or theirs is None
    # The reading at the very bound is the first one of the next.
    last = series(house, Resolution.DAY, moved - 47 * 3600, moved, who="attic", meter=SECOND)
    assert [energy is None for energy in last.energies] == [False, True]


@pytest.fixture
def cellar(tmp_path: Path) -> Iterator[Cellar]:
    one = Cellar(tmp_path)
    with closing(one.database):
        yield one


def told_of(cellar: Cellar, *meters: HerMeter, parts: int = 4, step: int = QUARTER) -> Advances:
    with cellar.database.read() as connection:
        return advances(connection, meters, IMPORT, [START + place * step for place in range(parts + 1)])


def test_a_reading_is_late_by_little_or_stands_for_nothing(cellar: Cellar) -> None:
    cellar.read((0, 100), (909, 110), (1810, 125), (2700, 130), (3600, 150))
    assert told_of(cellar, cellar.meter()).energies == (10, None, None, 20)
    # By looks for each bound as by one walk.
    assert told_of(cellar, cellar.meter(), parts=2, step=2700).energies == (30, 20)


def test_what_is_registered_every_minute_comes_to_the_same(cellar: Cellar) -> None:
    cellar.read(*((at, at) for at in range(0, 3601, 60) if at != 1800), (1803, 1803), (1805, 1805))
    assert told_of(cellar, cellar.meter(store=60)).energies == (900, 903, 897, 900)
    assert told_of(cellar, cellar.meter(store=300)).energies == (900, 903, 897, 900)


def test_a_register_that_began_again_advanced_over_its_end(cellar: Cellar) -> None:
    cellar.read((0, 999_990), (900, 5), (1800, 20), (2700, 10), (3600, 30))
    assert told_of(cellar, cellar.meter()).energies == (15, 15, None, 20), "what ran backwards cannot be told"


def test_a_meter_that_was_exchanged_contributes_each_its_time(cellar: Cellar) -> None:
    change = START + 2 * QUARTER + 300
    former, later = replace_until(cellar.meter(FIRST), change), cellar.meter(SECOND, begin=change)
    cellar.read((0, 10), (900, 20), (1800, 30), (2099, 34))
    cellar.read((2100, 0), (2700, 7), (3600, 17), device=SECOND, scaler=1)
    told = told_of(cellar, former, later)
    assert told.energies == (10, 10, 4 + 70, 100)
    assert told.partial == (False, False, True, False)


def replace_until(meter: HerMeter, until: int) -> HerMeter:
    measured = meter.measured
    return HerMeter(replace(measured, until=until, span=replace(measured.span, until=until)))


def test_where_one_meter_is_silent_there_is_no_sum(cellar: Cellar) -> None:
    cellar.read((0, 10), (900, 20), (1800, 30))
    cellar.read((0, 10), (900, 20), (1800, 30), (2700, 40), (3600, 50), device=FLAT)
    assert told_of(cellar, cellar.meter(FIRST), cellar.meter(FLAT)).energies == (20, 20, None, None)
    assert told_of(cellar, cellar.meter(SECOND)).energies == (None,) * 4, "it was never read"


def test_a_scaler_that_changed_is_no_jump(cellar: Cellar) -> None:
    cellar.read((0, 10), (900, 20))
    cellar.read((1800, 300), (2700, 305), scaler=-1)
    told = told_of(cellar, cellar.meter(), parts=3)
    assert (told.scaler, told.energies) == (-1, (100, 100, 5))


@settings(max_examples=25)
@given(st.data())
def test_quarter_hours_add_up_to_their_day(house: House, data: st.DataObject) -> None:
    """Wherever every one of them can be told."""
    day = data.draw(st.integers(midnight(date(2026, 10, 19)), midnight(date(2026, 10, 28))))
    meter, register = data.draw(st.sampled_from([(FIRST, IMPORT), (FIRST, EXPORT), (SECOND, IMPORT), (None, IMPORT)]))
    whole = series(house, Resolution.DAY, day, day + 1, meter=meter, register=register)
    parts = series(house, Resolution.QUARTER_HOUR, *whole.bounds, meter=meter, register=register)
    assert parts.bounds == bounds_of(Resolution.QUARTER_HOUR, *whole.bounds)
    if None not in parts.energies:
        assert sum(energy or 0 for energy in parts.energies) == whole.energies[0]


def test_every_query_follows_the_index(house: House) -> None:
    """The cost of a look does not grow with what is stored."""
    device, code = FIRST.text, IMPORT.to_bytes()
    for statement, parameters in ((RANGE, (device, code, 0, END)), (AT_BOUNDS, ("[1]", device, code, 0, 9, END))):
        with house.database.read() as connection:
            plan = raw(connection).execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        steps = [row[3] for row in plan]
        assert any("USING INDEX sqlite_autoindex_readings_1" in step or "USING COVERING" in step for step in steps)
        assert not any(re.search("SCAN readings|TEMP B-TREE", step) for step in steps), steps
