"""The store alone; who may sign a profile is in test_provisioning."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from smgw.store.errors import StoreError, StoreReason
from smgw.store.orders import OrderStore
from smgw.store.profiles import ProfileSet, ProfileStore
from tests.smgw.store.samples import IMPORT, METER, START, open_database
from tests.wire.profiles.rules import EXAMPLES, FREE_DAY, MONTH, STAGES
from wire.profiles import (
    AccessPurpose,
    AccountProfile,
    AccountRole,
    BillingPeriod,
    BillingUnit,
    ControlEvents,
    EvaluationProfile,
    MeterProfile,
    Prepaid,
    Profile,
    TariffCalendar,
    TimeStages,
    UseCase,
)
from wire.reading import DeviceId

METER_PROFILE = MeterProfile(
    id="meter-1", version=2, meter=METER, consumer="house", identity="87654321", manufacturer="ISK", line="rs485-1",
    address="1", registers=(IMPORT,), interval_seconds=900, store_seconds=900, maximum_power_watts=30_000,
    valid_from=START, valid_until=START + timedelta(days=1),
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
        (replace(METER_PROFILE, version=3, consumer="next-door"), StoreReason.PROFILE_IDENTITY),
    ],
)
def test_what_goes_back_or_changes_its_subject(store: ProfileStore, profile: MeterProfile, reason: StoreReason) -> None:
    store.put(METER_PROFILE, document=b"two", at=START)
    with pytest.raises(StoreError) as refusal:
        store.put(profile, document=b"other", at=START)
    assert refusal.value.reason is reason
    assert store.load().all() == (METER_PROFILE,)


def test_what_was_withdrawn_holds_no_more_until_a_higher_version(store: ProfileStore) -> None:
    order(store)
    assert not store.ever_held("meter")
    store.put(METER_PROFILE, document=b"two", at=START)
    noted: list[tuple[str, bool]] = []

    def note(_: sa.Connection, profile: Profile, installed: bool) -> None:
        noted.append((profile.id, installed))

    assert store.change((), [("meter", "meter-1")], START, note).all() == ()
    assert (store.load().all(), store.ever_held("meter")) == ((), True)
    with pytest.raises(StoreError) as refusal:
        store.put(METER_PROFILE, document=b"two, signed again", at=START)
    assert refusal.value.reason is StoreReason.PROFILE_VERSION
    with pytest.raises(StoreError) as refusal:
        store.change((), [("meter", "meter-1")], START, note)
    assert refusal.value.reason is StoreReason.NOT_OPEN
    third = replace(METER_PROFILE, version=3)
    assert store.change([third, third], [], START, note).all() == (third,)
    assert noted == [("meter-1", False), ("meter-1", True)]


def test_a_change_is_all_or_nothing(store: ProfileStore) -> None:
    order(store)
    store.put(METER_PROFILE, document=b"two", at=START)
    second = replace(METER_PROFILE, id="meter-2", version=1)
    with pytest.raises(StoreError):
        store.change([second, replace(METER_PROFILE, version=1)], [], START, lambda *_: None)
    assert store.load().all() == (METER_PROFILE,)


BILLED = EvaluationProfile(
    id="bill", version=1, use_case=UseCase.TAF_2, party="supplier", purpose=AccessPurpose.BILLING, meters=(METER,),
    registers=(IMPORT,), period_seconds=900, dispatch_seconds=900, billing=MONTH, rule=EXAMPLES[UseCase.TAF_2],
    valid_from=START, valid_until=START + timedelta(days=1), recipient="0" * 64,
)  # fmt: skip


@pytest.mark.parametrize(
    "deviation",
    [
        {"billing": BillingPeriod(2, BillingUnit.MONTH)},
        {"rule": TimeStages(STAGES, TariffCalendar((FREE_DAY,), (2,) * 7))},
        {"meters": (METER, DeviceId("1ISK0000000001"))},
        {"use_case": UseCase.TAF_3, "rule": EXAMPLES[UseCase.TAF_3]},
    ],
    ids=lambda deviation: next(iter(deviation)),
)
def test_what_was_billed_means_the_same_under_every_version(store: ProfileStore, deviation: dict[str, Any]) -> None:
    """FDP_IFF.1/MTR: another rule begins with another profile, not in the middle of a billing period."""
    store.put(BILLED, document=b"one", at=START)
    with pytest.raises(StoreError) as refusal:
        store.put(replace(BILLED, version=2, **deviation), document=b"two", at=START)
    assert refusal.value.reason is StoreReason.PROFILE_IDENTITY
    assert store.put(replace(BILLED, version=2, dispatch_seconds=1800), document=b"three", at=START)


def test_events_keep_their_places(store: ProfileStore) -> None:
    """TR-03109-1, TAF-11: a record of an event names it by its place."""
    control = replace(BILLED, use_case=UseCase.TAF_11, billing=None, rule=ControlEvents(("dim", "off")))
    store.put(control, document=b"one", at=START)
    with pytest.raises(StoreError) as refusal:
        store.put(replace(control, version=2, rule=ControlEvents(("off", "dim"))), document=b"two", at=START)
    assert refusal.value.reason is StoreReason.PROFILE_IDENTITY


def test_credit_is_topped_up_by_a_version(store: ProfileStore) -> None:
    """TR-03109-1, TAF-12: what was granted of the old credit is not changed by the new one."""
    prepaid = replace(BILLED, use_case=UseCase.TAF_12, rule=Prepaid(1000, 100, 60))
    store.put(prepaid, document=b"one", at=START)
    assert store.put(replace(prepaid, version=2, rule=Prepaid(2000, 100, 60)), document=b"two", at=START)


def test_a_former_consumer_is_nobody_any_more() -> None:
    """FDP_ACC.2: whose values a profile gives depends on when they were measured."""
    end = METER_PROFILE.valid_until
    successor = replace(
        METER_PROFILE, id="meter-3", consumer="after", valid_from=end, valid_until=end + timedelta(days=1)
    )
    other = replace(METER_PROFILE, id="meter-2", meter=DeviceId("1ISK0000000001"), consumer="beside")
    one = ProfileSet().with_profile(METER_PROFILE).with_profile(successor).with_profile(other)
    assert one.consumers(START) == ("beside", "house")
    assert one.consumers_of(BILLED, START) == ("house",)
    assert one.consumers(end) == one.consumers_of(BILLED, end) == ("after",)
    assert one.consumers(START - timedelta(seconds=1)) == ()
    assert one.concerned(successor, START) == {"after"}
    told = one.with_profile(BILLED)
    assert told.concerns(START) == {
        ("house", METER.text), ("house", "meter-1"), ("house", "bill"),
        ("beside", "1ISK0000000001"), ("beside", "meter-2"),
    }  # fmt: skip
    assert told.concerns(end) == {("after", METER.text), ("after", "meter-3"), ("after", "bill")}


ACCOUNT = AccountProfile(
    id="account-house", version=1, name="house", role=AccountRole.CONSUMER, consumer="house",
    fingerprints=("ab" * 32,), valid_from=START, valid_until=START + timedelta(days=1),
)  # fmt: skip


def test_an_account_concerns_its_consumer_alone() -> None:
    """FDP_ACF.1: nobody is told that there are others; FMT_SMR.1: a technician is nobody's."""
    technician = replace(ACCOUNT, id="technician", role=AccountRole.TECHNICIAN, consumer=None)
    stranger = replace(ACCOUNT, id="account-stranger", consumer="stranger")
    one = ProfileSet().with_profile(METER_PROFILE).with_profile(ACCOUNT)
    assert one.accounts == {ACCOUNT.id: ACCOUNT}
    assert one.concerned(ACCOUNT, START) == {"house"}
    assert one.concerned(technician, START) == set()
    told = one.with_profile(technician).with_profile(stranger).concerns(START)
    assert told == one.concerns(START) == {("house", METER.text), ("house", "meter-1"), ("house", ACCOUNT.id)}


