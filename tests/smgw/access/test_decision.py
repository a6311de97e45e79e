"""Who gets what, and why not: every step refuses for its own reason, and an oracle finds no grant too many."""

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.access.grants import Refusal, RefusalReason
from tests.smgw.access.cases import COMMUNICATION, GATEWAY, SERIES, SUM, Memory, at, decided, reading, walked
from tests.wire.profiles.examples import BEGIN, END, EXPORTED, IMPORTED, METER_DEVICE, certificate
from wire.profiles import AccessPurpose, CommunicationProfile, EvaluationProfile
from wire.reading import DeviceId, SignedReading

NOON = at("12:00:00")
SECOND = timedelta(seconds=1)


def test_the_reading_at_a_raster_point_is_granted_as_it_was_signed() -> None:
    """TR-03109-1, TAF-7."""
    signed = reading(NOON + 3 * SECOND)
    (grant,) = decided(signed, SERIES).grants
    assert grant.readings == (signed,)
    assert grant.derived == ()
    assert (grant.profile, grant.profile_version, grant.party) == ("series-1", 1, "grid-operator")
    assert grant.key == "1ISK0012345678|1-0:1.8.0*255|2026-06-01T12:00:00Z"
    assert (grant.period_begin, grant.period_end) == (NOON, NOON + 3 * SECOND)
    assert decided(signed, SERIES).refusals == ()


@pytest.mark.parametrize(
    ("signed", "evaluation", "communication", "reason"),
    [
        (reading(NOON, device=DeviceId("1ISK0000000001")), SERIES, COMMUNICATION, RefusalReason.WRONG_METER),
        (reading(NOON, obis=EXPORTED), SERIES, COMMUNICATION, RefusalReason.WRONG_REGISTER),
        (
            reading(NOON),
            replace(SERIES, purpose=AccessPurpose.VALUE_ADDED),
            COMMUNICATION,
            RefusalReason.WRONG_PURPOSE,
        ),
        (reading(NOON), SERIES, replace(COMMUNICATION, purposes=()), RefusalReason.WRONG_PURPOSE),
        (
            reading(NOON),
            SERIES,
            replace(COMMUNICATION, encryption_certificate=certificate(9)),
            RefusalReason.RECIPIENT_MISMATCH,
        ),
        (
            reading(NOON),
            replace(SERIES, recipient=COMMUNICATION.tls_fingerprint),
            COMMUNICATION,
            RefusalReason.RECIPIENT_MISMATCH,
        ),
        (
            reading(NOON),
            SERIES,
            replace(COMMUNICATION, valid_from=NOON + SECOND),
            RefusalReason.PARTY_NOT_YET_VALID,
        ),
        (reading(NOON), SERIES, replace(COMMUNICATION, valid_until=NOON), RefusalReason.PARTY_EXPIRED),
        (reading(NOON), replace(SERIES, valid_from=NOON + SECOND), COMMUNICATION, RefusalReason.NOT_YET_VALID),
        (
            reading(NOON + 2 * SECOND),
            replace(SERIES, valid_from=NOON + SECOND),
            COMMUNICATION,
            RefusalReason.NOT_YET_VALID,
        ),
        (reading(NOON), replace(SERIES, valid_until=NOON), COMMUNICATION, RefusalReason.EXPIRED),
        (reading(NOON + 10 * SECOND), SERIES, COMMUNICATION, RefusalReason.OFF_RASTER),
        (reading(NOON - SECOND), SERIES, COMMUNICATION, RefusalReason.OFF_RASTER),
        (reading(NOON), replace(SERIES, party="somebody"), COMMUNICATION, RefusalReason.NO_PROFILE),
    ],
)
def test_each_step_refuses_for_its_own_reason(
    signed: SignedReading, evaluation: EvaluationProfile, communication: CommunicationProfile, reason: RefusalReason
) -> None:
    """FDP_IFF.1/MTR: party, meter, register, purpose, time; whatever of them is wrong, nothing flows."""
    decision = decided(signed, evaluation, communications=(communication,))
    assert decision.grants == ()
    assert [refusal.reason for refusal in decision.refusals if refusal.party == "grid-operator"] == [reason]


def test_validity_includes_its_first_second_and_excludes_its_last() -> None:
    evaluation = replace(SERIES, valid_from=NOON, valid_until=NOON + SECOND)
    communication = replace(COMMUNICATION, valid_from=NOON, valid_until=NOON + SECOND)
    assert decided(reading(NOON), evaluation, communications=(communication,)).grants != ()
    assert decided(reading(NOON + SECOND), evaluation, communications=(communication,)).grants == ()


