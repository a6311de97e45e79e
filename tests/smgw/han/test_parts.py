from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.han.parts import LATEST, MAXIMUM_PARTS, before, bounds_of, part_of
from smgw.han.port import HanError, HanReason
from smgw.han.shown import Resolution
from smgw.metering.tariffs.calendar import midnight

INSTANTS = st.integers(0, LATEST - 1)


@pytest.mark.parametrize(("day", "count"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100), (date(2026, 5, 1), 96)])
def test_the_two_odd_days_have_the_quarter_hours_that_they_have(day: date, count: int) -> None:
    begin = midnight(day)
    _, end = part_of(Resolution.DAY, begin)
    assert len(bounds_of(Resolution.QUARTER_HOUR, begin, end)) - 1 == count
    assert bounds_of(Resolution.DAY, begin, end) == (begin, end)


@pytest.mark.parametrize(("resolution", "count"), [(Resolution.DAY, 366), (Resolution.MONTH, 12), (Resolution.YEAR, 1)])
def test_a_year_begins_on_the_first_of_january_in_legal_time(resolution: Resolution, count: int) -> None:
    begin = datetime(2023, 12, 31, 23, tzinfo=UTC)
    bounds = bounds_of(resolution, int(begin.timestamp()), midnight(date(2025, 1, 1)))
    assert (bounds[0], bounds[-1], len(bounds) - 1) == (midnight(date(2024, 1, 1)), midnight(date(2025, 1, 1)), count)


@given(st.sampled_from(Resolution), INSTANTS, st.integers(1, 10**7))
def test_parts_meet_and_hold_what_was_asked_for(resolution: Resolution, begin: int, length: int) -> None:
    end = min(LATEST, begin + length)
    bounds = bounds_of(resolution, begin, end)
    assert bounds[0] <= begin < bounds[1]
    assert bounds[-2] < end <= bounds[-1]
    assert all(part_of(resolution, one) == (one, other) for one, other in pairwise(bounds))


@given(st.sampled_from(Resolution), INSTANTS)
def test_the_part_before_ends_where_the_next_begins(resolution: Resolution, at: int) -> None:
    begin, _ = part_of(resolution, at + 366 * 86400)
    assert part_of(resolution, before(resolution, begin))[1] == begin


@pytest.mark.parametrize(("begin", "end"), [(10, 10), (20, 10), (-1, 10), (10, LATEST + 1)])
def test_a_time_that_is_none_is_a_bad_question(begin: int, end: int) -> None:
    with pytest.raises(HanError) as caught:
        bounds_of(Resolution.DAY, begin, end)
    assert caught.value.reason is HanReason.BAD_QUESTION


def test_more_than_one_answer_holds_is_refused_before_it_is_made() -> None:
    with pytest.raises(HanError) as caught:
        bounds_of(Resolution.QUARTER_HOUR, 0, LATEST)
    assert caught.value.reason is HanReason.TOO_MUCH
    assert len(bounds_of(Resolution.QUARTER_HOUR, 0, 366 * 86400)) <= MAXIMUM_PARTS
