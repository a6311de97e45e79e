"""What an observer could count and measure of a profile, from its terms alone (FPR_CON.1)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.store.outbox import DELIVERY_LIMIT, Delivery
from smgw.wan.concealment import EVENT_DRIVEN, SMALLEST_ROOM, look_of, size_of
from smgw.wan.sealing import content_of
from tests.smgw.store import samples
from tests.wire.profiles.examples import EVALUATION, IMPORTED, METER_DEVICE, PSEUDONYM, evaluation_profiles
from wire.content_size import MAXIMUM_BYTES
from wire.cosem_xml import render
from wire.profiles import AccessPurpose, EvaluationProfile, UseCase
from wire.profiles.billing import BillingPeriod, BillingUnit
from wire.profiles.tariff import ControlEvents, Extremes, LoadStages, Mirror, TariffStage
from wire.reading import DeviceId, Register, SignedReading, Unit

STAGES = LoadStages(tuple(TariffStage(n, replace(IMPORTED, e=n)) for n in (1, 2, 3)), (1000, 5000))
MONTH, DAY = BillingPeriod(1, BillingUnit.MONTH), BillingPeriod(1, BillingUnit.DAY)
FEED_IN = replace(EVALUATION, use_case=UseCase.TAF_9)
GRID = replace(EVALUATION, use_case=UseCase.TAF_10, purpose=AccessPurpose.GRID_OPERATION)


def delivery(*numbers: int, value: int = 1, status: int = 0) -> Delivery:
    readings = [samples.reading(number, value=value, meter=METER_DEVICE, status=status) for number in numbers]
    grants = tuple(samples.grant(number, readings=(one,)) for number, one in zip(numbers, readings, strict=True))
    return Delivery(EVALUATION.id, 1, samples.START + timedelta(days=1), grants)


def size(found: Delivery, evaluation: EvaluationProfile) -> int:
    return size_of(found, evaluation, look_of(evaluation, {}))


def test_the_use_cases_that_events_drive() -> None:
    """FPR_CON.1: what depends on events, credit, requests or memory is covered, what the calendar gives is not."""
    numbers = {int(use_case.value.removeprefix("TAF-")) for use_case in EVENT_DRIVEN}
    assert numbers == {5, 9, 10, 11, 12, 14}
    assert all(look_of(profile, {}).always for profile in (FEED_IN, GRID))
    assert not look_of(EVALUATION, {}).always


@settings(max_examples=60)
@given(evaluation_profiles())
def test_no_profile_asks_for_more_than_a_document_holds(evaluation: EvaluationProfile) -> None:
    most = look_of(evaluation, {}).readings
    assert 1 <= most <= 1000
    shorter = replace(evaluation, dispatch_seconds=evaluation.period_seconds)
    empty = Delivery(evaluation.id, 1, samples.START, ())
    assert size(empty, shorter) <= size(empty, evaluation) <= MAXIMUM_BYTES


@pytest.mark.parametrize(
    ("evaluation", "expected"),
    [
        (EVALUATION, 4),
        (replace(EVALUATION, period_seconds=3600), 1),
        (replace(EVALUATION, period_seconds=1, dispatch_seconds=86_400), DELIVERY_LIMIT),
        (replace(EVALUATION, meters=(METER_DEVICE, DeviceId("1ISK0012345679"))), 8),
        (replace(EVALUATION, use_case=UseCase.TAF_3, rule=STAGES, billing=MONTH), 5),
        (
            replace(EVALUATION, use_case=UseCase.TAF_8, rule=Extremes(3, 4), billing=BillingPeriod(1, BillingUnit.DAY)),
            7,
        ),
        (
            replace(
                EVALUATION,
                use_case=UseCase.TAF_1,
                dispatch_seconds=86_400 * 3,
                billing=DAY,
            ),
            4,
        ),
        (replace(EVALUATION, use_case=UseCase.TAF_14, purpose=AccessPurpose.VALUE_ADDED, period_seconds=60), 120),
        (FEED_IN, SMALLEST_ROOM),
        (replace(FEED_IN, dispatch_seconds=36_000), 80),
    ],
)
def test_room_for_all_that_one_dispatch_should_carry(evaluation: EvaluationProfile, expected: int) -> None:
    assert look_of(evaluation, {}).readings == expected


@given(
    count=st.integers(0, SMALLEST_ROOM),
    value=st.integers(-(2**63) + 1, 2**63 - 1),
    status=st.integers(0, 2**64 - 1),
)
def test_a_document_of_one_profile_has_one_length(count: int, value: int, status: int) -> None:
    """FPR_CON.1: none or all that it has room for, whatever the values are."""
    for evaluation in (GRID, EVALUATION):
        look = look_of(evaluation, {})
        found = delivery(*range(min(count, look.readings)), value=value, status=status)
        empty = Delivery(evaluation.id, 2**60, samples.START, ())
        lengths = {len(render(content_of(one, evaluation, look, samples.GATEWAY))) for one in (found, empty)}
        assert lengths == {size(empty, evaluation)}


def test_every_reading_may_come_from_another_register() -> None:
    """An event may bring values that the raster does not; under an alias too."""
    registers = [replace(IMPORTED, e=number) for number in range(SMALLEST_ROOM)]
    readings = tuple(
        replace(signed, reading=replace(signed.reading, obis=obis, register=Register(-1, -12, Unit.COUNT)))
        for obis, signed in ((obis, samples.reading(0)) for obis in registers)
    )
    assert all(isinstance(one, SignedReading) for one in readings)
    full = Delivery(EVALUATION.id, 1, samples.START, (samples.grant(0, readings=readings),))
    empty = Delivery(EVALUATION.id, 1, samples.START, ())
    for evaluation in (GRID, replace(GRID, pseudonym=PSEUDONYM)):
        assert size(full, evaluation) == size(empty, evaluation)


def test_only_a_backlog_of_the_calendar_shows() -> None:
    """An outage is no secret: whoever looks at the wire saw it."""
    regular, backlog = delivery(*range(4)), delivery(*range(90))
    assert size(backlog, EVALUATION) > size(regular, EVALUATION) == size(delivery(0), EVALUATION)


def test_a_mirror_looks_like_what_it_shows() -> None:
    """FPR_CON.1, TR-03109-1, TAF-13: with dispatch times of its own."""
    mirror = replace(EVALUATION, id="shown", use_case=UseCase.TAF_13, rule=Mirror(EVALUATION.id))
    controls = replace(EVALUATION, use_case=UseCase.TAF_11, rule=ControlEvents(("dim",)))
    hourly = replace(mirror, dispatch_seconds=7200)
    assert look_of(mirror, {EVALUATION.id: EVALUATION}) == look_of(EVALUATION, {})
    assert look_of(mirror, {EVALUATION.id: controls}) == look_of(controls, {})
    assert look_of(hourly, {EVALUATION.id: EVALUATION}).readings == 2 * look_of(EVALUATION, {}).readings
    assert not look_of(mirror, {}).always, "what shows nothing is owed nothing"
