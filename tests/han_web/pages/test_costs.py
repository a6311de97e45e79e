"""Tariffs with their registers, and costs by her own prices (TR-03109-1, consumer)."""

from collections.abc import Iterator

import pytest

from han_web.pages.costs import MISSING, REFUSALS, columns, why
from smgw.han.billing import NOT_YET, OTHERS
from smgw.han.shown import WATT_HOUR, Amount, Billed, Stage
from smgw.metering.tariffs.errors import TariffReason
from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import House

SINCE = "2026-10-01"
GOOD = {"contract": "house-stages", "since": SINCE, "base": "9,90", "stage-1": "32", "stage-2": "24.5"}


@pytest.fixture
def hers(house: House) -> Iterator[Browser]:
    """Somebody whose prices are forgotten afterwards."""
    made = browser(house.port, "house")
    yield made
    for prices in house.view("house").prices():
        house.view("house").remove_prices(prices.contract, prices.since)


def test_registers_without_prices_cost_nothing_that_is_known(consumer: Browser) -> None:
    text = consumer.page("/costs").text
    for word in ("Tariff 1", "Tariff 2", "Without a tariff", "1.8.1", "1.8.63", "Enter prices"):
        assert word in text
    assert "€0" not in text


def test_prices_that_are_entered_are_used_and_forgotten(house: House, hers: Browser) -> None:
    answer = hers.post("/costs/prices", GOOD, seen_at="/account")
    assert answer.headers["Location"] == "/costs#house-stages"
    (kept,) = house.view("house").prices()
    assert (kept.base_per_month, kept.per_kilowatt_hour) == (99_000, ((1, 3200), (2, 2450)))
    text = hers.page("/costs").text
    assert "€9.90 a month" in text
    assert "ct/kWh" in text
    removed = hers.post(
        "/costs/prices/remove", {"contract": "house-stages", "since": str(kept.since)}, seen_at="/account"
    )
    assert removed.status_code == 303
    assert list(house.view("house").prices()) == []


@pytest.mark.parametrize("wrong", ["", "abc", "-1", "1,234", "1e5", "1.000,50", "9" * 9, "\N{ARABIC-INDIC DIGIT ONE}"])
def test_what_is_no_price_changes_nothing(house: House, hers: Browser, wrong: str) -> None:
    answer = hers.post("/costs/prices", {**GOOD, "stage-2": wrong}, seen_at="/account")
    assert answer.status_code == 422
    assert "Nothing was changed." in answer.text
    assert list(house.view("house").prices()) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [({"since": "yesterday"}, 400), ({"contract": "flat-series"}, 404), ({"contract": "nothing"}, 404)],
)
def test_prices_of_what_is_not_hers(hers: Browser, change: dict[str, str], status: int) -> None:
    assert hers.post("/costs/prices", {**GOOD, **change}, seen_at="/account").status_code == status


def test_somebody_without_a_billed_contract_is_told_so(house: House) -> None:
    assert "None of your contracts is billed" in browser(house.port, "attic").page("/costs").text


def test_a_period_that_is_not_calculated_says_why_and_takes_no_column() -> None:
    assert len({why(reason) for reason in (NOT_YET, OTHERS, *TariffReason)}) == len(REFUSALS) + 1
    assert why(TariffReason.NO_READINGS.value) not in {MISSING, ""}, "in German"
    nothing = Amount(0, 0, WATT_HOUR)
    refused = Billed(1, 2, 1, (), nothing, None, None, OTHERS)
    stage = Stage(1, "1-0:1.8.1*255", nothing, None)
    assert columns([refused, Billed(0, 1, 1, (stage,), nothing, None, None)]) == (stage,)
    assert columns([refused]) == ()


def test_no_prices_are_asked_for_where_they_would_calculate_nothing(house: House) -> None:
    said = browser(house.port, "house").get("/costs").text
    assert '<input type="hidden" name="contract" value="house-sum">' in said
    assert '<input type="hidden" name="contract" value="shared-sum">' not in said
