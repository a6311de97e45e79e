from datetime import timedelta
from pathlib import Path

import pytest

from smgw.han.port import HanError, HanReason
from smgw.han.prices import HIGHEST, HIGHEST_BASE, MAXIMUM_CHANGES, every
from smgw.han.shown import Prices
from smgw.store.contracts import Contracts
from smgw.store.schema import han_prices
from tests.smgw.han.house import House
from tests.smgw.store.household import ANNA, BERT, Household
from tests.smgw.store.samples import START, open_database

PRICES = Prices("house-stages", 1_000, 120_000, ((1, 2531), (2, 3412)))


def test_prices_are_entered_replaced_and_taken_back(house: House) -> None:
    view = house.view("house")
    newer = Prices("house-stages", 2_000, 0, ((0, -5),))
    for one in (newer, PRICES):
        view.set_prices(one)
    assert view.prices() == [PRICES, newer]
    replaced = Prices("house-stages", 2_000, 1, ())
    view.set_prices(replaced)
    assert view.prices() == [PRICES, replaced]
    assert house.view("flat").prices() == [], "FDP_ACF.1: hers are known to her alone"
    for since in (1_000, 2_000):
        view.remove_prices("house-stages", since)
    assert view.prices() == []


@pytest.mark.parametrize(
    "bad",
    [
        Prices("house-stages", -1, 0, ()),
        Prices("house-stages", 0, -1, ()),
        Prices("house-stages", 0, HIGHEST_BASE + 1, ()),
        Prices("house-stages", 0, 0, ((3, 1),)),
        Prices("house-stages", 0, 0, ((1, 1), (1, 2))),
        Prices("house-stages", 0, 0, ((1, HIGHEST + 1),)),
        Prices("house-stages", 0, 0, ((1, -HIGHEST - 1),)),
        Prices("house-sum", 0, 0, ((1, 1),)),
    ],
)
def test_what_is_no_price_is_a_bad_question(house: House, bad: Prices) -> None:
    with pytest.raises(HanError) as caught:
        house.view("house").set_prices(bad)
    assert caught.value.reason is HanReason.BAD_QUESTION
    assert house.view("house").prices() == []


def test_prices_are_for_her_own_contracts(house: House) -> None:
    """FDP_ACF.1."""
    for name in ("flat-series", "none"):
        with pytest.raises(HanError) as caught:
            house.view("house").set_prices(Prices(name, 0, 0, ()))
        assert caught.value.reason is HanReason.NOT_FOUND
    house.view("flat").set_prices(Prices("shared-sum", 5, 0, ()))
    with pytest.raises(HanError) as caught:
        house.view("house").remove_prices("shared-sum", 5)
    assert caught.value.reason is HanReason.NOT_FOUND
    house.view("flat").remove_prices("shared-sum", 5)


def test_they_are_not_without_number(house: House) -> None:
    rows = [
        {"consumer": "house", "contract": "house-sum", "since": since, "base_per_month": 0, "stages": "[]"}
        for since in range(MAXIMUM_CHANGES)
    ]
    with house.database.write() as connection:
        connection.execute(han_prices.insert(), rows)
    view = house.view("house")
    with pytest.raises(HanError) as caught:
        view.set_prices(Prices("house-sum", MAXIMUM_CHANGES, 0, ()))
    assert caught.value.reason is HanReason.BAD_QUESTION
    view.set_prices(Prices("house-sum", 0, 7, ()))
    for since in range(MAXIMUM_CHANGES):
        view.remove_prices("house-sum", since)


def test_they_go_with_her_contract(tmp_path: Path) -> None:
    """FDP_RIP.2: hers, and nobody else's."""
    home = Household(open_database(tmp_path))
    home.install(ANNA, BERT)
    rows = [
        {"consumer": who, "contract": "grid-1", "since": since, "base_per_month": 0, "stages": "[]"}
        for who in (ANNA.consumer, BERT.consumer)
        for since in range(3)
    ]
    with home.database.write() as connection:
        connection.execute(han_prices.insert(), rows)
    ended = START + timedelta(days=1)
    home.withdraw(ANNA, ended)
    contracts = Contracts(home.database)
    contracts.begin(ANNA.consumer, ended)
    while contracts.erase(2):
        pass
    with home.database.read() as connection:
        assert every(connection, ANNA.consumer) == []
        assert len(every(connection, BERT.consumer)) == 3
    home.database.close()