def test_emptiness_denies() -> None:
    """FDP_IFC.2/MTR: where no profile says anything, nothing flows."""
    assert decided(reading(NOON), communications=()).grants == ()
    without_profile = decided(reading(NOON))
    assert without_profile.grants == ()
    assert without_profile.refusals == (Refusal("grid-operator", None, RefusalReason.NO_PROFILE),)
    without_party = decided(reading(NOON), SERIES, communications=())
    assert without_party.grants == ()
    assert without_party.refusals == (Refusal("grid-operator", "series-1", RefusalReason.UNKNOWN_PARTY),)


def test_an_id_that_occurs_twice_grants_nothing() -> None:
    other = replace(COMMUNICATION, id="other", purposes=())
    twice = decided(reading(NOON), SERIES, replace(SERIES, party="other"), communications=(COMMUNICATION, other))
    assert twice.grants == ()
    assert {refusal.reason for refusal in twice.refusals} == {RefusalReason.AMBIGUOUS}
    party_twice = decided(reading(NOON), SERIES, communications=(COMMUNICATION, replace(COMMUNICATION, port=1)))
    assert party_twice.grants == ()
    assert [refusal.reason for refusal in party_twice.refusals] == [RefusalReason.AMBIGUOUS]


def test_the_profile_that_came_furthest_is_the_reason() -> None:
    wrong_meter = replace(SERIES, id="a", meters=(DeviceId("1ISK0000000001"),))
    expired = replace(SERIES, id="b", valid_until=NOON)
    wrong_register = replace(SERIES, id="c", registers=(EXPORTED,))
    decision = decided(reading(NOON), wrong_meter, expired, wrong_register)
    assert decision.refusals == (Refusal("grid-operator", "b", RefusalReason.EXPIRED),)


def test_a_party_that_is_served_is_not_refused_and_another_one_is() -> None:
    other = replace(COMMUNICATION, id="supplier")
    decision = decided(
        reading(NOON), replace(SERIES, id="a", valid_until=NOON), SERIES, communications=(other, COMMUNICATION)
    )
    assert [grant.profile for grant in decision.grants] == ["series-1"]
    assert decision.refusals == (Refusal("supplier", None, RefusalReason.NO_PROFILE),)


def test_the_first_reading_for_a_point_is_the_only_one_however_the_clock_jumps() -> None:
    """FDP_IFF.1/MTR: no finer resolution than the profile has."""
    first, later, earlier = (reading(NOON + SECOND * offset, 1000 + offset) for offset in (5, 7, 2))
    assert [grant.readings[0] for grant in walked([first, later, earlier], SERIES)] == [first]
    refused = decided(earlier, SERIES, history=Memory([first]))
    assert refused.refusals == (Refusal("grid-operator", "series-1", RefusalReason.ALREADY_SERVED),)


def test_the_same_reading_once_more_is_granted_once_more_under_the_same_key() -> None:
    """After a crash between deciding and recording, or with a telegram that comes twice, nothing changes."""
    signed = reading(NOON)
    assert decided(signed, SERIES, history=Memory([signed])) == decided(signed, SERIES)


# The oracle below shares no code with the decision: whole seconds and plain arithmetic.

meters = st.sampled_from((METER_DEVICE, DeviceId("1ISK0000000002"), DeviceId("1ISK0000000003")))
codes = st.sampled_from((IMPORTED, EXPORTED))
offsets = st.integers(-40, 40)
WINDOWS = {15: 5, 60: 5, 900: 9}
"""Seconds after a raster point, by raster."""


@st.composite
def communications(draw: st.DrawFn, name: str) -> CommunicationProfile:
    return replace(
        COMMUNICATION,
        id=name,
        encryption_certificate=certificate(draw(st.integers(1, 2))),
        purposes=draw(st.sampled_from((tuple(AccessPurpose), tuple(AccessPurpose)[:2], ()))),
        valid_from=draw(st.sampled_from((BEGIN, NOON + draw(offsets) * SECOND))),
    )


