"""The newest reading is known, stored or not."""

from datetime import timedelta

from smgw.access.remembered import Remembered
from smgw.metering.tariffs.taf5 import TariffEvent
from tests.smgw.access.cases import EXPORTED, IMPORTED, METER_DEVICE, Memory, at, reading

NOON = at("12:00:00")
SECOND = timedelta(seconds=1)


def test_the_newest_of_both_is_the_latest() -> None:
    stored = Memory([reading(NOON)])
    known = Remembered(stored)
    assert known.newest() is None
    assert known.latest(METER_DEVICE, IMPORTED) == reading(NOON).reading
    assert known.latest(METER_DEVICE, EXPORTED) is None
    assert known.noted(METER_DEVICE, IMPORTED) is None, "it was never told of it"
    for late in (60, 30):  # a clock that went back changes nothing
        known.note(reading(NOON + late * SECOND).reading)
    assert known.latest(METER_DEVICE, IMPORTED) == reading(NOON + 60 * SECOND).reading
    assert known.newest() == NOON + 60 * SECOND
    stored.readings.append(reading(NOON + 90 * SECOND))
    assert known.noted(METER_DEVICE, IMPORTED) == reading(NOON + 60 * SECOND).reading
    assert known.latest(METER_DEVICE, IMPORTED) == reading(NOON + 90 * SECOND).reading


def test_everything_else_is_as_stored() -> None:
    event = TariffEvent(5, "peak", active=True)
    stored = Memory([reading(NOON), reading(NOON + 60 * SECOND)], [event])
    known = Remembered(stored)
    known.note(reading(NOON + 120 * SECOND).reading)
    register = (METER_DEVICE, IMPORTED)
    assert known.reading_at(*register, NOON, SECOND) == reading(NOON).reading
    assert known.before(*register, NOON + 600 * SECOND) == reading(NOON + 60 * SECOND).reading
    assert known.usable_since(*register, NOON + SECOND) == reading(NOON + 60 * SECOND).reading
    assert len(known.between(*register, NOON, NOON + 600 * SECOND)) == 2
    assert known.events(["peak"], NOON) == [event]
