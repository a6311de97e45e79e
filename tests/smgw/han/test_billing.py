from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from smgw.han.billing import NOT_YET, OTHERS, billed
from smgw.han.hers import Hers
from smgw.han.shown import Amount, Billed, Prices
from smgw.metering.tariffs.calendar import ZONE, midnight
from smgw.metering.tariffs.errors import TariffReason
from tests.smgw.han.cellar import START, Cellar
from tests.smgw.han.house import EXPORT, FIRST, IMPORT, NOW, SECOND, House
from tests.smgw.han.house_profiles import DAY, NIGHT
from tests.smgw.han.house_readings import shown
from wire.obis import Obis
from wire.profiles import ERROR_STAGE, BillingPeriod, BillingUnit
from wire.reading import DeviceId

AT = int(NOW.timestamp())
AUGUST, SEPTEMBER, OCTOBER, NOVEMBER = (midnight(date(2026, month, 1)) for month in range(8, 12))
HALF = midnight(date(2026, 9, 16))
LAST = AT - AT % 900


def bills(house: House, contract: str, at: int = AT, prices: Sequence[Prices] = (), **changes: object) -> list[Billed]:
    with house.database.read() as connection:
        hers = Hers.of(connection, "house").contract(connection, contract)
        changed = replace(hers, profile=replace(hers.profile, **changes))  # type: ignore[arg-type]  # named
        return billed(connection, changed, prices, at, 3)


def went(meter: DeviceId, scaler: int, begin: int, end: int, register: Obis = IMPORT) -> int:
    return shown(meter, register, scaler, end) - shown(meter, register, scaler, begin)


def by_stage(begin: int, end: int) -> Counter[int]:
    """Hour by hour: cheap from ten to six, and on Sundays."""
    found: Counter[int] = Counter()
    for hour in range(begin, end, 3600):
        local = datetime.fromtimestamp(hour, ZONE)
        cheap = local.hour < 6 or local.hour >= 22 or local.weekday() == 6
        found[NIGHT if cheap else DAY] += went(FIRST, -1, hour, min(hour + 3600, end))
    return found


def test_one_tariff_is_what_all_meters_advanced(house: House) -> None:
    """PTB-A 50.8, display; TR-03109-1, TAF-1: the running month up to the reading of all, and those before."""
    running, september, august = house.view("house").billed("house-sum", NOW, limit=3)
    assert (running.begin, running.end, running.until) == (OCTOBER, NOVEMBER, LAST)
    assert (september.begin, september.end, september.until) == (SEPTEMBER, OCTOBER, OCTOBER)
    assert (august.begin, august.refused) == (AUGUST, "")
    for one in (running, september, august):
        expected = went(FIRST, -1, one.begin, one.until) + 10 * went(SECOND, 0, one.begin, one.until)
        assert one.total == Amount(expected, -1, 30)
        (stage,) = one.stages
        assert (stage.number, stage.register, stage.amount, stage.cost) == (0, str(IMPORT), one.total, None)
        assert (one.base, one.cost) == (None, None)


def test_stages_are_those_of_the_hours(house: House) -> None:
    """TR-03109-1, TAF-2: where there is a reading a day only, what crosses a switch is an error and no guess."""
    running, september, august = bills(house, "house-stages")
    for one in (september, running):
        amounts = {stage.number: stage.amount.value for stage in one.stages}
        assert amounts == {**by_stage(one.begin, one.until), ERROR_STAGE: 0}
        assert one.total.value == went(FIRST, -1, one.begin, one.until)
    assert [stage.register for stage in september.stages] == ["1-0:1.8.1*255", "1-0:1.8.2*255", "1-0:1.8.63*255"]
    assert august.stages[2].amount.value > august.stages[0].amount.value > 0
    assert august.total.value == went(FIRST, -1, AUGUST, SEPTEMBER)


def test_costs_are_by_the_price_that_held_then(house: House) -> None:
    """In whole millionths of a euro; another contract's prices are none of this one."""
    first = Prices("house-stages", SEPTEMBER, 120_000, ((NIGHT, 2531), (DAY, 3412)))
    second = Prices("house-stages", HALF, 90_000, ((0, 3000), (NIGHT, 2000)))
    other = Prices("house-sum", HALF, 1, ((0, 1),))
    _, whole, before = bills(house, "house-stages", prices=[other, first])
    amounts = by_stage(SEPTEMBER, OCTOBER)
    costs = {stage.number: stage.cost for stage in whole.stages}
    assert costs[NIGHT] == round(amounts[NIGHT] * 2531 / 100)
    assert costs[DAY] == round(amounts[DAY] * 3412 / 100)
    assert costs[ERROR_STAGE] is None, "nobody said what an error costs, and there was none"
    assert whole.base == 12_000_000
    assert whole.cost == 12_000_000 + sum(cost for cost in costs.values() if cost)
    assert (before.base, before.cost) == (None, None), "no price held then"
    _, whole, _ = bills(house, "house-stages", prices=[second, other, first])
    early, late = by_stage(SEPTEMBER, HALF), by_stage(HALF, OCTOBER)
    costs = {stage.number: stage.cost for stage in whole.stages}
    assert costs[DAY] == round((early[DAY] * 3412 + late[DAY] * 3000) / 100)
    assert costs[NIGHT] == round((early[NIGHT] * 2531 + late[NIGHT] * 2000) / 100)
    assert whole.base == (12_000_000 + 9_000_000) // 2


