"""The time service against a real administrator's server, and against one that answers as it should not."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from pki.revoke import Revocation
from smgw.administration.errors import CommandRefusedError
from smgw.clock import LONGEST_TRUST, ClockState
from smgw.secure_states import Duty, SecureState
from smgw.store.calibration_log import CalibrationLog
from smgw.store.logs import Event
from smgw.store.profiles import ProfileSet
from smgw.wan import retry
from smgw.wan.service import Visit
from smgw.wan.time_service import (
    INTERVAL,
    LONGEST_DELAY,
    START_SPREAD,
    ComparisonError,
    TimeReason,
    TimeService,
    ask,
    tolerance,
)
from tests.admin.server_world import World, clock, until, world
from tests.smgw.metering.examples import profile
from tests.smgw.wan.service_site import Site, at_clerk, at_office, evaluation, near
from wire import ntp
from wire.http import Response
from wire.http_server import Request
from wire.orders import SynchroniseClock
from wire.profiles import AccessPurpose, UseCase

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "administrator").mkdir()
    with world(tmp_path / "administrator") as made:
        yield made


@pytest.fixture
def site(office: World, tmp_path: Path) -> Iterator[Site]:
    with at_office(office, tmp_path / "gateway") as made:
        yield made


def drifted(site: Site, seconds: float) -> None:
    site.drift += timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("periods", "seconds"), [((), 27), ((900, 3600), 27), ((10,), 0.3), ((86400,), 27), ((60, 10), 0.3)]
)
def test_three_percent_of_the_shortest_period_and_never_more_than_27_seconds(
    periods: tuple[int, ...], seconds: float
) -> None:
    """FPT_STM.1; TR-03109-1, tolerance of time: of the shortest registration period of the installed profiles."""
    found = [evaluation(clock().replace(microsecond=0), period) for period in periods]
    assert tolerance(ProfileSet(evaluations={one.id: one for one in found})) == timedelta(seconds=seconds)


def test_what_a_meter_registers_counts_and_what_is_never_stored_does_not() -> None:
    """FPT_STM.1: the shortest period at which anything is registered."""
    registering = evaluation(clock().replace(microsecond=0), 60)
    high = replace(registering, use_case=UseCase.TAF_14, purpose=AccessPurpose.VALUE_ADDED)
    meter = profile(interval_seconds=60, store_seconds=300)
    assert tolerance(ProfileSet(evaluations={high.id: high})) == timedelta(seconds=27)
    assert tolerance(ProfileSet(meters={meter.id: meter}, evaluations={high.id: high})) == timedelta(seconds=9)


@pytest.mark.token
@pytest.mark.parametrize("seconds", [20, -20])
def test_within_tolerance_it_is_corrected_silently(site: Site, seconds: float) -> None:
    """FPT_STM.1, FDP_IFF.1/MTR; TR-03109-1, NTP-HTTPS: corrected only within the tolerance."""
    drifted(site, seconds)
    assert site.clock.state is ClockState.UNKNOWN
    comparison = site.time.synchronise()
    assert comparison.corrected
    assert near(comparison.deviation, timedelta(seconds=-seconds))
    assert near(site.error, timedelta())
    assert (site.clock.state, site.state) == (ClockState.VALID, SecureState.NORMAL)
    assert site.logged() == ["CLOCK_SYNCHRONISED SUCCESS"]
    assert site.calibration() == []
    assert (site.queue.waiting(), site.changes) == (0, 0)


@pytest.mark.token
def test_what_happens_all_day_is_counted(site: Site) -> None:
    for _ in range(3):
        drifted(site, 5)
        site.time.synchronise()
    (entry,) = site.house.logged()
    assert (entry.event, entry.repetition_count, entry.parameters) == (Event.CLOCK_SYNCHRONISED, 2, {"corrected": 1})


@pytest.mark.token
def test_what_is_less_than_the_error_of_measuring_is_left_alone(site: Site) -> None:
    site.time.synchronise()
    offset = site.clock.memory.offset
    site.late = 0.0
    comparison = site.time.synchronise()
    assert comparison.corrected is (abs(comparison.deviation) > comparison.delay / 2)
    assert comparison.corrected or site.clock.memory.offset == offset


@pytest.mark.token
@pytest.mark.parametrize("seconds", [40, -40])
def test_above_it_only_administration_remains(site: Site, seconds: float) -> None:
    """FPT_STM.1, FPT_FLS.1; TR-03109-1, tolerance of time: a deviation beyond 3 % is corrected by order alone."""
    drifted(site, seconds)
    comparison = site.time.synchronise()
    assert (comparison.corrected, comparison.state) == (False, ClockState.DEVIATING)
    assert near(site.error, timedelta(seconds=seconds)), "nothing was corrected"
    assert near(site.clock.administration() - clock(), timedelta()), "but his orders are judged by his time"
    assert site.state is SecureState.APPLICATION
    assert not site.states.works(Duty.DELIVER, site.clock())
    assert not site.states.works(Duty.CLAIM_VALID_TIME, site.clock())
    assert site.states.works(Duty.HEAR_WAKE_UPS, site.clock())
    events = ["CLOCK_DEVIATION FAILURE", "SECURE_STATE FAILURE"]
    assert site.logged() == site.calibration() == events
    deviation = CalibrationLog(site.house.database).entries()[0].parameters
    assert deviation["tolerance_milliseconds"] == 27_000
    assert near(timedelta(milliseconds=int(deviation["deviation_milliseconds"])), timedelta(seconds=-seconds))
    assert (site.queue.waiting(), site.changes) == (2, 1)


@pytest.mark.token
def test_a_short_period_makes_a_small_tolerance(site: Site) -> None:
    site.period(60)
    drifted(site, 10)
    assert site.time.synchronise().state is ClockState.DEVIATING


@pytest.mark.token
def test_in_a_state_that_compares_nothing_nobody_is_asked(site: Site) -> None:
    """FPT_FLS.1: the time service itself asks whether the clock is compared."""
    resting = TimeService(replace(site.time._ports, may_ask=lambda _: False))
    with pytest.raises(ComparisonError) as refusal:
        resting.synchronise()
    assert refusal.value.reason == "secure-state"
    assert site.clock.state is ClockState.UNKNOWN


def test_the_end_of_a_deviation_says_what_else_holds(site: Site) -> None:
    service = TimeService(replace(site.time._ports, otherwise=lambda _: SecureState.CONNECTIVITY))
    site.drift = timedelta(hours=1)
    service.synchronise()
    service.synchronise(ordered=True, accept_any_deviation=True)
    told = [entry.parameters for entry in site.house.logged() if entry.event is Event.SECURE_STATE]
    assert [one["state"] for one in told] == ["application", "connectivity"]
    assert {one["condition"] for one in told} == {"clock-deviation"}


def test_the_secure_state_outlives_a_restart_and_a_deviation_that_went_by_itself(site: Site) -> None:
    """FPT_FLS.1: only somebody who looked ends it."""
    drifted(site, 40)
    site.time.synchronise()
    site.restart()
    assert site.state == SecureState.APPLICATION.value
    assert near(site.clock.administration() - clock(), timedelta())
    drifted(site, -40)
    assert site.time.synchronise().state is ClockState.DEVIATING
    assert near(site.clock.administration() - clock(), timedelta()), "known anew"
    assert len(site.calibration()) == 2, "the state is written down once"
    done = site.time.order(SynchroniseClock(accept_any_deviation=False), site.house.now)
    assert done.result["state"] == "valid"
    assert site.state is SecureState.NORMAL
    assert site.calibration()[2:] == ["CLOCK_SET SUCCESS", "SECURE_STATE SUCCESS"]


@pytest.mark.token
def test_an_order_that_does_not_accept_leaves_the_state(site: Site) -> None:
    drifted(site, 40)
    done = site.time.order(SynchroniseClock(accept_any_deviation=False), site.house.now)
    assert (done.result["state"], done.result["corrected"]) == ("deviating", False)
    assert site.state is SecureState.APPLICATION


@pytest.mark.token
@pytest.mark.parametrize("hours", [0.5, -20])
def test_by_order_it_is_set_by_any_amount_and_stays_so(site: Site, hours: float) -> None:
    drifted(site, -3600 * hours)
    site.time.synchronise()
    done = site.time.order(SynchroniseClock(accept_any_deviation=True), site.house.now)
    assert (done.result["state"], done.result["corrected"]) == ("valid", True)
    assert near(site.error, timedelta())
    assert (site.state, site.changes) == (SecureState.NORMAL, 2)
    assert site.calibration() == [*site.logged()]
    assert site.calibration()[2:] == ["CLOCK_SET SUCCESS", "SECURE_STATE SUCCESS"]
    change = CalibrationLog(site.house.database).entries()[2].parameters
    assert set(change) == {"before", "after", "deviation_milliseconds"}
    assert near(timedelta(milliseconds=int(change["deviation_milliseconds"])), timedelta(hours=hours))
    site.restart()
    assert near(site.error, timedelta()), "the machine's clock is as wrong as before"
    assert site.time.synchronise().state is ClockState.VALID


@pytest.mark.token
def test_long_without_the_administrator_values_are_flagged_and_delivered(site: Site) -> None:
    """FPT_STM.1, FDP_IFF.1/MTR: a clock that nobody compared for 24 hours makes no valid time."""
    assert timedelta(hours=24) >= LONGEST_TRUST > INTERVAL
    site.time.synchronise()
    drifted(site, LONGEST_TRUST.total_seconds() + 60)
    assert (site.clock.state, site.state) == (ClockState.UNKNOWN, SecureState.MEASUREMENT)
    assert site.states.works(Duty.DELIVER, site.clock())
    site.restart()
    assert site.state is SecureState.MEASUREMENT


@pytest.mark.token
def test_a_revoked_administrator_is_not_asked(office: World, site: Site) -> None:
    revoked = Revocation(office.tls.certificate.serial_number, clock() - HOUR)
    site.house.trust = office.pki.trust(sub_ca=(revoked,))
    drifted(site, 5)
    with pytest.raises(ComparisonError) as refusal:
        site.time.synchronise()
    assert refusal.value.reason == "administrator-certificate"
    assert near(site.error, 5 * SECOND)


@pytest.mark.token
def test_the_thread_asks_at_its_start_and_when_it_is_nudged(site: Site) -> None:
    drifted(site, 5)
    site.time.start()
    until(lambda: site.clock.state is ClockState.VALID)
    drifted(site, 5)
    site.time.nudge()
    until(lambda: near(site.error, timedelta()))
    site.time.stop()
    site.time.stop()


@pytest.mark.token
def test_an_administrator_who_is_away_is_asked_again_later(site: Site) -> None:
    assert site.time.step() == INTERVAL / 2
    site.house.change(service_port=1)
    assert [site.time.step() for _ in range(2)] == [retry.delay(number, lambda: 0.0) for number in (1, 2)]
    assert site.clock.state is ClockState.VALID, "what was compared an hour ago is good"
    with pytest.raises(CommandRefusedError) as refusal:
        site.time.order(SynchroniseClock(accept_any_deviation=True), site.house.now)
    assert (refusal.value.reason, refusal.value.sentence.partition(":")[0]) == ("no-comparison", "unreachable")
    entry = site.house.logged()[-1]
    assert (entry.event, entry.parameters, entry.repetition_count) == (
        Event.CLOCK_SYNCHRONISED, {"reason": "unreachable"}, 2,
    )  # fmt: skip


def reply(request: Request, **changes: int) -> bytes:
    question = ntp.NtpPacket.from_bytes(request.body)
    packet = ntp.reply(question, clock(), clock())
    fields = {name: getattr(packet, name) for name in packet.__slots__} | changes
    return ntp.NtpPacket(**fields).to_bytes()


@pytest.mark.parametrize(
    ("status", "changes", "reason"),
    [
        (200, {"origin": 1 << 32}, TimeReason.NOT_AN_ANSWER),
        (200, {"stratum": 16}, TimeReason.NOT_AN_ANSWER),
        (200, {"mode": ntp.CLIENT}, TimeReason.NOT_AN_ANSWER),
        (503, {}, TimeReason.REFUSED),
        (0, {}, "broken-answer"),
    ],
)
def test_an_answer_that_is_none_changes_nothing(
    tmp_path: Path, status: int, changes: dict[str, int], reason: str
) -> None:
    with at_clerk(tmp_path, lambda request: (status, reply(request, **changes))) as site:
        drifted(site, 40)
        with pytest.raises(ComparisonError) as refusal:
            site.time.synchronise()
        assert refusal.value.reason == reason
        assert (site.clock.state, site.state) == (ClockState.UNKNOWN, SecureState.NORMAL)
        (entry,) = site.house.logged()
        assert entry.parameters == {"reason": reason}


@pytest.mark.parametrize(("period", "seconds", "believed"), [(900, 0.5, True), (900, 2.5, False), (10, 0.5, False)])
def test_a_slow_answer_is_not_believed(tmp_path: Path, period: int, seconds: float, *, believed: bool) -> None:
    sites: list[Site] = []

    def slowly(request: Request) -> tuple[int, bytes]:
        sites[0].late += seconds
        return 200, reply(request)

    with at_clerk(tmp_path, slowly) as site:
        sites.append(site)
        site.period(period)
        if believed:
            # The clock seems to be wrong by half of the delay, and by no more.
            comparison = site.time.synchronise()
            assert abs(comparison.deviation) <= comparison.delay / 2 + timedelta(milliseconds=1)
            assert timedelta(seconds=seconds - 0.001) <= comparison.delay <= LONGEST_DELAY
        else:
            with pytest.raises(ComparisonError) as refusal:
                site.time.synchronise()
            assert refusal.value.reason == TimeReason.SLOW
            assert site.clock.state is ClockState.UNKNOWN


class Answering:
    """A connection to an administrator who answers at once, by the clock of ``now``."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now

    def post(self, _target: str, _media_type: str, body: bytes) -> Response:
        return Response(200, (), ntp.reply(ntp.NtpPacket.from_bytes(body), self.now(), self.now()).to_bytes())


