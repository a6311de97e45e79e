"""The walk of readings that are never stored: verified, signed, decided on, kept in memory, and nowhere on the disk."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pki.inner import verify_reading
from smgw.metering.errors import VerificationReason
from smgw.store.daily_values import DailyValues
from smgw.store.database import DATABASE_NAME
from smgw.store.readings import ReadingStore
from smgw.store.rows import to_seconds
from smgw.store.tariff_events import TariffEvents
from testbed.small_pki import NOW
from tests.smgw.store import samples
from tests.smgw.store.residue import traces
from tests.smgw.test_gateway import House, evaluation, meter_profile, telegram
from wire.profiles import Threshold, UseCase
from wire.reading import Reading

MINUTE = timedelta(minutes=1)
FINE = replace(meter_profile(), interval_seconds=60)
"""Read every minute, registered every quarter of an hour."""
HIDDEN = 0x5A5A_5A5A_5A5A
"""What the register shows, in millionths of a Wh: six octets in a row of a table, and nothing else looks like them."""
WATT_HOUR = 10**6


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    database = samples.open_database(tmp_path)
    house = House(database)
    grid = house.profiles.communications["grid"]
    for name, use_case in (("present", UseCase.TAF_9), ("watched", UseCase.TAF_10)):
        profile = replace(evaluation(name, grid, samples.METER, use_case=use_case), period_seconds=60)
        house.profiles.evaluations[name] = profile
    watched = house.profiles.evaluations["watched"]
    house.profiles.evaluations["watched"] = replace(
        watched, rule=Threshold(samples.IMPORT, above=HIDDEN // WATT_HOUR + 1)
    )
    yield house
    database.close()


def shown(more: int) -> int:
    return HIDDEN + more * WATT_HOUR


def reads(house: House, minutes: int, more: int) -> list[Reading]:
    whole, part = divmod(shown(more), 1000 * WATT_HOUR)
    return house.gateway.accept(FINE, telegram(NOW + minutes * MINUTE, f"{whole}.{part:09}"))


def test_what_stands_for_no_registered_point_is_never_on_the_disk(house: House, tmp_path: Path) -> None:
    """TR-03109-1, TAF-9 and TAF-10; T.ResidentData: the decrypted store holds no octets of such a value."""
    house.gateway.request("present", NOW + MINUTE, DailyValues(house.database))
    reads(house, 0, -2)
    reads(house, 1, -1)
    reads(house, 2, 1)
    reads(house, 15, 3)
    assert ReadingStore(house.database).count() == 2
    assert (house.meter()["stored"], house.meter()["unstored"]) == (2, 2)
    file = tmp_path / DATABASE_NAME
    wanted = {str(more): shown(more).to_bytes(6, "big") for more in (-2, -1, 1, 3)}
    assert traces(file, samples.KEY, wanted) == {"-2", "3"}  # the scan does find what is there
    house.database.close()
    assert traces(file, samples.KEY, wanted) == {"-2", "3"}
    (present,) = house.gateway.volatile.take("present", NOW + 2 * MINUTE)
    assert verify_reading(present.readings[0], house.signer).register.value == shown(-1)
    marked, late = house.gateway.volatile.take("watched", NOW + 2 * MINUTE)
    value = verify_reading(marked.readings[0], house.signer)
    assert (value.device, value.register.value) == (samples.GATEWAY, shown(1))
    assert value.status & (0x1_0000 << 32)
    assert late.readings[0].reading.register.value == shown(3)


def test_a_register_that_runs_backwards_since_an_unstored_reading_is_refused(house: House) -> None:
    """Step 3 knows the newest reading, stored or not."""
    for minutes, more in ((0, 0), (1, 10), (2, 9)):
        reads(house, minutes, more)
    assert house.meter()["refused"] == {VerificationReason.RUNS_BACKWARDS: 1}
    reads(house, 1, 10)  # the very same telegram once more
    assert house.meter()["unstored"] == 2


def test_what_is_stored_is_granted_from_stored_readings_only(house: House) -> None:
    """TR-03109-1, TAF-7: an unstored reading leaves nothing in the outbox."""
    reads(house, 0, 0)
    reads(house, 1, 10)
    assert [signed.reading.register.value for signed in house.owed("series")] == [shown(0)]


def test_a_withdrawn_profile_loses_its_volatile_values_and_its_request(house: House) -> None:
    """FDP_IFF.1/MTR."""
    house.gateway.request("present", NOW, DailyValues(house.database))
    reads(house, 0, 0)
    assert house.gateway.volatile.holds("present")
    without = house.profiles.without("evaluation", "present")
    house.gateway.change_profiles(lambda: without)
    assert not house.gateway.volatile.holds("present")
    house.gateway.change_profiles(lambda: house.profiles)
    reads(house, 1, 10)
    assert not house.gateway.volatile.holds("present")


def test_however_often_somebody_asks_there_is_one_present_value_for_a_registration_period(house: House) -> None:
    """FDP_IFF.1/MTR; TR-03109-1, TAF-9: requests make no resolution finer than the profile's."""
    profile = house.profiles.evaluations["present"]
    house.profiles.evaluations["present"] = replace(profile, period_seconds=300)
    answered = []
    for minute in range(12):
        assert house.gateway.request("present", NOW + minute * MINUTE, DailyValues(house.database)) == 0
        reads(house, minute, minute)
        answered.append(len(house.gateway.volatile.take("present", NOW)))
    assert [minute for minute, count in enumerate(answered) if count] == [0, 5, 10]


def test_an_event_lies_behind_every_reading_that_was_decided_without_it(house: House) -> None:
    """TR-03109-1, TAF-11: the first reading after an event is never one that did not know of it."""
    events = TariffEvents(house.database)
    assert house.gateway.happened(NOW, lambda at: events.append("shed", at, active=True))
    reads(house, 1, 0)
    assert house.gateway.happened(NOW, lambda at: events.append("shed", at, active=False))
    assert [one.at - to_seconds(NOW) for one in events.of(["shed"], NOW + 5 * MINUTE)] == [0, 61]


def test_the_newest_reading_is_known_however_it_ended(house: House) -> None:
    """TR-03109-1, consumer: her present power may rest on one that is never stored."""
    assert house.gateway.heard(samples.METER, samples.IMPORT) is None
    for minutes, is_stored in ((0, True), (1, False)):
        (read,) = reads(house, minutes, minutes)
        assert house.gateway.heard(samples.METER, samples.IMPORT) == read
        stored = ReadingStore(house.database).latest(samples.METER, samples.IMPORT)
        assert (stored == read) is is_stored
