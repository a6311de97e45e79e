"""The notifier against a real administrator's server, and against one that loses answers or refuses."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from smgw.store import notifications
from smgw.store.logs import Event, Outcome
from smgw.store.notifications import Queued
from smgw.wan import retry
from smgw.wan.notifier import LOOK, Notifier, letter
from tests.admin.server_world import GATEWAY, World, until, world
from tests.smgw.store import samples
from tests.smgw.wan.service_site import Site, at_clerk, at_office
from wire.http_server import Request
from wire.notification import MAXIMUM_PARAMETERS, MAXIMUM_TEXT, Notification

FIRST = retry.delay(1, lambda: 0.0)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "administrator").mkdir()
    with world(tmp_path / "administrator") as made:
        yield made


@pytest.fixture
def site(office: World, tmp_path: Path) -> Iterator[Site]:
    with at_office(office, tmp_path / "gateway") as made:
        yield made


def alarm(site: Site, *subjects: str) -> None:
    for subject in subjects:
        site.house.log.record(Event.LINE_STATE, subject, Outcome.FAILURE, at=samples.START, state="lost")


def told(office: World) -> list[tuple[int, str]]:
    return [(one.number, one.subject) for one in office.office.reports.notifications(GATEWAY)]


@pytest.mark.token
def test_what_waits_is_told_oldest_first_and_logged(office: World, site: Site) -> None:
    """FAU_ARP.1/SYS; TR-03109-1, ADMIN-SERVICE: the administrator holds what he was told unasked."""
    alarm(site, "line-1", "line-2", "line-3")
    assert site.notifier.step() == LOOK
    assert told(office) == [(1, "line-1"), (2, "line-2"), (3, "line-3")]
    assert office.office.reports.notifications(GATEWAY)[0] == Notification(
        gateway=GATEWAY, number=1, event="LINE_STATE", outcome="FAILURE", subject="line-1", at=samples.START,
        parameters={"state": "lost"},
    )  # fmt: skip
    assert site.queue.waiting() == 0
    sent = site.house.logged()[-1]
    assert (sent.event, sent.parameters, sent.repetition_count) == (
        Event.NOTIFICATION_SENT, {"told": "LINE_STATE"}, 2,
    )  # fmt: skip


@pytest.mark.token
def test_a_deviation_of_the_clock_reaches_the_administrator(office: World, site: Site) -> None:
    """FAU_ARP.1/SYS: in the secure state too, because notifying is administration."""
    site.drift = timedelta(minutes=5)
    site.time.synchronise()
    site.notifier.step()
    assert [(one.event, one.outcome) for one in office.office.reports.notifications(GATEWAY)] == [
        ("CLOCK_DEVIATION", "FAILURE"),
        ("SECURE_STATE", "FAILURE"),
    ]


@pytest.mark.token
def test_an_administrator_who_was_away_is_told_later(office: World, site: Site) -> None:
    """FAU_ARP.1/SYS; TR-03109-1, ADMIN-SERVICE."""
    assert site.house.profile is not None
    port = site.house.profile.service_port
    alarm(site, "line-1")
    site.house.change(service_port=1)
    assert [site.notifier.step() for _ in range(2)] == [FIRST, 2 * FIRST]
    site.restart()
    site.house.change(service_port=port)
    alarm(site, "line-2")
    assert site.notifier.step() == LOOK
    assert told(office) == [(1, "line-1"), (2, "line-2")]


@pytest.mark.token
def test_the_thread_tells_by_itself(office: World, site: Site) -> None:
    site.notifier.start()
    alarm(site, "line-1")
    until(lambda: told(office) == [(1, "line-1")])
    site.notifier.stop()
    site.notifier.stop()


@pytest.mark.token
def test_a_nudge_ends_the_waiting_for_the_next_attempt(office: World, site: Site) -> None:
    assert site.house.profile is not None
    port = site.house.profile.service_port
    site.house.change(service_port=1)
    alarm(site, "line-1")
    site.notifier.start()
    until(lambda: site.notifier._failures == 1)
    site.house.change(service_port=port)
    site.notifier.nudge()
    until(lambda: told(office) == [(1, "line-1")])
    site.notifier.stop()


@pytest.mark.token
def test_an_answer_that_was_lost_does_not_tell_twice(office: World, site: Site) -> None:
    """The administrator has it; the gateway does not know, and tells it again under its number."""
    alarm(site, "line-1")
    queued = site.queue.oldest()
    assert queued is not None
    office.office.reports.keep_notification(letter(GATEWAY, queued), samples.START)
    assert site.notifier.step() == LOOK
    assert told(office) == [(1, "line-1")]
    assert site.queue.waiting() == 0


def test_the_same_bytes_again_after_a_lost_answer(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def forgetful(request: Request) -> tuple[int, bytes]:
        seen.append(request.body)
        return (0, b"") if len(seen) == 1 else (200, b'{"result":"duplicate"}')

    with at_clerk(tmp_path, forgetful) as site:
        alarm(site, "line-1")
        assert site.notifier.step() == FIRST
        site.restart()
        alarm(site, "line-1")  # what comes meanwhile has a number of its own, or is counted in the log
        assert site.notifier.step() == LOOK
        assert seen[0] == seen[1]
        assert site.queue.waiting() == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"result":"perhaps"}'), (200, b"[]"), (200, b"\xff"), (200, b""), (404, b"{}"), (503, b"{}"), (204, b"")],
)
def test_without_the_agreed_answer_it_waits(tmp_path: Path, status: int, body: bytes) -> None:
    with at_clerk(tmp_path, lambda _: (status, body)) as site:
        alarm(site, "line-1")
        assert site.notifier.step() == FIRST
        assert site.queue.waiting() == 1


@pytest.mark.parametrize("status", [400, 403])
def test_what_will_never_be_taken_does_not_hold_back_the_rest(tmp_path: Path, status: int) -> None:
    def first_refused(request: Request) -> tuple[int, bytes]:
        number = Notification.from_bytes(request.body).number
        return (status, b'{"reason":"no"}') if number == 1 else (200, b'{"result":"stored"}')

    with at_clerk(tmp_path, first_refused) as site:
        alarm(site, "line-1", "line-2")
        assert site.notifier.step() == LOOK
        assert site.queue.waiting() == 0
        sent = [entry for entry in site.house.logged() if entry.event is Event.NOTIFICATION_SENT]
        assert [(entry.outcome, entry.parameters.get("reason")) for entry in sent] == [
            (Outcome.FAILURE, str(status)), (Outcome.SUCCESS, None),
        ]  # fmt: skip


def test_nothing_that_waits_needs_no_connection(tmp_path: Path) -> None:
    seen: list[Request] = []

    def keep(request: Request) -> tuple[int, bytes]:
        seen.append(request)
        return 200, b""

    with at_clerk(tmp_path, keep) as site:
        site.house.profile = None
        assert site.notifier.step() == LOOK
    assert seen == []


def test_in_a_state_that_tells_nothing_it_waits(tmp_path: Path) -> None:
    """FPT_FLS.1: the notifier itself asks whether anything is told."""
    with at_clerk(tmp_path, lambda _: (200, b"")) as site:
        alarm(site, "disk")
        silent = Notifier(replace(site.notifier._ports, may_tell=lambda _: False))
        assert silent.step() == LOOK
        assert site.queue.waiting() == 1


def test_what_has_no_form_is_made_readable_and_what_cannot_be_told_is_logged(tmp_path: Path) -> None:
    seen: list[Notification] = []

    def keep(request: Request) -> tuple[int, bytes]:
        seen.append(Notification.from_bytes(request.body))
        return 200, b'{"result":"stored"}'

    with at_clerk(tmp_path, keep) as site:
        record = site.house.log.record
        record(Event.SELF_TEST, "tab\tulator", Outcome.FAILURE, at=samples.START, failed="x" * 600)
        with site.house.database.write() as connection:
            strange: dict[str, str | int] = {"not a name": 1}
            notifications.note(
                connection, Event.STORE_FAILED, "gateway", Outcome.FAILURE, at=samples.START, parameters=strange
            )
        assert site.notifier.step() == LOOK
        assert [(one.subject, one.parameters) for one in seen] == [("tab?ulator", {"failed": "x" * MAXIMUM_TEXT})]
        assert site.house.logged()[-1].parameters == {"told": "STORE_FAILED", "reason": "malformed"}


def test_many_parameters_are_cut() -> None:
    parameters: dict[str, str | int] = {f"p{number:02}": number for number in range(40)}
    queued = Queued(1, Event.SELF_TEST, "gateway", Outcome.FAILURE, samples.START, parameters)
    assert len(letter(GATEWAY, queued).parameters) == MAXIMUM_PARAMETERS