def test_a_stage_without_a_price_leaves_no_sum(house: House) -> None:
    _, september, _ = bills(house, "house-stages", prices=[Prices("house-stages", 0, 100, ((NIGHT, 2531),))])
    assert september.base == 10_000
    assert [stage.cost is None for stage in september.stages] == [False, True, True]
    assert september.cost is None


def test_the_running_base_price_is_for_the_time_that_passed(house: House) -> None:
    running, _, _ = bills(house, "house-sum", prices=[Prices("house-sum", 0, 7_450, ((0, 0),))])
    assert running.base == round(7_450 * 100 * (LAST - OCTOBER) / (NOVEMBER - OCTOBER))
    assert running.cost == running.base


def test_a_sum_with_others_is_not_told(house: House) -> None:
    """FDP_ACF.1: less her own consumption it would be somebody else's."""
    for who in ("house", "flat"):
        told = house.view(who).billed("shared-sum", NOW, limit=3)
        assert {(one.refused, one.total.value, one.stages, one.until - one.begin) for one in told} == {
            (OTHERS, 0, (), 0)
        }
    with house.database.read() as connection:
        hers = Hers.of(connection, "house").contract(connection, "house-sum")
        moved = replace(hers, since=hers.since - 40 * 86400)
        newest = billed(connection, moved, [], AT, 60)
    assert [one.refused for one in newest][-2:] == ["", OTHERS], "a month in which it was somebody else's meter"


def test_what_cannot_be_computed_says_why(house: House) -> None:
    running, october, september = bills(house, "house-sum", at=NOVEMBER + 300)
    assert (running.refused, october.refused) == (NOT_YET, TariffReason.NO_VALUE_AT_END.value)
    assert (october.stages, october.cost, september.refused) == ((), None, "")


def test_subtracted_meters_and_further_registers(house: House) -> None:
    _, september, _ = bills(house, "house-sum", subtracted=(SECOND,))
    expected = went(FIRST, -1, SEPTEMBER, OCTOBER) - 10 * went(SECOND, 0, SEPTEMBER, OCTOBER)
    assert september.total.value == expected
    prices = [Prices("house-sum", 0, 0, ((0, 100),))]
    _, september, _ = bills(house, "house-sum", registers=(IMPORT, EXPORT), prices=prices)
    drawn, fed_in = september.stages
    assert (fed_in.register, fed_in.amount.value) == (str(EXPORT), went(FIRST, -1, SEPTEMBER, OCTOBER, EXPORT))
    assert (fed_in.cost, drawn.cost, september.cost) == (None, drawn.amount.value, drawn.amount.value)


@pytest.mark.parametrize("contract", ["house-series", "house-live"])
def test_what_bills_nothing_has_no_periods(house: House, contract: str) -> None:
    assert house.view("house").billed(contract, datetime(2026, 10, 1, tzinfo=UTC), limit=3) == []


def test_what_came_after_a_missing_end_is_an_error_of_the_period(house: House, tmp_path: Path) -> None:
    """TR-03109-1, TAF-2: as in the bill, so that all periods together are what the meter advanced."""
    cellar = Cellar(tmp_path)
    midnight_before, midnight_after = START - 2 * 3600, START + 22 * 3600
    cellar.read(*((hour * 3600, 10 * hour) for hour in range(-2, 21)), (midnight_after - START + 1800, 225))
    with house.database.read() as connection:
        hers = Hers.of(connection, "house").contract(connection, "house-stages")
    profile = replace(hers.profile, billing=BillingPeriod(1, BillingUnit.DAY))
    contract = replace(hers, profile=profile, meters=(cellar.meter(),), since=midnight_before)
    with closing(cellar.database), cellar.database.read() as connection:
        running, day = billed(connection, contract, [], midnight_after + 3600, 5)
        assert {stage.number: stage.amount.value for stage in day.stages} == {NIGHT: 60, DAY: 160, ERROR_STAGE: 25}
        assert (day.begin, day.until, day.total.value) == (midnight_before, midnight_after, 245)
        assert running.refused == TariffReason.NO_READINGS.value
        over = replace(contract, meters=(cellar.meter(until=midnight_after),))
        _, day = billed(connection, over, [], midnight_after + 3600, 5)
        assert day.total.value == 220, "what was read after her time is not hers"


@pytest.mark.parametrize("contract", ["house-sum", "house-stages"])
def test_what_crosses_a_change_of_price_costs_what_nobody_knows(house: House, contract: str) -> None:
    """Nobody read at that moment, and no price is guessed; what it costs to be a customer is known all the same."""
    prices = [Prices(contract, since, 6_000, ((0, 3000),)) for since in (AUGUST, HALF + 60)]
    _, september, _ = bills(house, contract, prices=prices)
    assert (september.base, september.cost, september.refused) == (600_000, None, "")
    used = [stage for stage in september.stages if stage.amount.value]
    # The change falls into a cheap hour.
    assert {stage.number: stage.cost is None for stage in used} in ({0: True}, {NIGHT: True, DAY: False})
