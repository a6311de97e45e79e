import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.firewall.apply import PROGRAM, FirewallError, FirewallReason, PacketFilter, canonical
from smgw.firewall.openings import Openings, openings
from smgw.firewall.render import render
from smgw.store.profiles import ProfileSet
from testbed.small_pki import NOW
from tests.smgw.firewall.world import ADMINISTRATOR, PARTY, SETTINGS, WAKE_UP
from tests.smgw.wan.namespaces import Machine

PROFILES = ProfileSet().with_profile(ADMINISTRATOR).with_profile(PARTY)
RULES = render(SETTINGS, WAKE_UP, openings(PROFILES, NOW), user=0)
CLOSED = render(SETTINGS, WAKE_UP, Openings(), user=0)


def test_what_was_applied_stands_and_can_be_told_from_other_rules(kernel: PacketFilter) -> None:
    with pytest.raises(FirewallError, match="No such file"):
        kernel.standing()
    applied = kernel.apply(RULES)
    assert kernel.standing() == applied
    assert kernel.apply(RULES) == applied  # with other handles
    assert kernel.apply(CLOSED) != applied


def test_rules_of_others_are_neither_touched_nor_looked_at(kernel: PacketFilter, machine: Machine) -> None:
    machine.run(PROGRAM, "add table inet other { flags dormant; }; add chain inet other smgw; add table ip smgw")
    applied = kernel.apply(RULES)
    assert "other" in machine.run(PROGRAM, "list", "tables")
    machine.run(PROGRAM, "delete table inet other; delete table ip smgw")
    assert kernel.standing() == applied


@pytest.mark.parametrize(
    "change",
    [
        "add rule inet smgw forward accept",
        "insert rule inet smgw input counter accept",
        "chain inet smgw forward { policy accept; }",
        "add element inet smgw destinations_4 { 203.0.113.1 . 443 }",
        "delete element inet smgw destinations_4 { 192.0.2.1 . 4060 }",
        "flush chain inet smgw to_wan",
        "add table inet smgw { flags dormant; }",
        "delete table arp smgw",
        "chain bridge smgw forward { policy accept; }",
        "flush ruleset",
    ],
)
def test_every_change_shows(kernel: PacketFilter, machine: Machine, change: str) -> None:
    """FDP_IFC.2/FW: rules that were changed are not taken for those that were applied."""
    applied = kernel.apply(RULES)
    machine.run(PROGRAM, change)
    with suppress(FirewallError):  # gone, or (dormant) told in a way that is no JSON
        assert kernel.standing() != applied


def test_what_the_kernel_counts_is_no_change(kernel: PacketFilter, machine: Machine) -> None:
    """Who opened connections in the home area network is remembered beside the rules."""
    applied = kernel.apply(RULES)
    caller = "198.51.100.7 limit rate over 10/second burst 50 packets"
    machine.run(PROGRAM, f"add element inet smgw callers_4 {{ {caller} }}")
    assert kernel.standing() == applied
    machine.run(PROGRAM, "delete element inet smgw callers_4 { 198.51.100.7 }")
    assert kernel.standing() == applied


def test_half_a_rule_set_is_none(kernel: PacketFilter) -> None:
    applied = kernel.apply(RULES)
    with pytest.raises(FirewallError) as refusal:
        kernel.apply(CLOSED + "table inet smgw { chain nonsense { accept accept } }\n")
    assert refusal.value.reason is FirewallReason.REFUSED
    assert "syntax error" in str(refusal.value)
    assert kernel.standing() == applied


def test_a_machine_that_routes_is_refused(kernel: PacketFilter, switches: Path) -> None:
    """O.SeparateIF: rules that forbid forwarding are the second wall, not the first."""
    kernel.require_no_router()
    for switch in sorted(path for path in switches.rglob("*") if path.is_file()):
        switch.write_text("1\n")
        with pytest.raises(FirewallError, match=str(switch.relative_to(switches))) as refusal:
            kernel.require_no_router()
        assert refusal.value.reason is FirewallReason.FORWARDING
        switch.write_text("0\n")
    (switches / "ipv4" / "conf" / "wan" / "forwarding").unlink()
    (switches / "ipv4" / "conf" / "wan" / "forwarding").symlink_to("nowhere")  # it goes away between two looks
    kernel.require_no_router()
    (switches / "ipv4" / "ip_forward").unlink()  # a sandbox that hides it
    with pytest.raises(FirewallError) as refusal:
        kernel.require_no_router()
    assert refusal.value.reason is FirewallReason.UNREADABLE


def test_without_the_program_or_the_right(tmp_path: Path) -> None:
    with pytest.raises(FirewallError) as refusal:
        PacketFilter(tmp_path / "nft").standing()
    assert refusal.value.reason is FirewallReason.NO_PROGRAM
    program = tmp_path / "nft"
    for content, words in (
        ("#!/bin/sh\necho 'Operation not permitted' >&2; exit 1\n", "CAP_NET_ADMIN: Operation not permitted"),
        ("not a program", "nft"),
    ):
        program.write_text(content)
        program.chmod(0o700)
        with pytest.raises(FirewallError, match=words) as refusal:
            PacketFilter(program).apply(CLOSED)
        assert refusal.value.reason is FirewallReason.REFUSED


def listing(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, *entries]}).encode()


def test_handles_and_the_order_in_a_set_are_no_difference() -> None:
    def told(handle: int, *elements: object) -> bytes:
        name = {"family": "inet", "table": "smgw", "name": "destinations_4"}
        return listing({"set": {**name, "handle": handle, "elem": list(elements)}})

    one, two = {"concat": ["192.0.2.1", 443]}, {"concat": ["192.0.2.2", 443]}
    assert canonical(told(1, one, two)) == canonical(told(2, two, one)) != canonical(told(1, one))


nonsense = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["nftables", "set", "table", "name", "family", "elem"]), inner, max_size=3)
    ),
)


@given(st.binary(max_size=40) | nonsense.map(lambda told: json.dumps(told).encode()))
def test_only_its_own_error_escapes(told: bytes) -> None:
    with suppress(FirewallError):
        canonical(told)
    with suppress(FirewallError):
        canonical(b'{"nftables": [' + told + b"]}")
