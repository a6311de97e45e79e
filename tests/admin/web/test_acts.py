"""The buttons of a gateway's page."""

import pytest

from admin.errors import InventoryError
from admin.inventory import LifeCycle
from admin.packages import Packages
from admin.reports import Subject
from admin.users import UserRole
from admin.web.errands import ErrandKind
from tests.admin import samples
from tests.admin.bureau import BY, GATEWAY
from tests.admin.firmware import package
from tests.admin.web.desk import Place, words
from wire.orders import (
    ActivateFirmware,
    BreakUp,
    ChangeProfiles,
    Command,
    InstallRevocationLists,
    ProfileReference,
    RaiseEvent,
    RequestValues,
    Restart,
    RunSelfTest,
    SetRetention,
    SynchroniseClock,
)

pytestmark = pytest.mark.token

HERE = f"/gateways/{GATEWAY}"


@pytest.mark.parametrize(
    ("act", "data", "command"),
    [
        ("self-test", {}, RunSelfTest()),
        ("clock", {}, SynchroniseClock(accept_any_deviation=False)),
        ("clock", {"accept_any_deviation": "on"}, SynchroniseClock(accept_any_deviation=True)),
        ("restart", {}, Restart()),
        ("event", {"name": "surplus", "state": "on"}, RaiseEvent("surplus", active=True)),
        ("event", {"name": "surplus", "state": "off"}, RaiseEvent("surplus", active=False)),
        ("request", {"profile": "daily-values"}, RequestValues("daily-values")),
        ("retention", {"readings_days": "730", "system_log_days": "365"}, SetRetention(730, 365)),
        ("firmware/activate", {"version": "0.2.0"}, ActivateFirmware("0.2.0")),
    ],
)
def test_an_order_is_queued_and_its_gateway_woken(
    place: Place, act: str, data: dict[str, object], command: Command
) -> None:
    person = place.person(UserRole.SUPERVISOR)
    assert person.post(f"{HERE}/{act}", data).headers["Location"] == "/orders/1"
    order = place.office.orders.get(1)
    assert (order.command, order.by) == (command, "susi")
    errand = place.console.errands.of(GATEWAY)
    assert errand is not None
    assert (errand.kind, errand.by) == (ErrandKind.WAKE, "susi")


def test_nobody_is_woken_to_end_a_tunnel(place: Place) -> None:
    assert place.person().post(f"{HERE}/break-up").headers["Location"] == HERE
    assert place.office.orders.get(1).command == BreakUp()
    assert place.console.errands.of(GATEWAY) is None


def test_our_own_revocation_lists(place: Place) -> None:
    place.person().post(f"{HERE}/crl")
    command = place.office.orders.get(1).command
    assert isinstance(command, InstallRevocationLists)
    assert len(command.lists) == 2


def test_only_packages_that_are_kept_are_brought(place: Place) -> None:
    boss = place.person(UserRole.SUPERVISOR)
    assert boss.post(f"{HERE}/firmware/store", {"sha256": "0" * 64}).status_code == 400
    kept = Packages(place.office.engine, place.office.audit).keep(package("0.2.0"), BY, place.now)
    assert "0.2.0" in words(boss.get(HERE))
    assert boss.post(f"{HERE}/firmware/store", {"sha256": kept.sha256}).status_code == 303


@pytest.mark.parametrize(
    ("act", "data"),
    [
        ("retention", {"readings_days": "x", "system_log_days": "1"}),
        ("retention", {}),
        ("firmware/activate", {}),
        ("withdraw", {"kind": "meter"}),
        ("event", {"name": "surplus", "state": "perhaps"}),
        ("event", {"name": "two words", "state": "on"}),
        ("request", {}),
        ("address", {"host": "a", "port": "0"}),
        ("note", {"note": "x" * 501}),
        ("state", {"state": "happy"}),
        ("state", {}),
        ("read/consumer", {}),
    ],
)
def test_what_no_page_sends_does_nothing(place: Place, act: str, data: dict[str, object]) -> None:
    before = len(place.office.audit.entries())
    assert place.person(UserRole.SUPERVISOR).post(f"{HERE}/{act}", data).status_code == 400
    assert len(place.office.audit.entries()) == before
    assert place.office.inventory.get(GATEWAY).state is LifeCycle.OPERATING


