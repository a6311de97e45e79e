import itertools
import shutil
import subprocess
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smgw.config import FirewallConfiguration, WakeUpConfiguration
from smgw.firewall.openings import Destination, Openings, openings
from smgw.firewall.render import render
from smgw.store.profiles import ProfileSet
from testbed.small_pki import NOW
from tests.smgw.firewall.world import ADMINISTRATOR, PARTY, SETTINGS, WAKE_UP

PROFILES = ProfileSet().with_profile(ADMINISTRATOR).with_profile(PARTY)
LEAST = FirewallConfiguration("wwan0")
IPV4_ONLY = WakeUpConfiguration("192.0.2.200", 4059)


def chains(rules: str) -> dict[str, list[str]]:
    """The rules of each chain of family inet, by its name."""
    found: dict[str, list[str]] = {}
    for block in rules.partition("table arp smgw {")[0].split("\tchain ")[1:]:
        name, _, body = block.partition(" {\n")
        found[name] = [line.strip() for line in body.partition("\t}")[0].splitlines()]
    return found


def test_the_three_ways_are_closed_before_anything_is_said() -> None:
    """FDP_IFC.2/FW, FMT_MSA.3/FW: input, output and forwarding drop whatever no rule names."""
    found = chains(render(LEAST, IPV4_ONLY, Openings(), user=0))
    for way in ("input", "output", "forward"):
        assert found[way][0] == f"type filter hook {way} priority filter; policy drop;"
    assert found["forward"][1:] == []


def test_without_profiles_no_first_packet_leaves() -> None:
    """FMT_MSA.3/FW: nobody to reach, nothing to open."""
    rules = render(SETTINGS, WAKE_UP, Openings(), user=0)
    assert "elements" not in rules
    openers = [rule for rule in chains(rules)["to_wan"] if "ct state new" in rule]
    assert all("@destinations_" in rule for rule in openers)
    assert len(openers) == 2


def test_names_are_told_in_the_han_only_where_there_is_one() -> None:
    """FDP_IFF.1/FW: a name by mDNS opens its two groups, by the gateway's own user, and nothing into the WAN."""
    assert "5353" not in render(SETTINGS, WAKE_UP, openings(PROFILES, NOW), user=991)
    found = chains(render(replace(SETTINGS, mdns=True), WAKE_UP, openings(PROFILES, NOW), user=991))
    assert {name for name, rules in found.items() if any("5353" in rule for rule in rules)} == {"from_han", "to_han"}
    asked = [rule for rule in found["from_han"] if "5353" in rule]
    assert [rule.split(" udp")[0] for rule in asked] == ["ip daddr 224.0.0.251", "ip6 daddr ff02::fb"]
    assert all("limit rate 50/second" in rule for rule in asked)
    told = [rule for rule in found["to_han"] if "5353" in rule]
    assert all("udp sport 5353" in rule and "meta skuid 991" in rule for rule in told)


def test_destinations_are_the_profiles_and_whose_connections_is_said() -> None:
    """FDP_IFF.1/FW: destinations are those of the profiles, from the gateway's own user."""
    rules = render(SETTINGS, WAKE_UP, openings(PROFILES, NOW), user=991)
    assert "elements = { 192.0.2.1 . 4060, 192.0.2.1 . 4061 }" in rules
    assert "elements = { 2001:db8::7 . 443 }" in rules
    assert all("meta skuid 991" in rule for rule in chains(rules)["to_wan"] if "ct state new" in rule)


def test_the_lmn_the_loopback_and_strangers_stand_nowhere() -> None:
    """O.SeparateIF: what has no rule is dropped; the LMN and the loopback have none, ARP included."""
    rules = render(SETTINGS, WAKE_UP, openings(PROFILES, NOW), user=0)
    assert '"lmn"' not in rules
    assert '"lo"' not in rules
    assert {line.split('"')[1] for line in rules.splitlines() if "ifname" in line} == {"wan", "han"}


