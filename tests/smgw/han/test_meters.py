from datetime import timedelta

from smgw.han.hers import Hers
from smgw.han.meters import shown_meters
from smgw.store.rows import to_seconds
from tests.smgw.han.house import EXPORT, FIRST, IMPORT, NOW, POWER, SECOND, House, devices
from tests.smgw.han.house_profiles import BEGIN, END, MOVED
from wire.instant import format_instant

AT = to_seconds(NOW)


def test_her_meters_are_told_as_they_are_read(house: House) -> None:
    """TR-03109-1, consumer: of the first one a reading came this minute, which is not stored."""
    first, second = house.view("house").meters(NOW)
    assert devices(FIRST, SECOND) == (first.meter, second.meter)
    assert first.registers == tuple(map(str, (IMPORT, EXPORT, POWER)))
    assert (first.interval_seconds, first.store_seconds) == (60, 900)
    assert (first.since, first.until, first.last_reading_at) == (to_seconds(BEGIN), to_seconds(END), AT)
    assert (second.since, second.last_reading_at) == (to_seconds(MOVED), AT - AT % 900)
    assert first.answers
    assert second.answers
    (former,) = house.view("attic").meters(NOW)
    assert (former.meter, former.until, former.answers) == (SECOND.text, to_seconds(MOVED), True)
    assert former.last_reading_at == to_seconds(MOVED) - 86400


def test_a_meter_that_is_not_read_any_more_does_not_answer(house: House) -> None:
    told = {one.meter: one.answers for one in house.view("house").meters(NOW + timedelta(minutes=26))}
    assert told == {FIRST.text: True, SECOND.text: False}


def test_refusals_are_told_to_her_whose_they_all_are(house: House) -> None:
    """FDP_ACF.1: what was counted before she moved in is somebody else's."""
    counted = {
        SECOND.text: {"refused": {"wrong-meter": 2, "silent": 1}, "last_reading_at": format_instant(NOW)},
    }
    with house.database.read() as connection:
        mine, former = (Hers.of(connection, who).meters for who in ("house", "attic"))

        def refusals(started_at: int) -> list[tuple[tuple[str, int], ...]]:
            shown = shown_meters(connection, [*mine, *former], counted, started_at, AT)
            return [one.refusals for one in shown if one.meter == SECOND.text]

        assert refusals(to_seconds(MOVED)) == [(("silent", 1), ("wrong-meter", 2)), ()]
        assert refusals(to_seconds(MOVED) - 1) == [(), ()]