@pytest.mark.parametrize("subject", list(Subject))
def test_a_wish_to_read(place: Place, subject: Subject) -> None:
    person = place.person()
    assert person.post(f"{HERE}/read/{subject}").headers["Location"] == HERE
    assert [one.subject for one in place.office.reports.open(GATEWAY)] == [subject]
    shown = person.get(HERE)
    assert f"{subject}, at its next tunnel" in words(shown)
    assert "http-equiv" in shown.text, "the page goes on by itself"


def test_a_profile_is_taken_back(place: Place) -> None:
    place.house()
    person = place.person()
    assert person.post(f"{HERE}/withdraw", {"kind": "meter", "id": "meter"}).headers["Location"] == "/orders/2"
    assert place.office.orders.get(2).command == ChangeProfiles((), (ProfileReference("meter", "meter"),))
    refused = person.post(f"{HERE}/withdraw", {"kind": "meter", "id": "nothing"})
    assert (refused.status_code, "holds no meter profile nothing" in words(refused)) == (409, True)


def test_what_others_need_is_not_taken_back(place: Place) -> None:
    place.give(samples.METER, samples.NETZ, samples.SERIES)
    refused = place.person().post(f"{HERE}/withdraw", {"kind": "communication", "id": "netz"})
    assert (refused.status_code, "contradict" in words(refused)) == (409, True)


def test_address_note_and_life(place: Place) -> None:
    person, boss = place.person(), place.person(UserRole.SUPERVISOR)
    person.post(f"{HERE}/address", {"host": "192.0.2.7", "port": "4060"})
    person.post(f"{HERE}/note", {"note": "cellar"})
    assert "Woken at 192.0.2.7:4060" in words(person.get(HERE))
    assert "cellar" in words(person.get("/"))
    person.post(f"{HERE}/lock")
    assert place.office.inventory.get(GATEWAY).state is LifeCycle.LOCKED
    assert person.post(f"{HERE}/state", {"state": "operating"}).status_code == 403
    boss.post(f"{HERE}/state", {"state": "operating"})
    assert place.office.inventory.get(GATEWAY).state is LifeCycle.OPERATING
    assert boss.post(f"{HERE}/state", {"state": "delivered"}).status_code == 409
    assert [(one.action, one.by) for one in place.office.audit.latest(2)] == [
        ("gateway-state", "otto"),
        ("gateway-state", "susi"),
    ]


@pytest.mark.parametrize(("act", "told"), [("renew", "The renewal failed"), ("enrol", "The enrolment failed")])
def test_a_walk_that_fails_says_why(place: Place, act: str, told: str) -> None:
    boss = place.person(UserRole.SUPERVISOR)
    assert boss.post(f"{HERE}/{act}").headers["Location"] == HERE
    place.in_vain()
    assert told in words(boss.get(HERE))


@pytest.mark.parametrize("act", ["wake", "self-test", "renew", "enrol", "read/status"])
def test_a_locked_gateway_is_left_alone(place: Place, act: str) -> None:
    place.office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, place.now)
    with pytest.raises(InventoryError):
        place.office.inventory.require_reachable(GATEWAY)
    boss = place.person(UserRole.SUPERVISOR)
    assert boss.post(f"{HERE}/{act}").status_code == 409
    assert (place.office.orders.all(), place.office.reports.open(GATEWAY)) == ([], [])
    assert place.console.errands.of(GATEWAY) is None


def test_waking(place: Place) -> None:
    person = place.person()
    assert person.post(f"{HERE}/wake").headers["Location"] == HERE
    assert "data-over" not in person.get(f"{HERE}/progress").text
    place.in_vain()
    shown = words(person.get(f"{HERE}/progress"))
    assert "data-over" in person.get(f"{HERE}/progress").text
    assert "The gateway did not come within 1 s (1 wake-up sent)" in shown
    assert "start smgw-admin serve" in shown
