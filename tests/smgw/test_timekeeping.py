"""What is told of the clock, and what runs; what happens to it is tested with the time service."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.certificate_watch import CertificateWatch
from smgw.clock import LONGEST_TRUST
from smgw.secure_states import Condition
from smgw.state_keeper import StateKeeper
from smgw.store.condition_records import ConditionRecords
from smgw.store.errors import StoreError
from smgw.timekeeping import Timekeeping, describe_clock, describe_states
from tests.admin.server_world import clock, until
from tests.smgw.wan.service_site import Site, at_clerk, near
from tests.smgw.wan.test_time_service import reply
from wire.canonical_json import encode
from wire.orders import SynchroniseClock


class Looked(CertificateWatch):
    """Counts, and fails as a full store does."""

    def __init__(self) -> None:
        self.looks = 0

    def look(self, at: object) -> None:
        self.looks += 1
        raise StoreError("full", "no space")  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with at_clerk(tmp_path, lambda request: (200, reply(request))) as made:
        yield made


def keeping(site: Site) -> Timekeeping:
    keeper = StateKeeper(site.states, ConditionRecords(site.house.database), site.clock)
    return Timekeeping(clock, site.clock, site.states, Looked(), site.time, site.notifier, keeper)


def test_a_clock_that_was_never_compared(site: Site) -> None:
    told = keeping(site).report()
    assert told == {
        "state": "unknown", "deviation_milliseconds": None, "tolerance_milliseconds": 27_000,
        "offset_milliseconds": 0, "compared_at": None,
    }  # fmt: skip
    assert describe_clock(told) == "clock unknown: never compared"


def test_a_clock_that_was_corrected(site: Site) -> None:
    site.period(900)
    site.drift = timedelta(seconds=12)
    site.time.synchronise()
    told = keeping(site).report()
    assert told["state"] == "valid"
    for name in ("deviation_milliseconds", "offset_milliseconds"):
        milliseconds = told[name]
        assert isinstance(milliseconds, int)
        assert near(timedelta(milliseconds=milliseconds), timedelta(seconds=-12))
    assert encode(told)
    line = describe_clock(told)
    assert line.startswith(f"clock valid: last compared {told['compared_at']}, deviation -1")


def test_a_deviation_is_told_after_a_restart_too(site: Site) -> None:
    site.drift = timedelta(seconds=60)
    site.time.synchronise()
    site.restart()
    kept = keeping(site)
    assert kept.deviation is not None
    assert kept.report_states()["state"] == "application"
    assert kept.report()["deviation_milliseconds"] == kept.deviation // timedelta(milliseconds=1)


def test_no_valid_time_is_told(site: Site) -> None:
    site.time.synchronise()
    site.drift = LONGEST_TRUST + timedelta(hours=1)
    assert keeping(site).report_states()["state"] == "measurement"


def test_that_no_time_is_valid_any_more_is_written_down_once_and_so_is_its_end(site: Site) -> None:
    kept = keeping(site)
    kept.look()
    site.time.synchronise()
    site.drift = LONGEST_TRUST + timedelta(hours=1)
    kept.look()
    kept.look()
    assert site.calibration() == ["SECURE_STATE FAILURE"]
    assert site.house.logged()[-1].parameters == {"state": "measurement", "condition": "no-valid-time"}
    site.drift = timedelta()
    kept.look()
    assert site.calibration() == ["SECURE_STATE FAILURE", "SECURE_STATE SUCCESS"]
    assert site.queue.waiting() == 2


def test_a_deviation_is_written_down_where_it_is_found_and_not_again(site: Site) -> None:
    kept = keeping(site)
    site.drift = timedelta(seconds=60)
    site.time.synchronise()
    kept.look()
    site.time.order(SynchroniseClock(accept_any_deviation=True), clock())
    kept.look()
    assert site.calibration() == [
        "CLOCK_DEVIATION FAILURE", "SECURE_STATE FAILURE", "CLOCK_SET SUCCESS", "SECURE_STATE SUCCESS",
    ]  # fmt: skip


def test_a_gateway_that_starts_with_an_old_time_says_so(site: Site) -> None:
    site.time.synchronise()
    site.drift = timedelta(days=-1)
    site.restart()
    kept = keeping(site)
    kept.look()
    assert site.calibration() == ["SECURE_STATE FAILURE"]


def test_every_state_and_what_it_follows_from_is_told(site: Site) -> None:
    kept = keeping(site)
    assert kept.report_states() == {"state": "normal", "states": ["normal"], "conditions": []}
    at = site.clock().replace(microsecond=0)
    site.states.conditions.set(Condition.DISK_FULL, "7 octets are free", at)
    site.states.conditions.set(Condition.UPDATE_FAILED, "", at)
    site.time.synchronise()
    site.drift = LONGEST_TRUST + timedelta(hours=1)
    told = kept.report_states()
    assert encode(told)
    assert (told["state"], told["states"]) == ("application", ["measurement", "application"])
    lines = list(describe_states(told))
    assert lines[0] == "state application"
    assert [line.split(" since ")[0] for line in lines[1:]] == ["no-valid-time", "disk-full", "update-failed"]
    assert lines[2].endswith(": application 7 octets are free")
    assert lines[3].endswith(": boot (not yet in effect)")


def test_after_a_tunnel_nothing_waits_for_its_next_attempt(site: Site) -> None:
    kept = keeping(site)
    kept.tunnel_ended()
    assert (site.time._nudged.is_set(), site.notifier._nudged.is_set()) == (True, True)


def test_what_runs_ends_and_a_full_store_stops_nothing(site: Site) -> None:
    kept = keeping(site)
    with kept.running():
        until(lambda: site.time.last is not None)
        first = site.time.last
        kept.compare_soon()
        until(lambda: site.time.last is not first)
        kept.look()
    assert isinstance(kept.certificates, Looked)
    assert kept.certificates.looks == 1
    kept.compare_soon()
