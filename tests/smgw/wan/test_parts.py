"""Who the administrator is, and by which clock everything about him goes."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from pki.certificates import Purpose, Role
from pki.errors import TunnelError, TunnelReason
from smgw import secure_states
from smgw.config import WakeUpConfiguration
from smgw.secure_states import Condition, Duty, SecureState
from smgw.store.profiles import ProfileSet
from smgw.wan.parts import Link, WakeUpPortError, administrator_of, reserve
from smgw.wan.wakeup_port import WakeUpPort
from tests.admin.server_world import clock
from tests.smgw.administration.house import der
from tests.smgw.store import samples
from tests.smgw.wan.service_site import Site, at_clerk, near
from tests.smgw.wan.test_time_service import reply

HOST, ANY = "127.0.0.1", 0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with at_clerk(tmp_path, lambda request: (200, reply(request))) as made:
        assert made.house.profile is not None
        made.profiles = ProfileSet(administrators={"gwa": made.house.profile})
        yield made


@pytest.fixture
def link(site: Site) -> Link:
    return Link(
        gateway=samples.GATEWAY, profiles=lambda: site.profiles, trust=cast("Any", lambda: site.house.trust),
        backend=cast("Any", site.ports.backend), database=site.house.database, log=site.house.log, clock=site.clock,
        monotonic=time.monotonic, jitter=lambda: 0.0, states=site.states,
    )  # fmt: skip


def test_one_administrator_or_nobody(site: Site) -> None:
    profile = site.house.profile
    assert profile is not None
    assert administrator_of(site.profiles) == profile
    assert administrator_of(ProfileSet()) is None
    two = ProfileSet(administrators={"gwa": profile, "other": replace(profile, id="other")})
    assert administrator_of(two) is None


def test_all_of_it_goes_by_the_administrators_time(site: Site, link: Link) -> None:
    """Otherwise a gateway whose clock is wrong would refuse the call and the order that mend it."""
    site.drift = timedelta(hours=1)
    assert link.time_service(lambda: None).synchronise().state == "deviating"
    assert near(site.error, timedelta(hours=1))
    port = link.wake_up_port(WakeUpConfiguration(HOST, ANY), lambda: None)
    management = link.management(site.house.desk, restart=lambda: None, ended=lambda: None)
    clocks = [port._clock, management._ports.clock, link.notifier()._ports.service.clock]
    for one in clocks:
        assert near(one() - clock(), timedelta())
    port.stop()


def test_each_asks_for_its_duty(site: Site, link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    """FPT_FLS.1: whoever hears, serves, compares or tells asks the states; none of them forbids it so far."""
    port = link.wake_up_port(WakeUpConfiguration(HOST, ANY), lambda: None)
    management = link.management(site.house.desk, restart=lambda: None, ended=lambda: None)
    service, notifier = link.time_service(lambda: None), link.notifier()
    asked = {
        Duty.HEAR_WAKE_UPS: port._may_hear, Duty.SERVE_ADMINISTRATOR: management._ports.may_serve,
        Duty.SYNCHRONISE: service._ports.may_ask, Duty.NOTIFY: notifier._ports.may_tell,
    }  # fmt: skip
    for duty, may in asked.items():
        assert may(clock())
        with monkeypatch.context() as patched:
            patched.setattr(secure_states, "WORKS", {SecureState.NORMAL: frozenset(Duty) - {duty}})
            assert not may(clock())
    site.states.conditions.set(Condition.DISK_FULL, "", clock())
    assert service._ports.otherwise(clock()) is SecureState.APPLICATION
    port.stop()


def test_a_new_administrator_is_tried_at_its_address_with_its_certificate(site: Site, link: Link) -> None:
    former = site.house.profile
    assert former is not None
    site.profiles = ProfileSet(administrators={"gwa": former})
    moved = replace(former, version=2, management_port=former.service_port)
    link.reachable(moved)
    with pytest.raises(TunnelError) as error:
        link.reachable(replace(moved, management_port=1))
    assert error.value.reason is TunnelReason.UNREACHABLE
    renewed = der(site.pki.holder(Role.GWA, Purpose.TLS, "Stadtwerke"))
    with pytest.raises(TunnelError) as error:
        link.reachable(replace(moved, tls_certificate=renewed))
    assert error.value.reason is TunnelReason.PEER_CERTIFICATE


def test_at_the_address_in_use_the_same_party_shows_its_former_certificate_as_yet(site: Site, link: Link) -> None:
    assert site.house.profile is not None
    here = replace(site.house.profile, management_port=site.house.profile.service_port)
    site.profiles = ProfileSet(administrators={"gwa": here})
    link.reachable(replace(here, tls_certificate=der(site.pki.holder(Role.GWA, Purpose.TLS, "Stadtwerke"))))
    for wrong in (
        replace(here, tls_certificate=der(site.pki.holder(Role.GWA, Purpose.TLS, "Nachfolger"))),
        replace(here, host="localhost", tls_certificate=der(site.pki.holder(Role.GWA, Purpose.TLS, "Stadtwerke"))),
    ):
        with pytest.raises(TunnelError) as error:
            link.reachable(wrong)
        assert error.value.reason is TunnelReason.PEER_CERTIFICATE


def test_a_port_that_is_taken(link: Link) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        number = taken.getsockname()[1]
        with pytest.raises(WakeUpPortError, match=f"{HOST} {number}"):
            link.wake_up_port(WakeUpConfiguration(HOST, number), lambda: None)


def test_the_administrator_has_a_lane_of_his_own(site: Site, link: Link) -> None:
    port: WakeUpPort = link.wake_up_port(WakeUpConfiguration(HOST, ANY), lambda: None)
    reserve(port, site.profiles)
    assert port._reserved == {bytes([127, 0, 0, 1])}
    reserve(port, ProfileSet())
    assert port._reserved == frozenset()
    port.stop()
