"""Gaps are exactly what is missing; a repetition is the same content, and anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacenter.errors import RefusalReason, RefusedError
from datacenter.sequence import Gap, infer_raster, missing_numbers, missing_points, require_repetition


def test_repetition() -> None:
    require_repetition(b"a" * 32, b"a" * 32)
    with pytest.raises(RefusedError) as caught:
        require_repetition(b"a" * 32, b"b" * 32)
    assert caught.value.reason is RefusalReason.CONFLICTING_DELIVERY


def test_missing_numbers() -> None:
    assert list(missing_numbers([])) == []
    assert list(missing_numbers([1, 2, 3])) == []
    assert list(missing_numbers([3, 4, 7])) == [Gap(1, 2, 2), Gap(5, 6, 2)]
    assert list(missing_numbers([2**63 - 1])) == [Gap(1, 2**63 - 2, 2**63 - 2)]


@given(st.sets(st.integers(1, 300), min_size=1))
def test_seen_and_missing_are_everything(seen: set[int]) -> None:
    missing = {number for gap in missing_numbers(sorted(seen)) for number in range(gap.first, gap.last + 1)}
    assert missing == set(range(1, max(seen) + 1)) - seen
    assert sum(gap.count for gap in missing_numbers(sorted(seen))) == len(missing)


def test_missing_points() -> None:
    assert list(missing_points([], 900)) == []
    assert list(missing_points([900, 1803, 2700], 900)) == []
    assert list(missing_points([900, 903, 1800], 900)) == []
    assert list(missing_points([900, 4501], 900)) == [Gap(1800, 3600, 3)]


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(1, 3600), st.data())
def test_points_with_readings_a_little_late(points: set[int], raster: int, data: st.DataObject) -> None:
    late = data.draw(st.integers(0, raster - 1))
    gaps = list(missing_points([point * raster + late for point in sorted(points)], raster))
    missing = {second for gap in gaps for second in range(gap.first, gap.last + 1, raster)}
    assert missing == {point * raster for point in set(range(min(points), max(points))) - points}
    assert sum(gap.count for gap in gaps) == len(missing)


def test_inferred_raster() -> None:
    assert infer_raster([0, 900, 1800]) is None
    assert infer_raster([0, 901, 1799, 2702, 9000]) == 900
    assert infer_raster([0, 30, 61, 90, 121]) == 30
    assert infer_raster([0, 1200, 2400, 3600]) is None