def test_what_holds_the_gateway_up_between_two_looks_at_its_clocks_is_delay() -> None:
    """FPT_STM.1: a machine that does something else for a second must not take that second for a deviation."""
    begin, passed = clock().replace(microsecond=0), [0]

    def now() -> datetime:
        return begin + passed[0] * SECOND

    def look() -> datetime:
        seen = now()
        passed[0] += 1  # held up just after it
        return seen

    def monotonic() -> float:
        seen = float(passed[0])
        passed[0] += 1
        return seen

    measured = ask(cast("Visit", Answering(now)), look, monotonic)
    assert abs(measured.offset) <= measured.delay / 2


def test_without_an_administrator_nobody_is_asked(tmp_path: Path) -> None:
    with at_clerk(tmp_path, lambda request: (200, reply(request))) as site:
        site.house.profile = None
        with pytest.raises(ComparisonError) as refusal:
            site.time.synchronise()
        assert refusal.value.reason == "no-administrator"


def test_two_at_once_ask_one_after_the_other(tmp_path: Path) -> None:
    """An order while the thread asks: the second finds the clock as the first left it."""
    with at_clerk(tmp_path, lambda request: (200, reply(request))) as site:
        drifted(site, 20)
        threads = [threading.Thread(target=site.time.synchronise) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert near(site.error, timedelta())


def test_the_first_comparison_is_soon_but_not_at_one_moment() -> None:
    assert timedelta() < START_SPREAD < timedelta(minutes=1)
