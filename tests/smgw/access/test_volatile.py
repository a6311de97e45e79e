"""What is never stored is kept in memory, bounded, and handed out once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from smgw.access.volatile import GRANTS_PER_PROFILE, LIFETIME, VolatileStore
from tests.smgw.store.samples import START, grant, reading

SECOND = timedelta(seconds=1)


def test_what_was_put_is_taken_once_and_in_order() -> None:
    store = VolatileStore()
    for number in (0, 1, 1):
        store.put(grant(number))
    assert store.holds("grid-1")
    assert not store.holds("grid-2")
    assert store.take("grid-2", START) == ()
    assert store.take("grid-1", START) == (grant(0), grant(1))
    assert store.take("grid-1", START) == ()


def test_the_oldest_make_room() -> None:
    store = VolatileStore(limit=3)
    for number in range(5):
        store.put(grant(number))
    assert store.take("grid-1", START) == (grant(2), grant(3), grant(4))
    assert GRANTS_PER_PROFILE < 1000  # one document holds them


def test_what_could_not_be_delivered_for_long_is_forgotten() -> None:
    store = VolatileStore()
    store.put(grant(0))
    store.put(grant(1))
    assert store.take("grid-1", grant(0).period_end + LIFETIME + SECOND) == (grant(1),)


def test_a_withdrawn_profile_owes_nothing_more() -> None:
    """FDP_IFF.1/MTR: what a profile released ends with it."""
    store = VolatileStore()
    store.put(grant(0))
    store.put(grant(0, profile="grid-2"))
    store.retain({"grid-2"})
    assert not store.holds("grid-1")
    assert store.holds("grid-2")


def test_what_is_not_signed_is_not_kept() -> None:
    with pytest.raises(ValueError, match="signed"):
        VolatileStore().put(replace(grant(0), readings=(), derived=(reading(0).reading,)))
