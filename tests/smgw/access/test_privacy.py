"""FDP_IFF.1/MTR, T.Privacy: whatever profiles there are, a party gets only what one of its own releases.

Two oracles, neither of which knows the decision. The first reads each profile word for word and looks for a grant that
goes beyond it. The second asks no profile at all: it changes what a profile does not release, and whatever of its
grants changed with that has leaked.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.access.grants import Grant
from smgw.metering.tariffs.taf5 import TariffEvent
from tests.smgw.access.cases import COMMUNICATION, GATEWAY, SECOND_METER, SERIES, SUM, Memory, at, decided, reading
from tests.smgw.access.use_cases import worlds
from tests.wire.profiles.examples import BEGIN, END, EXPORTED, IMPORTED, METER_DEVICE, certificate
from wire.profiles import DEMANDS, AccessPurpose, CommunicationProfile, EvaluationProfile, Mirror, UseCase
from wire.reading import DeviceId, Reading, SignedReading

NOON = at("12:00:00")
MINUTE = timedelta(minutes=1)
STEP = 5 * MINUTE
STEPS = 40
WINDOW = {60: 5, 300: 5, 900: 9, 3600: 36}
"""Seconds after a raster point, by raster."""
PROFILES = (
    replace(SUM, billing=worlds.HOURLY, period_seconds=900),
    replace(worlds.TIME, billing=worlds.HOURLY),
    worlds.LOAD,
    worlds.BLOCK,
    worlds.EVENT,
    worlds.DAILY_VALUES,
    SERIES,
    worlds.EXTREME,
    worlds.ON_REQUEST,
    worlds.GRID,
    worlds.WATCH,
    worlds.CONTROL,
    worlds.PREPAID,
    worlds.MIRROR,
    worlds.FAST,
)
_STAGES = {"1-0:1.8.0*255", "1-0:1.8.1*255", "1-0:1.8.2*255", "1-0:1.8.63*255"}
DERIVED = {
    UseCase.TAF_1: {"1-0:1.8.0*255", "1-0:2.8.0*255"},
    UseCase.TAF_2: _STAGES,
    UseCase.TAF_3: _STAGES,
    UseCase.TAF_4: _STAGES,
    UseCase.TAF_5: _STAGES,
    UseCase.TAF_8: {"1-0:1.3.0*255", "1-0:1.6.0*255"},
    UseCase.TAF_10: {"1-0:1.8.0*255", "1-1:1.8.0*255", "1-2:1.8.0*255"},
    UseCase.TAF_11: {"0-0:96.11.1*255", "0-0:96.11.2*255"},
    UseCase.TAF_12: {"0-0:19.0.0*255", "0-0:19.10.0*255"},
}
"""The codes of values that are computed, by use case; the others have none."""

instants = st.integers(-12, STEPS * 5 + 12).map(lambda minutes: NOON + minutes * MINUTE)


@st.composite
def profiles(draw: st.DrawFn, number: int) -> EvaluationProfile:
    one = draw(st.sampled_from(PROFILES))
    demands = DEMANDS[one.use_case]
    begin = draw(st.sampled_from((BEGIN, BEGIN, NOON + 17 * MINUTE, NOON + 60 * MINUTE)))
    end = draw(st.sampled_from((END, NOON + 120 * MINUTE, NOON + 133 * MINUTE)))
    several = demands.several_meters and draw(st.booleans())
    purposes = sorted(demands.purposes)
    return replace(
        one,
        id=f"{one.id}-{number}" if one.id != SERIES.id or number else SERIES.id,
        party=draw(st.sampled_from(("one", "two", "three"))),
        purpose=AccessPurpose(draw(st.sampled_from(purposes))),
        meters=(METER_DEVICE, SECOND_METER) if several else (draw(st.sampled_from((METER_DEVICE, SECOND_METER))),),
        valid_from=begin,
        valid_until=end,
    )


@st.composite
def parties(draw: st.DrawFn, name: str) -> CommunicationProfile:
    return replace(
        COMMUNICATION,
        id=name,
        encryption_certificate=certificate(draw(st.sampled_from((2, 2, 2, 3)))),
        purposes=draw(st.sampled_from((tuple(AccessPurpose), tuple(AccessPurpose)[:2]))),
        valid_until=draw(st.sampled_from((END, NOON + 90 * MINUTE))),
    )


@st.composite
def days(draw: st.DrawFn) -> list[tuple[SignedReading, bool]]:
    """Two meters with two registers every five minutes, late, missing or twice; whether each reading is stored."""
    found = []
    shown: Counter[DeviceId] = Counter()
    missing = draw(st.sets(st.integers(0, STEPS), max_size=12)) | draw(st.sampled_from(({24}, {0, 24}, set())))
    doubled = draw(st.sets(st.integers(0, STEPS), max_size=4))
    advances = draw(st.lists(st.integers(0, 90), min_size=STEPS + 1, max_size=STEPS + 1))
    for step in range(STEPS + 1):
        late = draw(st.sampled_from((0, 0, 0, 4, 30))) if step % 4 == 0 else 0
        for device in (METER_DEVICE, SECOND_METER):
            shown[device] += advances[step] if device == METER_DEVICE else advances[-step]
            if step in missing and device == METER_DEVICE:
                continue
            for obis in (IMPORTED, EXPORTED):
                one = reading(NOON + step * STEP + timedelta(seconds=late), shown[device], device=device, obis=obis)
                found.append((one, step % 3 == 0))
                if step in doubled:
                    soon = replace(one.reading, captured_at=one.reading.captured_at + timedelta(seconds=2))
                    found.append((replace(one, reading=soon), step % 3 == 0))
    return found


EVENTS = tuple(
    TariffEvent(int((NOON + minutes * MINUTE).timestamp()), name, active)
    for minutes, name, active in ((7, "peak", True), (50, "shed", True), (71, "peak", False), (120, "shed", False))
)


def walked(
    day: list[tuple[SignedReading, bool]],
    evaluations: list[EvaluationProfile],
    communications: tuple[CommunicationProfile, ...],
    requests: dict[str, datetime],
) -> list[tuple[Reading, Grant]]:
    """Every grant with the reading that brought it."""
    history, found = Memory(events=EVENTS), []
    for signed, recorded in day:
        decision = decided(
            signed,
            *evaluations,
            history=history,
            communications=communications,
            requests=requests,
            recorded=recorded,
        )
        assert recorded or decision.grants == ()
        assert all(DEMANDS[_of(grant, evaluations).use_case].unstored for grant in decision.volatile)
        found += [(signed.reading, grant) for grant in (*decision.grants, *decision.volatile)]
        (history.readings if recorded else history.unstored).append(signed)
    return found


def _of(grant: Grant, evaluations: list[EvaluationProfile]) -> EvaluationProfile:
    (profile,) = (one for one in evaluations if one.id == grant.profile)
    return profile


def _second(instant: datetime) -> int:
    return int(instant.timestamp())


def goes_beyond(brought: Reading, grant: Grant, profile: EvaluationProfile, party: CommunicationProfile) -> list[str]:
    """How ``grant`` goes beyond what ``profile`` says, word for word."""
    end = _second(profile.valid_until)
    wrong = [
        grant.party != profile.party or party.id != profile.party,
        profile.purpose not in party.purposes,
        party.encryption_fingerprint != profile.recipient,
        brought.captured_at >= party.valid_until,
        brought.device not in profile.meters,
        brought.obis not in profile.registers,
        _second(grant.period_begin) < _second(profile.valid_from),
    ]
    for signed in grant.readings:
        captured = _second(signed.reading.captured_at)
        wrong += [signed.reading != brought, captured >= end]
    for value in grant.derived:
        use_case = profile.use_case
        wrong += [
            value.device != GATEWAY,
            str(value.obis) not in DERIVED.get(use_case, DERIVED[UseCase.TAF_2] | DERIVED[UseCase.TAF_1]),
            _second(value.captured_at) > end,
            not grant.period_begin <= value.captured_at <= grant.period_end,
        ]
    if profile.use_case in (UseCase.TAF_7, UseCase.TAF_14):
        raster = profile.period_seconds
        wrong.append(_second(brought.captured_at) % raster > WINDOW[raster])
    return [f"{profile.use_case} {place}" for place, found in enumerate(wrong) if found]


@settings(max_examples=60)
@given(st.data(), days())
def test_no_grant_goes_beyond_the_profile_under_which_it_was_made(
    data: st.DataObject, day: list[tuple[SignedReading, bool]]
) -> None:
    """FDP_IFF.1/MTR, FDP_IFC.2/MTR: only its meters, registers, purpose, recipient, raster, time; each once."""
    communications = tuple(data.draw(parties(name)) for name in ("one", "two"))
    evaluations = [data.draw(profiles(number)) for number in range(data.draw(st.integers(1, 6)))]
    requests = {one.id: NOON + 30 * MINUTE for one in evaluations if one.use_case is UseCase.TAF_9}
    keys: Counter[tuple[str, str]] = Counter()
    for brought, grant in walked(day, evaluations, communications, requests):
        profile = _of(grant, evaluations)
        party = next((one for one in communications if one.id == profile.party), None)
        assert party is not None
        if profile.use_case is not UseCase.TAF_13:
            assert goes_beyond(brought, grant, profile, party) == []
        elif isinstance(profile.rule, Mirror):
            shown = next(
                one for one in evaluations if isinstance(profile.rule, Mirror) and one.id == profile.rule.profile
            )
            assert goes_beyond(brought, grant, replace(shown, party=profile.party), party) in (
                [],
                [f"{shown.use_case} 1"],
            )
            assert goes_beyond(brought, grant, replace(profile, use_case=UseCase.TAF_7, rule=None), party) == []
        if not grant.key.startswith(f"{GATEWAY}|shed"):  # an event is told once, whichever register follows it
            keys[grant.profile, grant.key] += 1
    assert all(count == 1 for count in keys.values())


@settings(max_examples=60)
@given(st.data(), days(), st.integers(1, 10**6))
def test_what_a_profile_does_not_name_changes_nothing_that_it_grants(
    data: st.DataObject, day: list[tuple[SignedReading, bool]], more: int
) -> None:
    """T.Privacy: values of other meters, other registers and after the end leave no trace in what a party gets."""
    (profile,) = [replace(data.draw(profiles(0)), party="one")]
    party = replace(COMMUNICATION, id="one", purposes=tuple(AccessPurpose))
    end = profile.valid_until + timedelta(seconds=WINDOW.get(profile.period_seconds, 36))

    def other(signed: SignedReading) -> SignedReading:
        one = signed.reading
        if one.device in profile.meters and one.obis in profile.registers and one.captured_at <= end:
            return signed
        register = replace(one.register, value=one.register.value + more)
        return replace(signed, reading=replace(one, register=register))

    requests = {profile.id: NOON + 30 * MINUTE}
    changed = [(other(signed), recorded) for signed, recorded in day]
    first, second = (walked(one, [profile], (party,), requests) for one in (day, changed))
    assert [grant for _, grant in first] == [grant for _, grant in second]


ENDS_ONLY = (PROFILES[0], replace(worlds.TIME, billing=worlds.HOURLY), worlds.BLOCK)
"""From noon to four in the afternoon one stage holds, so that not even the stages of TAF-2 need what lies between."""


@given(st.lists(st.integers(0, 900), min_size=4, max_size=4), st.data(), st.sampled_from(ENDS_ONLY))
def test_how_the_energy_of_a_period_was_used_does_not_show(
    hours: list[int], data: st.DataObject, profile: EvaluationProfile
) -> None:
    """T.Privacy, at no finer resolution: two days that differ only inside the periods are the same to the party."""

    def day() -> list[tuple[SignedReading, bool]]:
        shown, found = 1000, [(reading(NOON, 1000), True)]
        for hour, used in enumerate(hours):
            inner = sorted(data.draw(st.lists(st.integers(0, used), min_size=3, max_size=3)))
            for quarter, value in enumerate((*inner, used), 1):
                found.append((reading(NOON + (4 * hour + quarter) * worlds.QUARTER, shown + value), True))
            shown += used
        return found

    party = replace(COMMUNICATION, id=profile.party, purposes=tuple(AccessPurpose))
    first, second = ([grant for _, grant in walked(day(), [profile], (party,), {})] for _ in range(2))
    assert len(first) == 4
    assert first == second
