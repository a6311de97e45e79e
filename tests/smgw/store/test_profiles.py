"""The store alone; who may sign a profile is in test_provisioning."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store.errors import StoreError, StoreReason
from smgw.store.profiles import ProfileStore
from tests.smgw.store.samples import IMPORT, METER, START, open_database
from wire.profiles import MeterProfile
from wire.reading import DeviceId

METER_PROFILE = MeterProfile(
    id="meter-1", version=2, meter=METER, identity="87654321", manufacturer="ISK", line="rs485-1", address="1",
    registers=(IMPORT,), interval_seconds=900, maximum_power_watts=30_000, valid_from=START,
    valid_until=START + timedelta(days=1),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    database = open_database(tmp_path)
    yield ProfileStore(database)
    database.close()


def test_the_newest_version_holds_and_evidence_stays(store: ProfileStore) -> None:
    assert store.put(METER_PROFILE, document=b"two", at=START)
    assert not store.put(METER_PROFILE, document=b"two, signed again", at=START)
    third = replace(METER_PROFILE, version=3, address="2")
    assert store.put(third, document=b"three", at=START)
    assert store.load().all() == (third,)
    assert store.holds(b"two")
    assert store.holds(b"three")
    assert not store.holds(b"two, signed again")


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (replace(METER_PROFILE, version=1), StoreReason.PROFILE_VERSION),
        (replace(METER_PROFILE, address="7"), StoreReason.PROFILE_VERSION),
        (replace(METER_PROFILE, version=3, meter=DeviceId("1ISK0000000001")), StoreReason.PROFILE_IDENTITY),
    ],
)
def test_what_goes_back_or_changes_its_subject(store: ProfileStore, profile: MeterProfile, reason: StoreReason) -> None:
    store.put(METER_PROFILE, document=b"two", at=START)
    with pytest.raises(StoreError) as refusal:
        store.put(profile, document=b"other", at=START)
    assert refusal.value.reason is reason
    assert store.load().all() == (METER_PROFILE,)
