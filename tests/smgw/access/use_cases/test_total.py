"""TAF-1: one exact sum per period, closed by the last meter's boundary reading, or a reason why there is none."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.access.grants import Refusal, RefusalReason
from tests.smgw.access.cases import (
    COMMUNICATION,
    GATEWAY,
    HOUR,
    SECOND_METER,
    SUM,
    SUM_OF_TWO,
    Memory,
    at,
    decided,
    reading,
    walked,
)
from tests.wire.profiles.examples import EXPORTED, IMPORTED, METER, METER_DEVICE
from wire.profiles import EvaluationProfile
from wire.reading import SignedReading, Unit

NOON = at("12:00:00")
ONE = at("13:00:00")
SECOND = timedelta(seconds=1)
OPENING = reading(NOON + 2 * SECOND, 1000)
CLOSING = reading(ONE + 3 * SECOND, 1700)


def test_a_period_is_one_value_of_the_gateway() -> None:
    (grant,) = decided(CLOSING, SUM, history=Memory([OPENING])).grants
    assert grant.readings == ()
    (derived,) = grant.derived
    assert (derived.device, derived.obis) == (GATEWAY, IMPORTED)
    assert (derived.register.value, derived.register.unit) == (700, Unit.WH)
    assert derived.captured_at == grant.period_end == ONE
    assert grant.period_begin == NOON
    assert grant.key == "EABC0012345678|1-0:1.8.0*255|2026-06-01T12:00:00Z"


@pytest.mark.parametrize(
    ("signed", "history", "evaluation", "reason"),
    [
        (reading(ONE - SECOND), [OPENING], SUM, RefusalReason.PERIOD_OPEN),
        (reading(ONE + 37 * SECOND), [OPENING], SUM, RefusalReason.BOUNDARY_MISSING),
        (CLOSING, [], SUM, RefusalReason.BOUNDARY_MISSING),
        (CLOSING, [reading(NOON - SECOND)], SUM, RefusalReason.BOUNDARY_MISSING),
        (CLOSING, [reading(NOON + 37 * SECOND)], SUM, RefusalReason.BOUNDARY_MISSING),
        (CLOSING, [reading(NOON, obis=EXPORTED)], SUM, RefusalReason.BOUNDARY_MISSING),
        (CLOSING, [reading(NOON, device=SECOND_METER)], SUM, RefusalReason.BOUNDARY_MISSING),
        (CLOSING, [reading(NOON, 1701)], SUM, RefusalReason.NOT_SUMMABLE),
        (CLOSING, [reading(NOON, unit=Unit.VARH)], SUM, RefusalReason.NOT_SUMMABLE),
        (CLOSING, [OPENING, reading(ONE)], SUM, RefusalReason.ALREADY_SERVED),
        (CLOSING, [OPENING], SUM_OF_TWO, RefusalReason.PERIOD_OPEN),
        (
            CLOSING,
            [OPENING, reading(ONE, device=SECOND_METER)],
            SUM_OF_TWO,
            RefusalReason.BOUNDARY_MISSING,
        ),
        (CLOSING, [OPENING], replace(SUM, valid_from=NOON + SECOND), RefusalReason.PERIOD_OPEN),
        (CLOSING, [OPENING], replace(SUM, valid_from=ONE + SECOND), RefusalReason.NOT_YET_VALID),
        (CLOSING, [OPENING], replace(SUM, valid_until=ONE - SECOND), RefusalReason.EXPIRED),
        (reading(ONE - SECOND), [OPENING], replace(SUM, valid_until=ONE - SECOND), RefusalReason.EXPIRED),
        (reading(ONE - SECOND), [OPENING], replace(SUM, valid_from=ONE), RefusalReason.NOT_YET_VALID),
    ],
)
def test_no_sum_without_a_whole_period(
    signed: SignedReading, history: list[SignedReading], evaluation: EvaluationProfile, reason: RefusalReason
) -> None:
    decision = decided(signed, evaluation, history=Memory(history))
    assert decision.grants == ()
    assert decision.refusals == (Refusal("grid-operator", "sum-1", reason),)


def test_the_validity_holds_whole_periods_and_their_end_belongs_to_them() -> None:
    exact = replace(SUM, valid_from=NOON, valid_until=ONE)
    assert len(decided(CLOSING, exact, history=Memory([OPENING])).grants) == 1


def test_a_party_that_has_expired_when_the_period_closes_gets_no_sum() -> None:
    decision = decided(
        CLOSING, SUM, history=Memory([OPENING]), communications=(replace(COMMUNICATION, valid_until=ONE),)
    )
    assert [refusal.reason for refusal in decision.refusals] == [RefusalReason.PARTY_EXPIRED]


def test_the_last_closing_boundary_closes_the_period_whichever_meter_it_is() -> None:
    first = [OPENING, reading(NOON + SECOND, 50, device=SECOND_METER, scaler=1)]
    closing = [CLOSING, reading(ONE + 5 * SECOND, 55, device=SECOND_METER, scaler=1)]
    for last in (closing, closing[::-1]):
        (grant,) = walked([*first, *last], SUM_OF_TWO)
        assert [derived.register.exact() for derived in grant.derived] == [750]


def test_a_lost_period_is_told_even_where_the_party_gets_something_else() -> None:
    series = replace(SUM, id="series-1", use_case=type(SUM.use_case).TAF_7, billing=None)
    decision = decided(CLOSING, SUM, series)
    assert [grant.profile for grant in decision.grants] == ["series-1"]
    assert decision.refusals == (Refusal("grid-operator", "sum-1", RefusalReason.BOUNDARY_MISSING),)


@st.composite
def walks(draw: st.DrawFn) -> list[SignedReading]:
    """Two meters over six hours: boundary readings come early, late, twice, never, in either order and any scaler."""
    signed = []
    for hour in range(7):
        for device in draw(st.permutations((METER_DEVICE, SECOND_METER))):
            scaler = draw(st.integers(-2, 0))
            for offset in sorted(draw(st.sets(st.sampled_from((-5, 0, 1, 20, 36, 37, 900)), max_size=3))):
                # A kilowatt for meter one, two for the other, at the very second.
                watt_seconds = (hour * 3600 + offset + 5) * (1000 if device == METER_DEVICE else 2000)
                value = watt_seconds * 10**-scaler // 3600
                signed.append(reading(NOON + hour * HOUR + offset * SECOND, value, device=device, scaler=scaler))
    return signed


@given(walks())
def test_sums_equal_what_the_registers_advanced_in_exactly_the_periods_that_have_all_boundaries(
    signed: list[SignedReading],
) -> None:
    boundary: dict[tuple[str, int], Decimal] = {}
    for one in signed:
        late = int((one.reading.captured_at - NOON).total_seconds()) % 3600
        hour = int((one.reading.captured_at - NOON).total_seconds()) // 3600
        if late <= 36:
            boundary.setdefault((one.reading.device.text, hour), one.reading.register.exact())
    expected = {}
    for hour in range(6):
        ends = [(boundary.get((m.text, hour)), boundary.get((m.text, hour + 1))) for m in SUM_OF_TWO.meters]
        if all(begin is not None and end is not None for begin, end in ends):
            expected[NOON + hour * HOUR] = sum(
                (end - begin for begin, end in ends if begin is not None and end is not None), Decimal(0)
            )
    grants = walked(signed, SUM_OF_TWO)
    found = {grant.period_begin: derived.register.exact() for grant in grants for derived in grant.derived}
    assert found == expected
    assert len(grants) == len(expected)


def test_a_subtracted_meter_is_taken_off() -> None:
    """TR-03109-1, TAF-1: arithmetic between devices."""
    first = [OPENING, reading(NOON + SECOND, 50, device=SECOND_METER, scaler=1)]
    closing = [CLOSING, reading(ONE + 5 * SECOND, 55, device=SECOND_METER, scaler=1)]
    (grant,) = walked([*first, *closing], replace(SUM_OF_TWO, subtracted=(SECOND_METER,)))
    assert [derived.register.exact() for derived in grant.derived] == [650]


def test_meters_that_came_and_went_need_readings_close_to_their_change() -> None:
    """TR-03109-1, TAF-1: a change of meters inside the period loses nothing, or there is no sum."""
    change = NOON + 1800 * SECOND
    old, new = replace(METER, valid_until=change), replace(METER, id="new", meter=SECOND_METER, valid_from=change)
    quarterly = replace(SUM_OF_TWO, period_seconds=900)
    readings = [
        reading(NOON, 100),
        reading(change - 900 * SECOND, 110),
        reading(change + 20 * SECOND, 7, device=SECOND_METER),
        reading(ONE, 12, device=SECOND_METER),
    ]
    (grant,) = walked(readings, quarterly, meters=(old, new))
    assert [derived.register.exact() for derived in grant.derived] == [15]
    without = [readings[0], *readings[2:]]
    assert walked(without, quarterly, meters=(old, new)) == []
