from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest

from smgw.firewall.openings import Destination, Openings, openings
from smgw.store.profiles import ProfileSet
from testbed.small_pki import NOW
from tests.smgw.firewall.world import ADMINISTRATOR, PARTY, proxy
from wire.errors import ProfileError


def at(host: str, *ports: int) -> set[Destination]:
    return {Destination(ip_address(host), port) for port in ports}


def test_without_a_profile_nobody_is_reached() -> None:
    """FMT_MSA.3/FW: what is not said is closed."""
    assert openings(ProfileSet(), NOW) == Openings()


def test_the_ports_of_the_administrator_and_of_the_parties() -> None:
    """FDP_IFF.1/FW: each destination is one of a profile, whose certificate authenticates it."""
    profiles = ProfileSet().with_profile(ADMINISTRATOR).with_profile(PARTY)
    opened = openings(profiles, NOW)
    assert opened.destinations == at("192.0.2.1", 4060, 4061) | at("2001:db8::7", 443)
    assert opened.administrators == {ip_address("192.0.2.1")}
    assert openings(profiles.with_profile(proxy()), NOW) == opened  # its party has its own profile


def test_withdrawn_is_closed() -> None:
    """FMT_MSA.1/FW: what is open follows the administrator's orders."""
    profiles = ProfileSet().with_profile(ADMINISTRATOR).with_profile(PARTY)
    assert openings(profiles.without("communication", PARTY.id), NOW).destinations == at("192.0.2.1", 4060, 4061)


def test_nobody_is_reached_before_or_after_his_time() -> None:
    """FMT_MSA.1/FW, FDP_IFF.1/FW: not a moment longer than the administrator said."""
    profiles = ProfileSet().with_profile(ADMINISTRATOR).with_profile(PARTY)
    second = timedelta(seconds=1)
    assert openings(profiles, PARTY.valid_from - second).destinations == set()
    assert len(openings(profiles, PARTY.valid_from).destinations) == 3
    assert len(openings(profiles, PARTY.valid_until - second).destinations) == 3
    assert openings(profiles, PARTY.valid_until) == Openings()


@pytest.mark.parametrize("host", ["grid.example", "localhost", "a--b"])
def test_a_name_opens_nothing_and_is_told(host: str) -> None:
    """FDP_IFF.1/FW: a destination is an address that the administrator signed."""
    profiles = ProfileSet().with_profile(replace(ADMINISTRATOR, host=host)).with_profile(replace(PARTY, host=host))
    assert openings(profiles, NOW) == Openings(named=("grid", "gwa"))


def test_text_behind_an_address_comes_into_no_rule() -> None:
    """FDP_IFF.1/FW: Python reads whatever stands behind a per cent sign; no profile can hold it, and no rule could."""
    host = "fe80::1%x } ; accept"
    assert ip_address(host).version == 6
    with pytest.raises(ProfileError):
        replace(PARTY, host=host)
    forged = replace(PARTY)
    object.__setattr__(forged, "host", host)
    assert openings(ProfileSet().with_profile(forged), NOW) == Openings(named=("grid",))


def test_an_ipv4_address_in_the_dress_of_ipv6_is_what_is_dialled() -> None:
    profiles = ProfileSet().with_profile(replace(PARTY, host=str(ip_address("::ffff:192.0.2.9")), port=1))
    assert openings(profiles, NOW).destinations == at("192.0.2.9", 1)


def test_an_administrator_is_tried_beside_the_one_who_holds() -> None:
    profiles = ProfileSet().with_profile(ADMINISTRATOR)
    tried = replace(ADMINISTRATOR, id="next", host="192.0.2.2", management_port=1, service_port=2)
    assert openings(profiles, NOW, tried=tried).destinations == at("192.0.2.1", 4060, 4061) | at("192.0.2.2", 1, 2)