@pytest.mark.parametrize(
    "deviation",
    [{"name": "home"}, {"consumer": "flat"}, {"role": AccountRole.TECHNICIAN, "consumer": None}],
    ids=lambda deviation: next(iter(deviation)),
)
def test_an_account_stays_the_same_persons(store: ProfileStore, deviation: dict[str, Any]) -> None:
    """PP-0073 FIA_ATD.1: under one id nobody becomes somebody else."""
    store.put(ACCOUNT, document=b"one", at=START)
    with pytest.raises(StoreError) as refusal:
        store.put(replace(ACCOUNT, version=2, **deviation), document=b"two", at=START)
    assert refusal.value.reason is StoreReason.PROFILE_IDENTITY
    assert store.put(replace(ACCOUNT, version=2, fingerprints=("cd" * 32,)), document=b"three", at=START)


def test_a_set_by_kind_and_id() -> None:
    one = ProfileSet().with_profile(METER_PROFILE)
    assert one.get("meter", "meter-1") == METER_PROFILE
    assert one.get("proxy", "meter-1") is None
    assert one.without("meter", "meter-1") == one.without("meter", "meter-1").without("meter", "none") == ProfileSet()
    assert one.current(START) == (METER_PROFILE,)
    assert one.current(METER_PROFILE.valid_until) == ()


def order(store: ProfileStore) -> None:
    """What is changed without a document of its own came in an order."""
    OrderStore(store._database).take(7, bytes(32), repeatable=False, at=START)