def test_wake_ups_beyond_the_administrators_rate_take_no_place_from_others() -> None:
    """FDP_IFF.1/FW: what is dropped of his stands before what is accepted from everybody."""
    rules = chains(render(SETTINGS, IPV4_ONLY, openings(PROFILES, NOW), user=0))["from_wan"]
    called = [rule for rule in rules if f"udp dport {IPV4_ONLY.port}" in rule]
    his = [("ip saddr @administrators_4" in rule, rule.rpartition(" ")[2]) for rule in called]
    assert his == [(True, "accept"), (True, "drop"), (False, "accept")]
    assert ["limit rate" in rule for rule in called] == [True, False, True]


def test_the_han_without_ports_is_silent() -> None:
    rules = render(FirewallConfiguration("wan", "han"), WAKE_UP, openings(PROFILES, NOW), user=0)
    assert chains(rules)["from_han"] == chains(rules)["to_han"] == []
    assert '"han" accept' not in rules  # ARP


def test_ipv6_neighbours_are_found_only_where_somebody_is() -> None:
    def wan(wake_up: WakeUpConfiguration, profiles: ProfileSet) -> str:
        found = chains(render(LEAST, wake_up, openings(profiles, NOW), user=0))
        return "\n".join(found["from_wan"] + found["to_wan"])

    only_ipv4 = ProfileSet().with_profile(ADMINISTRATOR)
    assert "nd-neighbor" not in wan(IPV4_ONLY, only_ipv4)
    assert "nfproto ipv6" not in wan(IPV4_ONLY, only_ipv4)
    assert "nd-neighbor" in wan(IPV4_ONLY, PROFILES)
    for host in ("::", "2001:db8::1", "gateway.example"):
        assert "nd-neighbor" in wan(WakeUpConfiguration(host, 4059), only_ipv4)
    assert "nfproto ipv4" not in wan(WakeUpConfiguration("2001:db8::1", 4059), only_ipv4)


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
ports = st.integers(1, 65535)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}", fullmatch=True).filter(lambda name: name != "lo")


@pytest.fixture(scope="module")
def namespace() -> list[str]:
    """Where the kernel reads rules without obeying them."""
    inside = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which("nft", path="/usr/sbin") is None:
        pytest.skip("nft is not installed (apt install nftables)")
    if subprocess.run([*inside, "true"], check=False, capture_output=True).returncode:
        pytest.skip("network namespaces are not permitted here")
    return inside


def test_the_kernel_takes_every_rule_set(namespace: list[str], tmp_path: Path) -> None:
    """FDP_IFF.1/FW: each replaces the one before, whatever that was; all of them in one namespace."""
    drawn = itertools.count()

    @settings(max_examples=25)
    @given(
        names=st.lists(names, min_size=3, max_size=3, unique=True),
        served=st.lists(ports, min_size=2, max_size=2, unique=True),
        wake_up=st.builds(WakeUpConfiguration, addresses.map(str) | st.sampled_from(["::", "gateway.example"]), ports),
        opened=st.builds(
            Openings,
            st.frozensets(st.builds(Destination, addresses, ports), max_size=20),
            st.frozensets(addresses, max_size=2),
        ),
        user=st.integers(0, 65535),
    )
    def draw(
        names: list[str], served: list[int], wake_up: WakeUpConfiguration, opened: Openings, user: int
    ) -> None:  # fmt: skip
        (wan, han, lmn), (https, cls) = names, served
        text = render(FirewallConfiguration(wan, han, lmn, https, cls, user % 2 == 0), wake_up, opened, user=user)
        (tmp_path / f"{next(drawn)}.nft").write_text(text, "ascii")

    draw()
    many = frozenset(Destination(ip_address(f"2001:db8::{last:x}"), 443) for last in range(1, 1000))
    (tmp_path / "many.nft").write_text(render(SETTINGS, WAKE_UP, Openings(many), user=0), "ascii")
    each = f"for file in {tmp_path}/*.nft; do /usr/sbin/nft -f $file || exit; done"
    done = subprocess.run([*namespace, "sh", "-c", each], capture_output=True, check=False)
    assert not done.returncode, done.stderr.decode()[:2000]


def test_order_is_no_matter() -> None:
    one, two = (Destination(ip_address(f"192.0.2.{last}"), 443) for last in (1, 2))
    opened = [Openings(frozenset(pair)) for pair in ((one, two), (two, one))]
    assert render(LEAST, WAKE_UP, opened[0], user=0) == render(LEAST, WAKE_UP, opened[1], user=0)
