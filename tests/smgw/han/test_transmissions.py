from dataclasses import replace
from datetime import date

from smgw.han.hers import Hers, raw
from smgw.han.shown import Transmission
from smgw.han.transmissions import transmissions
from smgw.metering.tariffs.calendar import midnight
from smgw.store.contracts import Span
from tests.smgw.han.house import FIRST, NOW, House
from tests.smgw.han.house_profiles import MOVED

AT = int(NOW.timestamp())
MOVED_OUT = Span(FIRST, 0, int(MOVED.timestamp()))


def told(house: House, who: str, *, limit: int = 100) -> list[Transmission]:
    return list(house.view(who).transmissions(before=None, limit=limit))


def test_every_delivery_is_told_newest_first(house: House) -> None:
    """TR-03109-1, consumer; FAU_GEN.1/CON: to whom, when, how many values of which time, and how it ended."""
    shown = told(house, "house")
    assert [one.created_at for one in shown] == sorted((one.created_at for one in shown), reverse=True)
    series = {one.sequence: one for one in shown if one.contract == "house-series"}
    assert list(series) == [6, 5, 4, 3, 2, 1]
    assert [one.values for one in series.values()] == [96, 96, 96, 100, 96, 84], "100 on the day of 25 hours, and a gap"
    third = series[3]
    assert (third.party, third.party_name, third.reason) == ("grid", "Netz Nord", "")
    assert (third.period_begin, third.period_end) == (midnight(date(2026, 10, 25)), midnight(date(2026, 10, 26)) - 900)
    assert third.acknowledged_at == third.created_at + 2
    assert (series[5].set_aside_at, series[5].reason) == (series[5].created_at + 30, "too-large")
    assert (series[6].acknowledged_at, series[6].set_aside_at) == (None, None)


def test_a_cover_holds_nothing_and_an_unstored_one_nobody_knows(house: House) -> None:
    """FPR_CON.1, TR-03109-1 TAF-14."""
    by_name = {one.contract: one for one in told(house, "house")}
    cover, live = by_name["house-pseudonym"], by_name["house-live"]
    assert (cover.values, cover.period_begin, cover.period_end, cover.kept) == (0, None, None, True)
    assert (live.values, live.kept) == (0, False)


def test_pages_are_the_whole(house: House) -> None:
    whole, last = told(house, "house"), None
    paged: list[Transmission] = []
    while page := house.view("house").transmissions(before=last, limit=4):
        paged += page
        last = (page[-1].created_at, page[-1].contract, page[-1].sequence)
    assert paged == whole
    assert told(house, "house", limit=-1) == []


def test_a_sum_with_others_tells_its_own_part_and_nothing_of_theirs(house: House) -> None:
    """FDP_ACF.1: and what began after she moved out is nothing that she hears of."""
    assert {one.contract for one in told(house, "flat")} == {"flat-series", "shared-sum"}
    assert told(house, "attic") == []
    assert [one.values for one in told(house, "flat") if one.contract == "shared-sum"] == [1, 1]


def test_what_carried_only_others_values_looks_like_a_cover(house: House) -> None:
    """FDP_ACF.1: one profile may name meters of several consumers."""
    with house.database.read() as connection:
        hers = Hers.of(connection, "house").contract(connection, "house-series")
        flat = Hers.of(connection, "flat").meters
        common = replace(hers, meters=flat, profile=replace(hers.profile, meters=(FIRST, flat[0].measured.span.device)))
        shown = transmissions(connection, [common], house.profiles, None, 100)
        assert {(one.values, one.period_begin, one.period_end, one.kept) for one in shown} == {(0, None, None, True)}
        # What holds nothing of hers is told in her time only, what does is told whenever it left.
        over = replace(common, until=int(MOVED.timestamp()))
        assert transmissions(connection, [over], house.profiles, None, 100) == []
        # And what somebody else fills after she left is passed over before anybody counts it.
        counted: list[str] = []
        raw(connection).set_trace_callback(counted.append)
        left = [replace(one, measured=replace(one.measured, span=MOVED_OUT)) for one in flat]
        assert transmissions(connection, [replace(over, meters=tuple(left))], house.profiles, None, 100) == []
        raw(connection).set_trace_callback(None)
        assert len(counted) == 1
        late = replace(hers, until=hers.since + 1)
        assert len(transmissions(connection, [late], house.profiles, None, 100)) == 6
        assert transmissions(connection, [], house.profiles, None, 100) == []
