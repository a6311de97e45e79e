"""Events that are raised and values that are asked for: what the gateway does, and what the administrator learns."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.access.grants import RefusalReason
from smgw.administration.errors import CommandRefusedError
from smgw.store.rows import to_seconds
from smgw.store.tariff_events import TariffEvents
from smgw.tariff_orders import TariffOrders, TariffReason
from testbed.small_pki import NOW
from tests.smgw.store import samples
from tests.smgw.test_gateway import House, evaluation, telegram
from wire.obis import Obis
from wire.orders import RaiseEvent, RequestValues
from wire.profiles import (
    AccessPurpose,
    BillingPeriod,
    BillingUnit,
    ControlEvents,
    EventStages,
    TariffStage,
    UseCase,
)

DAY = timedelta(days=1)


@dataclass
class Desk:
    house: House
    due: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.orders = TariffOrders(self.house.gateway, self.house.database, lambda: self.due.append("due"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = samples.open_database(tmp_path)
    house = House(database)
    grid = house.profiles.communications["grid"]
    for name, use_case in (("daily", UseCase.TAF_6), ("present", UseCase.TAF_9)):
        seconds = 86400 if use_case is UseCase.TAF_6 else 900
        profile = evaluation("series", grid, samples.METER, use_case=UseCase.TAF_7)
        house.profiles.evaluations[name] = replace(
            profile, id=name, use_case=use_case, period_seconds=seconds, dispatch_seconds=seconds
        )
    series = evaluation("series", grid, samples.METER, use_case=UseCase.TAF_7)
    house.profiles.evaluations["control"] = replace(
        series, id="control", use_case=UseCase.TAF_11, rule=ControlEvents(("peak",))
    )
    stages = EventStages((TariffStage(1, Obis.parse("1-0:1.8.1*255")),), 1, (("surplus", 1),))
    house.profiles.evaluations["stages"] = replace(
        series, id="stages", use_case=UseCase.TAF_5, purpose=AccessPurpose.BILLING, rule=stages,
        billing=BillingPeriod(1, BillingUnit.DAY),
    )  # fmt: skip
    yield Desk(house)
    database.close()


def test_an_event_is_kept_with_its_time(desk: Desk) -> None:
    """TR-03109-1, TAF-5 and TAF-11."""
    assert desk.orders.raise_event(RaiseEvent("peak", active=True), NOW).result == {}
    (event,) = TariffEvents(desk.house.database).of(["peak"], NOW)
    assert (event.at, event.active) == (to_seconds(NOW), True)


def test_what_no_profile_waits_for_is_not_kept(desk: Desk) -> None:
    assert desk.orders.raise_event(RaiseEvent("surplus", active=True), NOW).result == {}
    with pytest.raises(CommandRefusedError, match="no evaluation profile waits for weather") as refusal:
        desk.orders.raise_event(RaiseEvent("weather", active=True), NOW)
    assert refusal.value.reason is TariffReason.NOT_AWAITED
    assert TariffEvents(desk.house.database).of(["weather"], NOW) == []


def test_a_second_state_in_the_same_second_is_refused(desk: Desk) -> None:
    desk.orders.raise_event(RaiseEvent("peak", active=True), NOW)
    with pytest.raises(CommandRefusedError) as refusal:
        desk.orders.raise_event(RaiseEvent("peak", active=False), NOW)
    assert refusal.value.reason is TariffReason.OTHER_STATE
    assert len(TariffEvents(desk.house.database).of(["peak"], NOW)) == 1


def test_daily_values_are_owed_to_the_party_and_the_administrator_learns_how_many(desk: Desk) -> None:
    """TR-03109-1, TAF-6; FDP_ACC.2: who asks for values sees none."""
    for days in (2, 1, 0):
        desk.house.accept(telegram(NOW - days * DAY, f"{10 - days}.0"))
    done = desk.orders.request_values(RequestValues("daily"), NOW)
    assert done.result == {"owed": 3}
    assert desk.due == ["due"]
    owed = desk.house.owed("daily")
    assert [one.reading.register.exact() for one in owed] == [8000, 9000, 10000]
    desk.orders.request_values(RequestValues("daily"), NOW)
    assert desk.house.owed("daily") == owed  # once, however often it is asked for


def test_a_present_value_follows_the_next_reading(desk: Desk) -> None:
    """TR-03109-1, TAF-9."""
    assert desk.orders.request_values(RequestValues("present"), NOW).result == {"owed": 0}
    desk.house.accept(telegram(NOW, "5.0"))
    (grant,) = desk.house.gateway.volatile.take("present", NOW)
    assert grant.readings[0].reading.register.exact() == 5000
    assert desk.house.owed("present") == ()


@pytest.mark.parametrize(
    ("profile", "reason"), [("series", RefusalReason.NO_RULE), ("nobody", RefusalReason.NO_PROFILE)]
)
def test_what_no_profile_releases_on_request_is_refused(desk: Desk, profile: str, reason: RefusalReason) -> None:
    """FDP_IFF.1/MTR: an order widens no profile."""
    with pytest.raises(CommandRefusedError) as refusal:
        desk.orders.request_values(RequestValues(profile), NOW)
    assert refusal.value.reason is TariffReason.NOT_RELEASED
    assert reason.value in refusal.value.sentence
    assert desk.due == []
