"""The firewall of a running gateway, over the real packet filter of a namespace and a real store."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from smgw.firewall import watch
from smgw.firewall.apply import PROGRAM, FirewallError, FirewallReason, PacketFilter
from smgw.firewall.watch import Firewall, FirewallPorts, describe_firewall
from smgw.secure_states import Condition, Conditions
from smgw.store.database import Database
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.profiles import ProfileSet
from testbed.small_pki import NOW
from tests.smgw.firewall.world import ADMINISTRATOR, PARTY, SETTINGS, WAKE_UP
from tests.smgw.store import samples
from tests.smgw.wan.namespaces import Machine


@dataclass
class Site:
    kernel: PacketFilter
    machine: Machine
    database: Database
    now: datetime = NOW
    profiles: ProfileSet = field(default_factory=lambda: ProfileSet().with_profile(ADMINISTRATOR))
    conditions: Conditions = field(default_factory=Conditions)

    def __post_init__(self) -> None:
        ports = FirewallPorts(
            SETTINGS, WAKE_UP, 0, self.kernel, lambda: self.profiles, lambda: self.now, SystemLog(self.database),
            self.conditions,
        )  # fmt: skip
        self.firewall = Firewall(ports)

    @property
    def open(self) -> str:
        """Who may be reached."""
        return self.machine.run(PROGRAM, "list", "table", "inet", "smgw").partition("chain")[0]

    @property
    def wrong(self) -> list[str]:
        return [one.detail for one in self.conditions.active if one.condition is Condition.FIREWALL_NOT_APPLIED]

    @property
    def logged(self) -> list[tuple[Outcome, str]]:
        entries = [one for one in SystemLog(self.database).entries() if one.event is Event.FIREWALL_APPLIED]
        return [(one.outcome, str(one.parameters.get("reason", one.parameters["cause"]))) for one in entries]


GOOD, BAD = Outcome.SUCCESS, Outcome.FAILURE


@pytest.fixture
def site(kernel: PacketFilter, machine: Machine, tmp_path: Path) -> Iterator[Site]:
    database = samples.open_database(tmp_path)
    yield Site(kernel, machine, database)
    database.close()


def test_what_cannot_be_applied_opens_nothing(site: Site, switches: Path) -> None:
    """FMT_MSA.3/FW: with a firewall configured there is no way to start without it."""
    (switches / "ipv4" / "ip_forward").write_text("1\n")
    with pytest.raises(FirewallError) as refusal:
        site.firewall.open()
    assert refusal.value.reason is FirewallReason.FORWARDING
    assert site.logged == [(BAD, "forwarding")]
    assert site.firewall.report()["standing"] is False


def test_a_party_is_reached_from_its_order_on_and_no_longer_than_that(site: Site) -> None:
    """FMT_MSA.1/FW: what is open follows the profiles."""
    site.firewall.open()
    assert "192.0.2.1 . 4060" in site.open
    assert "2001:db8::7" not in site.open
    site.profiles = site.profiles.with_profile(PARTY)
    site.firewall.follow(site.profiles)
    assert "2001:db8::7 . 443" in site.open
    assert site.firewall.report() == {
        "standing": True, "reason": "", "applied_at": "2026-01-15T12:00:00Z", "destinations": 3, "not_opened": [],
        "absent": ["han", "lmn"],
    }  # fmt: skip
    site.profiles = site.profiles.without("communication", PARTY.id)
    site.firewall.follow(site.profiles)
    assert "2001:db8::7" not in site.open
    assert site.logged == [(GOOD, "start"), (GOOD, "profiles"), (GOOD, "profiles")]


def test_time_opens_and_closes(site: Site) -> None:
    site.profiles = site.profiles.with_profile(replace(PARTY, valid_from=NOW + timedelta(hours=1)))
    site.firewall.open()
    for hours, reached in ((0, False), (1, True), (2, True)):
        site.now = NOW + timedelta(hours=hours)
        site.firewall.look()
        assert ("2001:db8::7" in site.open) is reached
    site.now = PARTY.valid_until
    site.firewall.look()
    assert "elements" not in site.open
    assert site.logged == [(GOOD, "start"), (GOOD, "time"), (GOOD, "time")]


@pytest.mark.parametrize(
    "change",
    [
        "flush ruleset",
        "add rule inet smgw forward accept",
        "delete table arp smgw",
        "add table inet smgw { flags dormant; }",
    ],
)
def test_rules_that_somebody_changed_are_noticed_and_stand_again(site: Site, change: str) -> None:
    """FDP_IFC.2/FW: the rules stay applied, and that they did not is written down."""
    site.firewall.open()
    before = site.kernel.standing()
    site.conditions.follow(lambda: seen.append(site.wrong))
    seen: list[list[str]] = []
    site.machine.run(PROGRAM, change)
    site.firewall.look()
    assert site.kernel.standing() == before
    assert [bool(one) for one in seen] == [True, False]
    assert site.logged == [(GOOD, "start"), (BAD, "changed"), (GOOD, "not-standing")]
    site.firewall.look()
    assert len(site.logged) == 3


def test_while_they_cannot_stand_it_is_said_once_and_tried_again(site: Site, switches: Path) -> None:
    """FDP_IFC.2/FW: the condition holds until the rules stand again."""
    site.firewall.open()
    program = site.kernel.program.read_text()
    site.machine.run(PROGRAM, "flush", "ruleset")
    site.kernel.program.write_text("#!/bin/sh\necho no >&2; exit 1\n")
    for _ in range(3):
        site.firewall.look()
    assert site.firewall.report()["reason"] == "refused"
    (site_wrong,) = site.wrong
    assert site_wrong.startswith("changed: our tables are gone")
    site.kernel.program.write_text(program)
    (switches / "ipv6" / "conf" / "all" / "forwarding").write_text("1\n")
    site.firewall.look()
    assert site.firewall.report()["reason"] == "forwarding"
    (switches / "ipv6" / "conf" / "all" / "forwarding").write_text("0\n")
    site.firewall.look()
    assert site.firewall.report()["standing"] is True
    assert site.wrong == []
    assert "192.0.2.1" in site.open
    assert site.logged == [
        (GOOD, "start"), (BAD, "changed"), (BAD, "refused"), (BAD, "forwarding"), (GOOD, "not-standing"),
    ]  # fmt: skip


def test_on_a_machine_that_became_a_router_the_rules_go_on_standing_and_following(site: Site, switches: Path) -> None:
    """FDP_IFC.2/FW, FMT_MSA.1/FW: there more than anywhere; who is withdrawn is closed, a flush does not last."""
    site.profiles = site.profiles.with_profile(PARTY)
    site.firewall.open()
    (switches / "ipv4" / "ip_forward").write_text("1\n")
    site.firewall.look()
    site.profiles = site.profiles.without("communication", PARTY.id)
    site.firewall.follow(site.profiles)
    assert "2001:db8::7" not in site.open
    site.machine.run(PROGRAM, "flush", "ruleset")
    site.firewall.look()
    assert "192.0.2.1 . 4060" in site.open
    assert site.firewall.report()["reason"] == "forwarding"
    (switches / "ipv4" / "ip_forward").write_text("0\n")
    site.firewall.look()
    assert site.wrong == []
    assert site.logged == [(GOOD, "start"), (BAD, "forwarding"), (GOOD, "not-standing")]


def test_an_administrator_is_reached_while_he_is_tried(site: Site) -> None:
    """FDP_IFF.1/FW: dialled before he holds, by the word of the one who does; not a moment longer."""
    site.firewall.open()
    tried = replace(ADMINISTRATOR, version=2, host="192.0.2.2", management_port=4070, service_port=4071)
    with suppress(RuntimeError), site.firewall.trying(tried):
        assert "192.0.2.2 . 4070" in site.open
        assert "192.0.2.1 . 4060" in site.open
        raise RuntimeError  # nobody is there
    assert "192.0.2.2" not in site.open


def test_a_name_is_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.profiles = site.profiles.with_profile(replace(PARTY, host="grid.example"))
    site.firewall.open()
    assert site.firewall.report()["not_opened"] == ["grid"]
    assert list(describe_firewall(site.firewall.report())) == [
        "firewall standing, 2 destinations",
        "firewall: profile grid names no address and is not reached",
        "firewall: there is no interface han",
        "firewall: there is no interface lmn",
    ]
    assert "grid names no address" in caplog.text


def test_the_watch_looks_until_it_is_stopped_and_leaves_the_rules(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.01)
    looked = threading.Semaphore(0)
    look: Callable[[], None] = site.firewall.look

    def watched() -> None:
        looked.release()
        look()
        raise RuntimeError  # a defect does not end the watch

    site.firewall.open()
    monkeypatch.setattr(site.firewall, "look", watched)
    site.firewall.start()
    for _ in range(3):
        assert looked.acquire(timeout=30)
    site.firewall.stop()
    assert site.open
