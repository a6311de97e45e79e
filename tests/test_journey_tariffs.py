"""The same nine steps for values that the gateway computes, and for values that it never stores (docs/journey.md)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from datacenter import queries
from datacenter.queries import Selection
from pki.certificates import Purpose, Role
from pki.inner import verify_reading
from testbed.world import GATEWAY, IMPORT, METER, QUARTER_HOUR, SERIES, World
from wire.profiles import (
    BillingPeriod,
    BillingUnit,
    DayProfile,
    EvaluationProfile,
    EventStages,
    Extremes,
    Prepaid,
    TariffCalendar,
    TariffStage,
    TariffSwitch,
    TimeStages,
    UseCase,
    derived_register,
)
from wire.reading import SignedReading

ROUND_THE_CLOCK = TariffCalendar((DayProfile(1, (TariffSwitch(0, 1), TariffSwitch(13 * 60, 2))),), (1,) * 7)
"""Stage 2 from noon UTC on in winter, which is when the world begins."""
STAGES = tuple(TariffStage(number, derived_register(IMPORT, number)) for number in (1, 2))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    built = World(tmp_path)
    yield built
    built.close()


def rows(world: World, profile: str) -> list[SignedReading]:
    with world.datacenter.engine.connect() as connection:
        found = [row for row in queries.readings(connection, Selection()) if row.profile == profile]
    signed = [row.signed for row in found]
    assert all(isinstance(one, SignedReading) for one in signed)
    return [one for one in signed if isinstance(one, SignedReading)]


def only(world: World, profile: EvaluationProfile) -> None:
    world.profiles.evaluations.clear()
    world.profiles.evaluations[profile.id] = profile


def hour(world: World) -> None:
    for _ in range(5):
        world.poll()
        world.advance(QUARTER_HOUR)
    world.advance(timedelta(minutes=30))
    for _ in range(3):
        world.deliver()


@pytest.mark.parametrize(
    ("use_case", "rule", "codes"),
    [
        (UseCase.TAF_2, TimeStages(STAGES, ROUND_THE_CLOCK), {"1.8.0", "1.8.1", "1.8.2", "1.8.63"}),
        (UseCase.TAF_5, EventStages(STAGES, 2, (("peak", 1),)), {"1.8.0", "1.8.1", "1.8.2", "1.8.63"}),
        (UseCase.TAF_8, Extremes(1, 2), {"1.3.0", "1.6.0"}),
        (UseCase.TAF_12, Prepaid(10**6, 0, 0), {"19.10.0", "19.0.0"}),
    ],
)
def test_registers_that_the_gateway_computed_are_rows_with_its_signature(
    world: World, use_case: UseCase, rule: TimeStages | EventStages | Extremes | Prepaid, codes: set[str]
) -> None:
    """TR-03109-1, TAF-2, TAF-5, TAF-8, TAF-12; FCO_NRO.2: several values of the gateway in one delivery."""
    billing = BillingPeriod(3600, BillingUnit.SECOND)
    only(world, replace(world.profiles.evaluations[SERIES], id="tariff", use_case=use_case, rule=rule, billing=billing))
    hour(world)
    signed = rows(world, "tariff")
    assert {str(one.reading.obis).split(":")[1].split("*")[0] for one in signed} == codes
    holder = world.gateway_holders[Purpose.SIG]
    signer = world.pki.verified(holder, Role.SMGW, Purpose.SIG, world.now)
    for one in signed:
        assert verify_reading(one, signer).device == GATEWAY
    if use_case is UseCase.TAF_2:
        amounts = {str(one.reading.obis): one.reading.register.value for one in signed}
        assert amounts["1-0:1.8.0*255"] == amounts["1-0:1.8.2*255"] > 0
        assert amounts["1-0:1.8.1*255"] == amounts["1-0:1.8.63*255"] == 0


def test_values_that_are_never_stored_reach_the_party_all_the_same(world: World) -> None:
    """TR-03109-1, TAF-10: never stored by the gateway."""
    only(world, replace(world.profiles.evaluations[SERIES], id="grid", use_case=UseCase.TAF_10))
    meter = world.profiles.meters[METER.text]
    world.profiles.meters[METER.text] = replace(meter, store_seconds=3600)
    world.advance(QUARTER_HOUR)
    (reading,) = world.poll()
    assert world.gateway_side.readings.count() == 0
    world.advance(QUARTER_HOUR + timedelta(minutes=2))
    for _ in range(3):
        world.deliver()
    assert [one.reading for one in rows(world, "")] == [reading]  # a measured value belongs to its meter
