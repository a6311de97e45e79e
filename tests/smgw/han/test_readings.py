from datetime import date, timedelta

from smgw.han.readings import MAXIMUM_READINGS
from smgw.han.shown import Verdict
from smgw.metering.tariffs.calendar import midnight
from smgw.store.rows import from_seconds
from tests.smgw.han.house import EXPORT, FIRST, IMPORT, NOW, SECOND, House
from tests.smgw.han.house_profiles import BEGIN, MOVED
from tests.smgw.han.house_readings import ALTERED, BAD, CRITICAL, GOOD, RENEWED, WARNED, shown

DAY = timedelta(days=1)


def test_the_list_is_what_was_stored_newest_first(house: House) -> None:
    """PTB-A 50.8, display: the value as it is, its status and the check of its signature."""
    day = from_seconds(midnight(date(2026, 10, 22)))
    told = house.view("house").readings(FIRST.text, str(EXPORT), day, day + DAY, limit=1000)
    times = [one.captured_at for one in told]
    assert times == sorted(times, reverse=True)
    assert len(times) == 96
    last = told[-1]
    assert (last.amount.value, last.amount.scaler, last.amount.unit) == (shown(FIRST, EXPORT, -1, times[-1]), -1, 30)
    assert {one.verdict for one in told} == {Verdict.GENUINE}
    statuses = {one.captured_at: (one.status, one.ptb) for one in told if one.status != GOOD}
    ptb = {WARNED: 1, CRITICAL: 3}
    assert statuses == {at: (status, ptb[status]) for at, status in BAD.items()}
    assert {len(one.signature) for one in told} == {64}


def test_a_value_that_was_altered_stands_out(house: House) -> None:
    """PTB-A 50.8, inner signature; and what was signed by somebody whom nobody knows any more."""
    view, at = house.view("house"), from_seconds(ALTERED)
    told = view.readings(FIRST.text, str(IMPORT), at - timedelta(hours=1), at + timedelta(hours=1), limit=100)
    assert [one.captured_at for one in told if one.verdict is not Verdict.GENUINE] == [ALTERED]
    assert next(one.verdict for one in told if one.captured_at == ALTERED) is Verdict.ALTERED
    old = view.readings(FIRST.text, str(IMPORT), RENEWED - 5 * DAY, RENEWED + 5 * DAY, limit=100)
    known = {one.captured_at >= RENEWED.timestamp(): one.verdict for one in old}
    assert known == {False: Verdict.UNKNOWN_SIGNER, True: Verdict.GENUINE}


def test_the_newest_are_told_where_there_are_more(house: House) -> None:
    view = house.view("house")
    told = view.readings(FIRST.text, str(IMPORT), BEGIN, NOW, limit=3)
    assert [one.captured_at for one in told] == [int(NOW.timestamp()) - 420 - 900 * back for back in range(3)]
    assert view.readings(FIRST.text, str(IMPORT), BEGIN, NOW, limit=-1) == []
    assert MAXIMUM_READINGS < 10_000


def test_the_list_ends_where_her_time_does(house: House) -> None:
    """FDP_ACF.1: the same meter, before and after."""
    mine, former = (
        {one.captured_at for one in house.view(who).readings(SECOND.text, str(IMPORT), MOVED - 9 * DAY, MOVED + 9 * DAY,
                                                              limit=100)}
        for who in ("house", "attic")
    )  # fmt: skip
    moved = MOVED.timestamp()
    assert len(mine) == len(former) == 9
    assert min(mine) == moved
    assert max(former) < moved
