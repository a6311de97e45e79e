from dataclasses import replace

from smgw.han.contracts import WORDS, shown_contract, stages_of
from smgw.han.hers import Hers
from smgw.han.shown import Contract
from smgw.store.rows import to_seconds
from tests.smgw.han.house import EXPORT, FIRST, FLAT, IMPORT, NOW, SECOND, House, devices
from tests.smgw.han.house_profiles import MOVED
from wire.profiles.tariff import RULES


def contracts(house: House, who: str) -> dict[str, Contract]:
    return {one.id: one for one in house.view(who).contracts(NOW)}


def test_who_gets_what_and_how_often(house: House) -> None:
    """TR-03109-1, consumer."""
    told = contracts(house, "house")
    assert set(told) == {
        "house-series", "house-sum", "house-stages", "house-live", "house-pseudonym", "shared-sum",
    }  # fmt: skip
    series = told["house-series"]
    assert (series.party, series.party_name, series.purpose) == ("grid", "Netz Nord", "grid-operation")
    assert (series.use_case, series.period_seconds, series.dispatch_seconds) == ("TAF-7", 900, 86400)
    assert (series.registers, series.meters) == ((str(IMPORT), str(EXPORT)), devices(FIRST))
    assert (series.rule, series.stages, series.billing_count, series.billing_unit) == ("", (), 0, "")
    assert [name for name, one in told.items() if not one.stored] == ["house-live"]
    assert [name for name, one in told.items() if one.pseudonym] == ["house-pseudonym"]
    assert (told["house-sum"].meters, told["house-sum"].others) == (devices(FIRST, SECOND), False)
    assert (told["house-sum"].billing_count, told["house-sum"].billing_unit) == (1, "month")


def test_the_stages_of_a_day_are_told(house: House) -> None:
    stages = contracts(house, "house")["house-stages"]
    assert (stages.rule, stages.stages) == ("time-stages", ((1, "1-0:1.8.1*255"), (2, "1-0:1.8.2*255")))
    switches = dict(stages.switches)
    assert switches["monday"] == ((0, 1), (360, 2), (1320, 1))
    assert switches["sunday"] == switches["2026-12-25"] == ((0, 1),)
    assert len(switches) == 8


def test_that_others_are_summed_is_said_and_not_who(house: House) -> None:
    """FDP_ACC.2, FDP_ACF.1."""
    shared, other = (contracts(house, who)["shared-sum"] for who in ("house", "flat"))
    assert shared.others
    assert other.others
    assert (shared.meters, other.meters) == (devices(SECOND), devices(FLAT))
    assert FLAT.text not in repr(contracts(house, "house"))
    assert shared.since == to_seconds(MOVED), "it was somebody else's meter before"


def test_a_subtracted_meter_of_hers_is_said(house: House) -> None:
    with house.database.read() as connection:
        hers = Hers.of(connection, "house").contract(connection, "house-sum")
    changed = replace(hers, profile=replace(hers.profile, subtracted=(SECOND,)))
    assert shown_contract(changed, house.profiles).subtracted == devices(SECOND)


def test_every_kind_of_rule_has_a_name() -> None:
    assert set(WORDS) == set(RULES.values())
    assert len(set(WORDS.values())) == len(WORDS)
    assert stages_of(None) == ()
