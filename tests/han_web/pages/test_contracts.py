"""Every contract in words (TR-03109-1, consumer)."""

from flask import Flask

from han_web.pages.contracts import plans
from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import NOW, House


def test_who_gets_what(consumer: Browser, german: Browser) -> None:
    english, in_german = consumer.page("/data").text, german.page("/data").text
    assert "Netz Nord receives one reading per quarter-hour, once a day." in english
    assert "Netz Nord erhält einen Zählerstand je Viertelstunde, gesendet einmal am Tag." in in_german
    assert "The sum holds other people's meters too" in english
    assert "neither you nor your meter is named" in english


def test_nobody_sees_a_contract_of_somebody_else(house: House) -> None:
    """FDP_ACF.1."""
    assert "house-" not in browser(house.port, "flat").get("/data").text


def test_the_stages_of_a_day_fill_it(house: House) -> None:
    (contract,) = (one for one in house.view("house").contracts(NOW) if one.id == "house-stages")
    with Flask("empty").test_request_context(headers={"Accept-Language": "en"}):
        found = plans(contract)
    assert found
    for plan in found:
        assert plan.stretches[0].begin == "00:00"
        assert plan.stretches[-1].end == "24:00"
        assert abs(sum(float(one.width[:-1]) for one in plan.stretches) - 100) < 0.01
    assert any("25/12/2026" in plan.days for plan in found)
    assert sum(len(plan.days.split(", ")) for plan in found) >= 7
