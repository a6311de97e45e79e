"""The service technician's two pages (FAU_SAR.1/SYS; TR-03109-1, technician)."""

from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import TECHNICIAN, House


def test_the_system_log_in_both_languages(house: House, technician: Browser) -> None:
    text = technician.page("/service/log").text
    assert "System log" in text
    assert "Meter 1ISK0000471100 answers again" in text
    german = browser(house.port, TECHNICIAN, "de").page("/service/log").text
    assert "Zähler 1ISK0000471100 antwortet wieder" in german


def test_how_the_gateway_is_and_nothing_of_anybodys_meters(technician: Browser) -> None:
    text = technician.page("/service/device").text
    assert "Everything works" in text
    assert "kWh" not in text
    assert "Your meters" not in text


def test_the_navigation_has_two_pages(technician: Browser) -> None:
    links = technician.page("/service/log").links
    assert "/service/device" in links
    assert "/history" not in links
