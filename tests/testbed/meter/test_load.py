"""The household: a pure, monotonic function of time with the year's energy in it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.meter import load
from testbed.meter.load import FLAT, Load

BERLIN = ZoneInfo("Europe/Berlin")
ANNUAL = 3_500_000
HOUSEHOLD = Load(ANNUAL, seed=7, profile=FLAT)
INSTANTS = st.datetimes(datetime(2021, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS, st.integers(0, 10**8))
def test_registers_never_run_backwards(instant: datetime, seconds: int) -> None:
    now, later = HOUSEHOLD.at(instant), HOUSEHOLD.at(instant + timedelta(seconds=seconds))
    assert now.total <= later.total
    assert now.low_tariff <= later.low_tariff
    assert now.total - now.low_tariff <= later.total - later.low_tariff


@pytest.mark.parametrize("year", [2023, 2024, 2025])
def test_each_year_uses_exactly_the_annual_energy(year: int) -> None:
    begin, end = HOUSEHOLD.at(load.year_begin(year)), HOUSEHOLD.at(load.year_begin(year + 1))
    assert end.total - begin.total == ANNUAL


def test_the_same_seed_is_the_same_household() -> None:
    at = datetime(2025, 6, 1, 12, tzinfo=UTC)
    assert Load(ANNUAL, 7, FLAT).at(at) == HOUSEHOLD.at(at)
    assert Load(ANNUAL, 8, FLAT).at(at) != HOUSEHOLD.at(at)


def test_the_low_tariff_counts_at_night_only() -> None:
    noon = datetime(2025, 7, 1, 12, tzinfo=BERLIN)
    assert HOUSEHOLD.at(noon).low_tariff == HOUSEHOLD.at(noon + timedelta(hours=9)).low_tariff
    night = datetime(2025, 7, 1, 23, tzinfo=BERLIN)
    before, after = HOUSEHOLD.at(night), HOUSEHOLD.at(night + timedelta(hours=2))
    assert after.total - before.total == after.low_tariff - before.low_tariff > 0


def test_nothing_is_known_before_the_first_year() -> None:
    with pytest.raises(ValueError, match="nothing before"):
        HOUSEHOLD.at(datetime(2019, 6, 1, tzinfo=UTC))
