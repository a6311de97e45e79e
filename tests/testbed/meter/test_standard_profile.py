"""H25 against the published shape: a holiday is a Sunday, and the year has as many quarter hours as the legal clock."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from testbed.meter.load import LOCAL, QUARTER, standard_profile, year_begin


@pytest.fixture(scope="module", autouse=True)
def published() -> Path:
    """The folder of the published tables; imported by nobody else, because half of what science has comes with it."""
    return Path(pytest.importorskip("demandlib.bdew").__file__).parent / "bdew_data"


@pytest.mark.parametrize(("year", "count"), [(2024, 35136), (2025, 35040)])
def test_a_year_is_complete(year: int, count: int) -> None:
    weights = standard_profile(year)
    assert len(weights) == count
    assert min(weights) > 0


@pytest.mark.parametrize(("month", "number", "name"), [(2, 12, "Februar"), (7, 9, "Juli")])
def test_the_index_is_local_time(published: Path, month: int, number: int, name: str) -> None:
    """A Wednesday is BDEW's table times one factor for the day; a UTC index would be one or two hours off."""
    with (published / "h25.csv").open(newline="", encoding="utf-8") as table:
        months, kinds, *rows = list(csv.reader(table))
    column = next(place for place, head in enumerate(zip(months, kinds, strict=True)) if head == (name, "WT"))
    begin = (datetime(2025, month, number, tzinfo=LOCAL) - year_begin(2025)) // QUARTER
    weights = standard_profile(2025)[begin : begin + 96]
    factors = [weight / float(row[column]) for weight, row in zip(weights, rows, strict=True)]
    assert max(factors) / min(factors) < 1.001


def test_a_holiday_is_a_sunday() -> None:
    weights = standard_profile(2025)

    def day(month: int, number: int) -> list[int]:
        place = (datetime(2025, month, number, tzinfo=UTC) - year_begin(2025)) // QUARTER - 8
        return list(weights[place : place + 96])

    thursday, holiday, sunday = day(5, 15), day(5, 1), day(5, 18)
    # The days differ a little by the season's factor; a holiday is nearer to a Sunday than to a working day.
    assert distance(holiday, sunday) < distance(holiday, thursday) / 3


def distance(one: list[int], other: list[int]) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
