"""What TAF-2 books, on small made-up days; the published cases are in test_published.py."""

from datetime import date

from smgw.metering.tariffs import taf2
from smgw.metering.tariffs.calendar import midnight
from smgw.metering.tariffs.values import Value, ValueList
from wire.obis import Obis
from wire.profiles.tariff import DayProfile, TariffCalendar, TariffStage, TariffSwitch, TimeStages

LOW, HIGH, ERROR = 1, 2, 63
DAY = midnight(date(2026, 6, 1))
HOUR = 3600
RULE = TimeStages(
    (TariffStage(LOW, Obis.parse("1-0:1.8.1*255")), TariffStage(HIGH, Obis.parse("1-0:1.8.2*255"))),
    TariffCalendar((DayProfile(1, (TariffSwitch(0, LOW), TariffSwitch(360, HIGH), TariffSwitch(1320, LOW))),), (1,) * 7),
)


def test_a_whole_day_goes_to_its_stages() -> None:
    """TR-03109-1, TAF-2: what is counted between two switches belongs to the stage between them."""
    values = ValueList.of([Value(DAY + 900 * slot, 10 * slot) for slot in range(97)])
    booked = taf2.book(values, RULE, DAY, DAY + 24 * HOUR)
    assert dict(booked.registers) == {LOW: 320, HIGH: 640, ERROR: 0}
    assert (booked.total, booked.begin, booked.end) == (960, DAY, DAY + 24 * HOUR)
