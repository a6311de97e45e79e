"""The start page: one big figure, and three periods against the time before (TR-03109-1, consumer)."""

from flask import Flask

from han_web.pages.now import dial, period
from smgw.han.shown import WATT, WATT_HOUR, Amount, Compared, Now, Power, Resolution
from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import House

THIN = "\N{NARROW NO-BREAK SPACE}"
METER = "1ISK0012345678"


def power(watts: int, *, drawn: bool = True, scaler: int = 0, averaged: int = 0) -> Power:
    return Power(METER, Amount(watts, scaler, WATT), 990, averaged, drawn)


def shown(*powers: Power) -> Now:
    return Now(1000, powers, (), ())


def test_the_figures_of_the_house(consumer: Browser, german: Browser) -> None:
    english, in_german = consumer.page("/"), german.page("/")
    for text in ("Power now", "You are drawing from the grid", "Today", "yesterday until this time", "Fed in today"):
        assert text in english.text
    for text in ("Leistung jetzt", "Sie beziehen Strom", "Heute", "gestern bis zu dieser Zeit", "Heute eingespeist"):
        assert text in in_german.text
    assert f"8.70{THIN}kWh" in english.text.replace("8.70 kWh", f"8.70{THIN}kWh")


def test_the_live_figures_are_the_same_piece_of_the_page(consumer: Browser) -> None:
    whole, piece = consumer.get("/").text, consumer.get("/live").text
    assert piece.strip() in whole
    assert "<html" not in piece


def test_another_consumer_sees_her_own(house: House, consumer: Browser) -> None:
    assert consumer.page("/").text != browser(house.port, "flat").page("/").text


def test_a_technician_is_led_to_the_system_log(technician: Browser) -> None:
    assert technician.get("/").headers["Location"] == "/service/log"


def test_powers_of_several_meters_are_one_figure_with_a_direction() -> None:
    with Flask("empty").test_request_context(headers={"Accept-Language": "en"}):
        drawn = dial(shown(power(1500), power(2000, scaler=-1)))
        fed = dial(shown(power(300), power(2500, drawn=False, averaged=900)))
        assert drawn is not None
        assert fed is not None
        assert (drawn.number, drawn.fed, drawn.top, drawn.part) == ("1,700", False, "2 kW", 85)
        assert (fed.number, fed.fed, fed.top, fed.part) == ("2,200", True, "5 kW", 44)
        assert (drawn.averaged, fed.averaged) == ("", "15 minutes")
        assert drawn.measured == "10 seconds ago"


def test_no_power_is_no_figure() -> None:
    volts = Power(METER, Amount(230, 0, 35), 990, 0)
    with Flask("empty").test_request_context():
        assert dial(shown()) is None
        assert dial(shown(volts)) is None


def compared(now: int | None, before: int | None) -> str:
    amounts = [None if one is None else Amount(one, 0, WATT_HOUR) for one in (now, before)]
    with Flask("empty").test_request_context(headers={"Accept-Language": "de"}):
        return period(Compared(Resolution.DAY, 0, amounts[0], amounts[1])).difference.replace(THIN, " ")


def test_less_and_more_in_words() -> None:
    assert compared(4000, 5000) == "1,00 kWh weniger (\N{MINUS SIGN}20 %)"
    assert compared(6000, 5000) == "1,00 kWh mehr (+20 %)"
    assert compared(5000, 5000) == "Genauso viel wie zuvor."
    assert compared(4990, 5000) == "0,01 kWh weniger"
    assert compared(5010, 5000) == "0,01 kWh mehr"
    assert compared(5000, 0) == "5,00 kWh mehr"
    assert compared(None, 5000) == "Noch wurde nichts gemessen."
    assert compared(5000, None) == "Noch gibt es nichts zum Vergleichen."
