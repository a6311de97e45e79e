"""Stages and calendars: every minute of every day has exactly one stage, or there is no calendar."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.profiles.rules import CALENDAR, FREE_DAY, STAGES, WORKING_DAY, calendars
from wire.errors import ProfileError
from wire.obis import Obis
from wire.profiles import DayProfile, SpecialDay, TariffCalendar, TariffStage, TariffSwitch, derived_register
from wire.profiles.document import Fields
from wire.profiles.stages import is_meter_reading

IMPORTED = Obis.parse("1-0:1.8.0")


@pytest.mark.parametrize("number", [0, 63, -1, True])
def test_a_stage_has_a_number_of_1_to_62(number: int) -> None:
    """TR-03109-1, TAF-2: 63 is the error register and no stage."""
    with pytest.raises(ProfileError, match=r"stage\.number"):
        TariffStage(number, STAGES[0].obis)


@pytest.mark.parametrize("code", ["1-0:1.8.0", "1-0:1.8.63", "1-0:1.7.1", "1-0:1.8.1*1"])
def test_a_stage_has_a_register_of_its_own(code: str) -> None:
    with pytest.raises(ProfileError, match=r"x\.8\.1 to x\.8\.62"):
        TariffStage(1, Obis.parse(code))
    with pytest.raises(ProfileError, match=r"stage\.obis"):
        TariffStage(1, code)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("switches", "why"),
    [
        ((), "1 to 96"),
        ([TariffSwitch(0, 1)], "not a tuple"),
        ((TariffSwitch(15, 1),), "midnight"),
        ((TariffSwitch(0, 1), TariffSwitch(60, 2), TariffSwitch(60, 1)), "ascend"),
        ((TariffSwitch(0, 1), TariffSwitch(60, 2), TariffSwitch(30, 1)), "ascend"),
        (tuple(TariffSwitch(minute, 1) for minute in range(97)), "1 to 96"),
    ],
)
def test_a_day_without_a_stage_for_every_minute_is_refused(switches: Any, why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        DayProfile(1, switches)


@pytest.mark.parametrize(("minute", "stage"), [(-1, 1), (1440, 1), (0, 0), (0, 63)])
def test_a_switch_is_within_a_day_and_to_a_stage(minute: int, stage: int) -> None:
    with pytest.raises(ProfileError, match="switch"):
        TariffSwitch(minute, stage)


@pytest.mark.parametrize(
    ("deviation", "why"),
    [
        ({"day_profiles": ()}, "1 to 64"),
        ({"day_profiles": (WORKING_DAY, WORKING_DAY)}, "twice"),
        ({"day_profiles": (WORKING_DAY,)}, "does not hold: 2"),
        ({"week": (1, 1, 1, 1, 1, 2)}, "seven"),
        ({"week": [1, 1, 1, 1, 1, 2, 2]}, "seven"),
        ({"week": (1, 1, 1, 1, 1, 2, 3)}, "does not hold: 3"),
        ({"week": (True, 1, 1, 1, 1, 2, 2)}, "does not hold: True"),
        ({"week": ([], 1, 1, 1, 1, 2, 2)}, "does not hold"),
        ({"special_days": (SpecialDay(date(2026, 12, 25), 3),)}, "does not hold: 3"),
        ({"special_days": (SpecialDay(date(2026, 12, 25), 1), SpecialDay(date(2026, 12, 25), 2))}, "ascend"),
        ({"special_days": (SpecialDay(date(2026, 12, 25), 1), SpecialDay(date(2026, 12, 24), 2))}, "ascend"),
        (
            {"day_profiles": tuple(DayProfile(n, tuple(TariffSwitch(m, 1) for m in range(96))) for n in range(11))},
            "at most 1024",
        ),
    ],
)
def test_a_calendar_that_leaves_a_day_open_is_refused(deviation: dict[str, Any], why: str) -> None:
    fields = {"day_profiles": CALENDAR.day_profiles, "week": CALENDAR.week, "special_days": CALENDAR.special_days}
    with pytest.raises(ProfileError, match=why):
        TariffCalendar(**(fields | deviation))


def test_a_special_day_is_a_day() -> None:
    for wrong in (datetime(2026, 12, 25), "2026-12-25"):  # noqa: DTZ001
        with pytest.raises(ProfileError, match="not a date"):
            SpecialDay(wrong, 1)  # type: ignore[arg-type]


def test_special_days_come_before_the_week() -> None:
    assert CALENDAR.of(date(2026, 12, 24)) is WORKING_DAY  # a Thursday
    assert CALENDAR.of(date(2026, 12, 25)) is FREE_DAY  # a Friday that is special
    assert CALENDAR.of(date(2026, 12, 26)) is FREE_DAY  # a Saturday
    assert CALENDAR.of(date(2026, 12, 28)) is WORKING_DAY


@given(calendars([1, 2, 62]), st.dates())
def test_every_day_has_a_profile_and_what_is_written_is_read_back(calendar: TariffCalendar, day: date) -> None:
    assert calendar.of(day) in calendar.day_profiles
    assert TariffCalendar.from_fields(Fields(calendar.to_document())) == calendar


def test_derived_registers() -> None:
    """TR-03109-1, TAF-2: a total, one register a stage and an error register."""
    assert [str(derived_register(IMPORTED, stage)) for stage in (0, 1, 63)] == [
        "1-0:1.8.0*255",
        "1-0:1.8.1*255",
        "1-0:1.8.63*255",
    ]
    assert is_meter_reading(IMPORTED)
    assert not is_meter_reading(Obis.parse("1-0:16.7.0"))
