"""Which readings are stored at all."""

from dataclasses import replace
from datetime import timedelta

from smgw.access.recording import is_recorded
from tests.smgw.access.cases import SERIES, Memory, at, reading
from tests.smgw.access.use_cases.worlds import FAST, GRID, ON_REQUEST
from tests.wire.profiles.examples import METER
from wire.obis import Obis

NOON = at("12:00:00")
SECOND = timedelta(seconds=1)
FINE = replace(METER, interval_seconds=60, store_seconds=900)


def test_where_every_reading_is_registered_every_reading_is_stored() -> None:
    every = replace(METER, interval_seconds=900, store_seconds=900)
    assert is_recorded(reading(NOON + 400 * SECOND).reading, every, Memory())


def test_where_it_is_read_more_often_only_the_first_of_each_point_is() -> None:
    """TR-03109-1, TAF-9, TAF-10, TAF-14: never stored; T.ResidentData."""
    first = reading(NOON + 2 * SECOND)
    assert is_recorded(first.reading, FINE, Memory())
    assert is_recorded(first.reading, FINE, Memory([first]))
    assert not is_recorded(reading(NOON + 4 * SECOND).reading, FINE, Memory([first]))
    assert not is_recorded(reading(NOON + 60 * SECOND).reading, FINE, Memory())


def test_what_is_never_stored_is_not_stored_because_the_meter_is_read_for_it_alone() -> None:
    """TR-03109-1, TAF-9, TAF-10, TAF-14, T.ResidentData: also where no registration period is longer than the reading.

    Of a meter reading the daily value is kept (TAF-6).
    """
    every = replace(METER, interval_seconds=60, store_seconds=60)
    first, later = reading(NOON), reading(NOON + 60 * SECOND)
    tomorrow = reading(NOON + 86400 * SECOND)
    for alone in ([FAST], [GRID], [ON_REQUEST], [FAST, GRID]):
        assert is_recorded(first.reading, every, Memory(), alone)
        assert is_recorded(first.reading, every, Memory([first]), alone)
        assert not is_recorded(later.reading, every, Memory([first]), alone)
        assert is_recorded(tomorrow.reading, every, Memory([first]), alone)
    power = reading(NOON, obis=Obis.parse("1-0:16.7.0")).reading
    assert not is_recorded(power, every, Memory(), [replace(GRID, registers=(power.obis,))])
    assert is_recorded(power, every, Memory(), [GRID])
    for also in ([], [SERIES, FAST], [replace(FAST, registers=(power.obis,))]):
        assert is_recorded(later.reading, every, Memory([first]), also)