@st.composite
def evaluations(draw: st.DrawFn, number: int) -> EvaluationProfile:
    period = draw(st.sampled_from((15, 60, 900)))
    return replace(
        SERIES,
        id=f"series-{number}",
        party=draw(st.sampled_from(("one", "two", "three"))),
        purpose=draw(st.sampled_from(AccessPurpose)),
        meters=tuple(draw(st.lists(meters, min_size=1, unique=True))),
        registers=tuple(draw(st.lists(codes, min_size=1, unique=True))),
        period_seconds=period,
        dispatch_seconds=period,
        valid_from=draw(st.sampled_from((BEGIN, NOON + draw(st.integers(-40, 0)) * SECOND))),
        valid_until=draw(st.sampled_from((END, NOON + draw(st.integers(1, 40)) * SECOND))),
        recipient=hashlib.sha256(certificate(draw(st.integers(1, 2)))).hexdigest(),
    )


def entitled(signed: SignedReading, profile: EvaluationProfile, party: CommunicationProfile) -> bool:
    """What the profile says, word for word."""
    second = int(signed.reading.captured_at.timestamp())
    late = second % profile.period_seconds
    first_second = max(int(profile.valid_from.timestamp()), int(party.valid_from.timestamp()))
    last_second = min(int(profile.valid_until.timestamp()), int(party.valid_until.timestamp())) - 1
    return (
        signed.reading.device.text in [meter.text for meter in profile.meters]
        and signed.reading.obis.to_bytes() in [code.to_bytes() for code in profile.registers]
        and profile.purpose.value in [purpose.value for purpose in party.purposes]
        and hashlib.sha256(party.encryption_certificate).hexdigest() == profile.recipient
        and first_second <= second <= last_second
        and second - late >= int(profile.valid_from.timestamp())
        and late <= WINDOWS[profile.period_seconds]
    )


@given(st.data(), st.lists(st.tuples(offsets, meters, codes), min_size=1, max_size=8))
def test_nobody_gets_more_or_less_than_the_oracle_says(
    data: st.DataObject, captured: list[tuple[int, DeviceId, object]]
) -> None:
    """FDP_IFC.2/MTR, FDP_IFF.1/MTR."""
    parties = [data.draw(communications(name)) for name in data.draw(st.sampled_from((("one",), ("one", "two"))))]
    profiles = [data.draw(evaluations(number)) for number in range(data.draw(st.integers(0, 4)))]
    history = Memory()
    taken: Counter[tuple[str, str]] = Counter()
    for offset, device, code in captured:
        signed = reading(NOON + offset * SECOND, device=device, obis=code)  # type: ignore[arg-type]
        if signed in history.readings:
            continue
        decision = decided(signed, *profiles, communications=tuple(parties), history=history)
        history.readings.append(signed)
        taken.update((grant.profile, grant.key) for grant in decision.grants)
        wanted = {p.id for p in profiles for party in parties if p.party == party.id and entitled(signed, p, party)}
        granted = {grant.profile for grant in decision.grants}
        assert granted <= wanted
        for missed in wanted - granted:
            # Only because the point is taken: by an entitled or an earlier reading of the same meter and register.
            period = next(p.period_seconds for p in profiles if p.id == missed)
            second = int(signed.reading.captured_at.timestamp())
            assert any(
                0 <= int(other.reading.captured_at.timestamp()) - second // period * period <= WINDOWS[period]
                for other in history.readings[:-1]
                if (other.reading.device, other.reading.obis) == (device, code)
            )
        assert all(grant.readings == (signed,) for grant in decision.grants)
        served = {grant.party for grant in decision.grants}
        assert {refusal.party for refusal in decision.refusals} >= {party.id for party in parties} - served
        assert not served & {refusal.party for refusal in decision.refusals}
        assert len({refusal.party for refusal in decision.refusals}) == len(decision.refusals)
    assert all(count == 1 for count in taken.values())


@given(st.lists(st.integers(-2000, 2000), max_size=60))
def test_a_jumping_clock_creates_no_second_value_for_a_point(jumps: list[int]) -> None:
    """FDP_IFF.1/MTR: nor by a clock that is set."""
    now = NOON
    signed = []
    for value, jump in enumerate(jumps):
        now += jump * SECOND
        signed.append(reading(now, value))
    grants = walked(signed, SERIES, replace(SUM, period_seconds=900, dispatch_seconds=900))
    assert all(count == 1 for count in Counter((grant.profile, grant.key) for grant in grants).values())
    assert GATEWAY.text not in [grant.key[:14] for grant in grants if grant.readings]
