"""Which readings are stored at all."""

from dataclasses import replace
from datetime import timedelta

from smgw.access.recording import is_recorded
from tests.smgw.access.cases import Memory, at, reading
from tests.wire.profiles.examples import METER

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
