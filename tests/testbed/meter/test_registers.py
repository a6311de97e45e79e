from datetime import UTC, datetime

from testbed.meter.load import FLAT, Load
from testbed.meter.registers import Condition, data_sets, kilowatt_hours
from testbed.meter.settings import MeterSettings


def test_watt_hours_stay_integers_until_they_are_shown() -> None:
    assert kilowatt_hours(33402264) == "0033402.264*kWh"
    assert kilowatt_hours(7) == "0000000.007*kWh"


def test_a_meter_without_clock_shows_none() -> None:
    at = datetime(2026, 7, 1, tzinfo=UTC)
    load = Load(10**6, profile=FLAT)
    with_clock = data_sets(MeterSettings(), load, at, Condition())
    assert (with_clock["0.9.1"], with_clock["0.9.2"]) == ("020000", "260701")
    assert "0.9.1" not in data_sets(MeterSettings(shows_clock=False), load, at, Condition())


def test_history_has_as_many_months_as_it_is_told() -> None:
    at = datetime(2026, 3, 31, tzinfo=UTC)
    shown = data_sets(MeterSettings(history_months=15), Load(10**6, profile=FLAT), at, Condition())
    history = [text[-11:-1] for address, text in shown.items() if address.startswith("1.8.0*")]
    assert len(history) == 15
    assert history[0].endswith("260301000")
    assert history == sorted(history, reverse=True)
