from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.han.hers import HerContract, Hers, not_found, raw, register_of
from smgw.han.port import HanError, HanReason
from smgw.store.rows import to_seconds
from tests.smgw.han.house import EXPORT, FIRST, FLAT, IMPORT, SECOND, House
from tests.smgw.han.house_profiles import BEGIN, END, MOVED
from tests.smgw.store.aged import day
from tests.smgw.store.household import ANNA, BERT, CLARA, OTHER, SERIES, Household
from tests.smgw.store.samples import METER, START, open_database


def hers(house: House, consumer: str) -> Hers:
    with house.database.read() as connection:
        return Hers.of(connection, consumer)


def contracts(house: House, consumer: str) -> dict[str, HerContract]:
    with house.database.read() as connection:
        return {one.profile.id: one for one in Hers.of(connection, consumer).contracts(connection)}


def test_each_has_her_own_meters_in_her_own_time(house: House) -> None:
    """FDP_ACC.2: the second meter of the house measured somebody else before."""
    spans = {
        who: [(one.device, one.measured.since, one.measured.until) for one in hers(house, who).meters]
        for who in ("house", "flat", "attic", "nobody")
    }
    begin, moved, end = (to_seconds(one) for one in (BEGIN, MOVED, END))
    assert spans == {
        "house": [(FIRST.text, begin, end), (SECOND.text, moved, end)],
        "flat": [(FLAT.text, begin, end)],
        "attic": [(SECOND.text, begin, moved)],
        "nobody": [],
    }
    (attic,) = hers(house, "attic").meters
    assert attic.clip(0, 1 << 40) == (0, to_seconds(MOVED) - 1)


def test_what_is_not_hers_is_as_if_it_were_not(house: House) -> None:
    """FDP_ACF.1: no difference in a word tells that there are others."""
    flat = hers(house, "flat")
    sentences = set()
    for meter, register in [(FIRST.text, IMPORT), ("1ISK0099999999", IMPORT), ("no meter", IMPORT), ("", EXPORT)]:
        with pytest.raises(HanError) as caught:
            flat.named(meter, register)
        assert caught.value.reason is HanReason.NOT_FOUND
        sentences.add(str(caught.value))
    with house.database.read() as connection:
        for name in ("house-series", "no-contract"):
            with pytest.raises(HanError) as caught:
                flat.contract(connection, name)
            sentences.add(str(caught.value))
        assert flat.contract(connection, "flat-series").profile.id == "flat-series"
    with pytest.raises(HanError) as caught:
        register_of("1-0:1.8.0*255; DROP")
    assert sentences == {str(caught.value), str(not_found())}
    assert [one.device for one in hers(house, "house").named("", IMPORT)] == [FIRST.text, SECOND.text]


def test_contracts_are_told_in_her_time(house: House) -> None:
    """FDP_ACC.2: what began after she had moved out is none of hers."""
    assert set(contracts(house, "flat")) == {"flat-series", "shared-sum"}
    assert set(contracts(house, "attic")) == set()
    mine = contracts(house, "house")
    assert {name for name, one in mine.items() if one.others} == {"shared-sum"}
    shared = mine["shared-sum"]
    assert (shared.since, shared.until) == (to_seconds(MOVED), to_seconds(END))
    assert not shared.alone(shared.since, shared.until)
    whole = mine["house-sum"]
    assert whole.alone(whole.since, whole.until)
    assert not whole.alone(whole.since - 1, whole.until), "before it was somebody else's meter"


def test_a_contract_that_was_withdrawn_ended_then(tmp_path: Path) -> None:
    house, at = Household(open_database(tmp_path)), START + timedelta(days=1)
    newer = replace(SERIES, version=2, dispatch_seconds=2 * SERIES.dispatch_seconds)
    house.install(ANNA, SERIES, newer, at=at)
    house.withdraw(newer, at + timedelta(days=3))
    house.withdraw(ANNA, at + timedelta(days=5))
    with house.database.read() as connection:
        (mine,) = Hers.of(connection, ANNA.consumer).meters
        (contract,) = Hers.of(connection, ANNA.consumer).contracts(connection)
        assert raw(connection).execute("SELECT 1").fetchone() == (1,)
    assert mine.measured.until == to_seconds(at + timedelta(days=5))
    assert (contract.since, contract.until) == (to_seconds(at), to_seconds(at + timedelta(days=3)))
    house.database.close()


def test_what_a_contract_says_to_somebody_else_is_nothing_of_hers(tmp_path: Path) -> None:
    """FDP_ACF.1: a contract that goes over to another meter, and one of a meter that somebody else has since."""
    house, turn = Household(open_database(tmp_path)), START + timedelta(days=2)
    gone_over = replace(SERIES, version=2, meters=(METER,), dispatch_seconds=2 * SERIES.dispatch_seconds)
    house.install(ANNA, BERT, replace(SERIES, meters=(OTHER,)))
    house.install(gone_over, at=turn)
    house.install(CLARA, at=day(10))
    house.install(replace(gone_over, version=3, dispatch_seconds=SERIES.dispatch_seconds), at=day(12))
    with house.database.read() as connection:
        found = {who: Hers.of(connection, who.consumer).contracts(connection) for who in (ANNA, BERT, CLARA)}
    told = [
        (one.profile.version, [meter.device for meter in one.meters], one.since, one.until, one.others)
        for (one,) in found.values()
    ]
    first, over, moved, never = (to_seconds(at) for at in (START, turn, day(10), SERIES.valid_until))
    assert told == [
        (2, [METER.text], over, moved, False),
        (1, [OTHER.text], first, over, False),
        (3, [METER.text], moved, never, False),
    ]
    house.database.close()
