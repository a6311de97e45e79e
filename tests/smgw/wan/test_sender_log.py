"""Whose log tells of a delivery."""

from collections.abc import Callable
from dataclasses import replace

from smgw.store.consumer_log import ConsumerLog
from smgw.store.logs import Event, SystemLog
from testbed.small_pki import NOW
from tests.smgw.store import samples
from tests.smgw.wan.receiver import STORED, Answer
from tests.smgw.wan.station import DAY, Station
from tests.wire.profiles import examples

MakeStation = Callable[[Answer], Station]


def test_her_last_values_are_told_to_her_and_not_to_who_moved_in(station_with: MakeStation) -> None:
    """FAU_GEN.1/CON, OSP.Log: who is measured when a delivery leaves need not be who was when it was measured."""
    station = station_with(lambda _: STORED)
    station.owe(0)
    moved = samples.grant(0).period_end
    hers = replace(examples.METER, id="hers", meter=samples.METER, consumer="anna", valid_from=moved - 9 * DAY)
    hers, his = replace(hers, valid_until=moved), replace(hers, id="his", consumer="bert", valid_from=moved)
    station.profiles = station.profiles.with_profile(hers).with_profile(his)
    SystemLog(station.database).concern([("bert", "grid-1")])
    station.sender.step(NOW)
    events = {who: [one.event for one in ConsumerLog(station.database, who).entries()] for who in ("anna", "bert")}
    assert events == {"anna": [Event.DELIVERY_ACKNOWLEDGED], "bert": []}
