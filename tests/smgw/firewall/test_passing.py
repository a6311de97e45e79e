"""What passes a gateway and what does not, tried from a WAN, a HAN, an LMN and the gateway itself, by IPv4 and IPv6.

Every machine listens on every port that is tried, knows a route to every other, and the gateway's kernel forwards: all
that must not pass does pass while there are no rules, which is tried too.
"""

import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from ipaddress import ip_address
from typing import Any

import pytest

from smgw.firewall.apply import PROGRAM
from smgw.firewall.openings import Openings
from smgw.firewall.render import CALLS_AT_ONCE
from tests.smgw.firewall.agent import PATIENCE, WAIT
from tests.smgw.firewall.networks import (
    ADMINISTRATOR,
    OPENINGS,
    Inhabited,
    Networks,
    checksum,
    ipv4,
    ipv6,
    is_neighbours,
    is_tcp,
    networks,
    of_this_test,
    udp,
)
from wire.wakeup import SIZE

WAN, HAN, LMN = ("192.0.2.200", "2001:db8::200"), ("198.51.100.1", "fd00:a::1"), ("203.0.113.1", "fd00:b::1")
IN_WAN, IN_HAN, IN_LMN = ("192.0.2.66", "2001:db8::66"), ("198.51.100.2", "fd00:a::2"), ("203.0.113.2", "fd00:b::2")


@pytest.fixture(scope="module")
def world() -> Iterator[Networks]:
    if not PROGRAM.exists():
        pytest.skip("nft is not installed (apt install nftables)")
    with networks() as made:
        yield made


@pytest.fixture
def walled(world: Networks) -> Networks:
    world.apply()
    world.forget()
    return world


def each(targets: tuple[str, ...], *ports: int) -> list[tuple[str, str, int]]:
    return [("", target, port) for target in targets for port in ports]


FORBIDDEN = {
    "wan": [
        *each(WAN, 22, 443, 4059, 4060, 4433, 8080),
        # As the administrator and as the party: an address earns nothing.
        *[("192.0.2.1", WAN[0], 4060), ("2001:db8::7", WAN[1], 443)],
        *each(HAN, 443, 4433),
        *each(LMN, 443),
        *each(IN_HAN, 443, 8080),
        *each(IN_LMN, 8080),
    ],
    "han": [
        *each(HAN, 22, 4059, 4060, 8080),
        *each(WAN, 443, 4433),
        *each(LMN, 443),
        *each(IN_WAN, 443, 8080),
        *each(("192.0.2.1",), 4060, 4061),
        *each(("2001:db8::7",), 443),
        *each(IN_LMN, 8080),
    ],
    "lmn": [
        *each(LMN, 22, 443, 4059, 4433),
        *each(WAN, 443),
        *each(HAN, 443, 4433),
        *each(IN_WAN, 443),
        *each(("192.0.2.1",), 4060),
        *each(("2001:db8::7",), 443),
        *each(IN_HAN, 443),
    ],
}
"""Connections from outside; what the gateway itself must not do stands below."""
OUTWARD = [
    # The right address with a wrong port, the right port of a wrong address.
    *each(("192.0.2.1",), 22, 443, 4059),
    *each(("2001:db8::7",), 4060, 8080),
    *each(IN_WAN, 443, 4060),
    *each(IN_HAN, 443, 8080),
    *each(IN_LMN, 443, 8080),
    *each(("127.0.0.1", "::1", *WAN), 443),
]


def test_without_rules_all_of_it_passes(world: Networks) -> None:
    """Otherwise the tests below would prove nothing."""
    world.open()
    for name, wanted in FORBIDDEN.items():
        assert set(getattr(world, name)("connect", wanted, PATIENCE)) == {"open"}, name
    assert set(world.gateway("connect", OUTWARD, PATIENCE)) == {"open"}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_nothing_that_comes_in_is_answered_or_forwarded(walled: Networks, name: str) -> None:
    """FDP_IFC.2/FW, O.SeparateIF, T.Infrastructure: no other network sees anything of it."""
    outside: Inhabited = getattr(walled, name)
    told = outside("connect", FORBIDDEN[name])
    assert set(told) == {"silent"}, dict(zip(map(str, FORBIDDEN[name]), told, strict=True))
    for other in {"wan", "han", "lmn"} - {name}:
        # A machine that has just come up asks whether its own address is another's.
        assert of_this_test(getattr(walled, other)("frames")) == []


def test_a_bridge_over_its_interfaces_carries_nothing(world: Networks) -> None:
    """O.SeparateIF: frames that pass below IP are in no chain for IP; they are forwarded, so they are dropped."""
    gateway, call = world.gateway.machine, [("192.0.2.77", IN_WAN[0], 443)]
    world.han.machine.run("ip", "address", "add", "192.0.2.77/24", "dev", "han")
    # Off, as where br_netfilter is not loaded.
    commands = ["for each in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $each ] || echo 0 > $each; done"]
    commands += ["ip link add both type bridge", "ip link set both up"]
    commands += [f"ip link set {name} master both" for name in ("wan", "han")]
    try:
        gateway.run("sh", "-e", "-c", "\n".join(commands))
        world.open()
        assert world.han("connect", call, PATIENCE) == ["open"]
        world.apply()
        assert world.han("connect", call) == ["silent"]
    finally:
        gateway.run("ip", "link", "delete", "both")
        world.han.machine.run("ip", "address", "delete", "192.0.2.77/24", "dev", "han")


def test_the_gateway_itself_reaches_nobody_else(walled: Networks) -> None:
    """FDP_IFF.1/FW: the destinations of the profiles and no other, in no network; nothing of it is on any cable."""
    told = walled.gateway("connect", OUTWARD)
    assert "open" not in told, dict(zip(map(str, OUTWARD), told, strict=True))
    walled.gateway("send", [["", target, 4060, "x"] for target in ("192.0.2.1", *IN_WAN, *IN_HAN, *IN_LMN)])
    walled.gateway("ping", ["192.0.2.1", "2001:db8::7", *IN_HAN, *IN_LMN])
    for outside in (walled.wan, walled.han, walled.lmn):
        assert of_this_test(outside("frames")) == []


def test_tunnels_out_and_local_connections_in(walled: Networks) -> None:
    """FDP_IFF.1/FW: what must pass does."""
    out = [("", "192.0.2.1", 4060), ("", "192.0.2.1", 4061), ("", "2001:db8::7", 443)]
    assert walled.gateway("connect", out, PATIENCE) == ["open"] * 3
    assert walled.han("connect", each(HAN, 443, 4433), PATIENCE) == ["open"] * 4
    assert walled.gateway("hold", "tunnel", "192.0.2.1", 4060) == "x"
    assert walled.han("hold", "page", "fd00:a::1", 443) == "x"


def test_the_han_takes_no_place_in_the_memory_of_connections(walled: Networks) -> None:
    """FDP_IFC.2/FW: with handshakes from the HAN it could be filled for days, and no tunnel into the WAN would open."""

    def remembered() -> int:
        return int(walled.gateway.machine.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count"))

    before = remembered()
    assert walled.han("connect", each(HAN, 443, 4433) * 5, PATIENCE) == ["open"] * 20
    assert remembered() <= before


def test_one_address_of_the_han_leaves_room_for_others(walled: Networks) -> None:
    """FDP_IFF.1/FW: who opens connections without end is slowed down, and nobody beside him."""
    for target, other in zip(HAN, ("fd00:a::1", "198.51.100.1"), strict=True):
        told = walled.han("connect", each((target,), 443) * 200)
        assert CALLS_AT_ONCE <= told.count("open") < 200
        assert walled.han("connect", each((other,), 443), PATIENCE) == ["open"]
        walled.apply()


@pytest.mark.parametrize(("flags", "seen"), [(0x02, 0), (0x04, 0), (0x12, 1), (0x18, 1)])
def test_only_what_acknowledges_goes_into_the_han(walled: Networks, flags: int, seen: int) -> None:
    """FDP_IFF.1/FW: replies; neither a first packet nor the reset that answers a scan, from a port that is served."""
    segment = struct.pack("!HHIIBBHHH", 4433, 8080, 1, 1, 0x50, flags, 1000, 0, 0)
    packet = ipv4(HAN[0], IN_HAN[0], segment, protocol=6)
    send = f"import socket; socket.socket(2, 3, 255).sendto(bytes.fromhex('{packet}'), ('{IN_HAN[0]}', 0))"
    with nullcontext() if seen else pytest.raises(subprocess.CalledProcessError):
        walled.gateway.machine.run(sys.executable, "-I", "-c", send)
    sent: list[str] = []
    until = time.monotonic() + (PATIENCE if seen else WAIT)
    while len(sent) < max(seen, 1) and time.monotonic() < until:
        sent += [frame for frame in walled.han("frames") if frame[68:76] == f"{4433:04x}{8080:04x}"]
        time.sleep(0.01)
    assert len(sent) == seen


def test_only_the_gateways_own_user_reaches_anybody(walled: Networks) -> None:
    """FDP_IFF.1/FW: the source is the gateway, not whatever runs on its machine."""
    walled.apply(user=12345)
    assert walled.gateway("connect", [("", "192.0.2.1", 4060), ("", "2001:db8::7", 443)]) == ["silent"] * 2


def test_a_party_that_is_withdrawn_is_cut_off_at_once(walled: Networks) -> None:
    """FMT_MSA.1/FW: also in the middle of a connection; everybody else's goes on."""
    assert walled.gateway("hold", "party", "2001:db8::7", 443) == "x"
    assert walled.gateway("hold", "administrator", "192.0.2.1", 4060) == "x"
    left = Openings(frozenset(one for one in OPENINGS.destinations if one.address == ADMINISTRATOR))
    walled.apply(left)
    assert walled.gateway("talk", "party") == "silent"
    assert walled.gateway("talk", "administrator", PATIENCE) == "x"
    walled.apply(Openings())
    assert walled.gateway("talk", "administrator") == "silent"


def call(word: str, size: int = SIZE) -> str:
    return word.ljust(size)


def test_a_wake_up_comes_in_and_nothing_goes_back(walled: Networks) -> None:
    """The wake-up is data: heard from wherever it comes in the WAN, and never answered."""
    walled.wan(
        "send", [[source, WAN[0], 4059, call(f"v4-{number}")] for number, source in enumerate(("192.0.2.1", IN_WAN[0]))]
    )
    walled.wan("send", [["", WAN[1], 4059, call("v6")]])
    assert sorted(walled.gateway("heard", 3, PATIENCE)) == ["4059 v4-0", "4059 v4-1", "4059 v6"]
    # The last packets of connections that tests before this one had may come late.
    assert [frame for frame in walled.wan("frames") if not is_neighbours(frame) and not is_tcp(frame)] == []
    # Not even where the gateway wants to: there is no connection that an answer could belong to.
    walled.gateway("send", [["", "192.0.2.1", 4059, call("back")], ["", IN_WAN[0], 4059, call("back")]])
    assert walled.wan("heard") == []


DATAGRAMS: dict[str, list[list[Any]]] = {
    "wan": [
        *(["", target, 4059, call("short", SIZE - 1)] for target in WAN),
        *(["", target, 4059, call("long", SIZE + 1)] for target in WAN),
        *(["", target, port, call("port")] for target in WAN for port in (22, 443, 4060)),
        *(["", target, 4059, call("inside")] for target in (*HAN, *LMN, *IN_HAN, *IN_LMN)),
        ["", "192.0.2.255", 4059, call("all")],
    ],
    "han": [["", target, 4059, call("han")] for target in (*HAN, *WAN, *IN_WAN, "198.51.100.255")],
    "lmn": [["", target, 4059, call("lmn")] for target in (*LMN, *WAN, *HAN, *IN_WAN, *IN_HAN, "203.0.113.255")],
}


@pytest.mark.parametrize("rules", [False, True])
def test_no_other_datagram_comes_in(world: Networks, rules: bool) -> None:
    """FDP_IFF.1/FW: other lengths, ports, interfaces and addresses; each of them is heard without the rules."""
    world.apply() if rules else world.open()
    everyone = {"gateway": world.gateway, "wan": world.wan, "han": world.han, "lmn": world.lmn}
    for name, wanted in DATAGRAMS.items():
        world.forget()
        # By its number and the kind of this test each is known, also when another test's comes late.
        called = [f"{name[0]}{number:02}{rules:d}" for number in range(len(wanted))]
        numbered = [[*to, word.ljust(len(text))] for word, (*to, text) in zip(called, wanted, strict=True)]
        others = [everyone[other] for other in everyone.keys() - {name}]  # whoever calls all hears himself
        heard: set[str] = set()
        until = time.monotonic() + (0 if rules else PATIENCE)
        # What waits for the address of a neighbour that does not answer in time is lost, and sent again.
        while True:
            everyone[name]("send", numbered)
            for other in others:
                heard |= {one.split()[1] for one in other("heard", 1, 0.1)} & set(called)
            if len(heard) == len(wanted) or time.monotonic() >= until:
                break
        assert sorted(heard) == ([] if rules else called)


def forged() -> dict[str, list[tuple[str, str]]]:
    """Packets with sources that are not theirs, and in pieces."""
    whole, words = (
        udp(4059, call("forged")),
        ("198.51.100.2", "203.0.113.2", "198.51.100.1", "127.0.0.1", "192.0.2.200"),
    )
    first, rest = whole[:16], whole[16:]
    pieces = [
        (WAN[0], ipv4("192.0.2.66", WAN[0], first, fragment=0x2000)),
        (WAN[0], ipv4("192.0.2.66", WAN[0], rest, fragment=2)),
    ]
    six = udp6("2001:db8::66", WAN[1], call("pieces"))
    parts = [
        struct.pack("!BBHI", 17, 0, offset | more, 9) + six[offset : offset + size]
        for offset, size, more in ((0, 16, 1), (16, 200, 0))
    ]
    return {
        "sources": [(WAN[0], ipv4(word, WAN[0], whole)) for word in words]
        + [(WAN[1], ipv6(word, WAN[1], udp6(word, WAN[1], call("forged")))) for word in ("fd00:a::2", "fd00:b::2")],
        "pieces": pieces,
        "pieces of IPv6": [(WAN[1], ipv6("2001:db8::66", WAN[1], part, following=44)) for part in parts],
    }


def udp6(source: str, target: str, text: str) -> bytes:
    """A datagram with the checksum that IPv6 demands; ``text`` has an odd number of octets."""
    plain = udp(4059, text)
    pseudo = ip_address(source).packed + ip_address(target).packed + struct.pack("!II", len(plain), 17)
    return plain[:6] + struct.pack("!H", checksum(pseudo + plain + b"\0" * (len(plain) % 2))) + plain[8:]


@pytest.mark.parametrize("kind", ["sources", "pieces", "pieces of IPv6"])
def test_forged_sources_and_fragments_are_not_heard(world: Networks, kind: str) -> None:
    """FDP_IFF.1/FW: who lives elsewhere does not speak through the WAN, and nothing comes in pieces."""
    packets = forged()[kind]
    world.open()
    world.forget()
    until = time.monotonic() + PATIENCE
    while True:  # what waits for the address of a neighbour that does not answer in time is lost
        world.wan("raw", packets)
        if world.gateway("heard", 1, 1.0):
            break
        assert time.monotonic() < until
    world.apply()
    world.forget()
    world.wan("raw", packets)
    assert world.gateway("heard") == []


def test_nothing_answers_an_echo_request(world: Networks) -> None:
    targets = [*WAN, *HAN, *LMN]
    world.open()
    for outside in (world.wan, world.han, world.lmn):
        assert outside("ping", targets, PATIENCE) == sorted(targets)
    world.apply()
    for outside in (world.wan, world.han, world.lmn):
        assert outside("ping", [*targets, "192.0.2.255"]) == []


def test_the_lmn_learns_no_address(walled: Networks) -> None:
    """O.SeparateIF: neither ARP nor IPv6 neighbours; the WAN and the HAN are told what they need."""
    for outside in (walled.wan, walled.han, walled.lmn):
        outside.machine.run("ip", "neighbour", "flush", "all")
    for name, addresses in (("wan", WAN), ("han", HAN), ("lmn", LMN)):
        outside = getattr(walled, name)
        outside("connect", each(addresses, 443))
        known = outside.machine.run("ip", "neighbour", "show", "dev", name)
        assert [f"{address} lladdr" in known for address in addresses] == [name != "lmn"] * 2, known


def test_a_narrow_link_is_learned_of_a_connection_of_ours_only(walled: Networks) -> None:
    """Too big for a link on the way: believed where it quotes what the gateway sent, and not where it does not."""

    def route() -> str:
        return walled.gateway.machine.run("ip", "route", "get", "192.0.2.1")

    def too_big(quoted: bytes) -> None:
        message = struct.pack("!BBHHH", 3, 4, 0, 0, 1000) + quoted
        message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
        walled.wan("raw", [(WAN[0], ipv4("192.0.2.254", WAN[0], message, protocol=1))])

    assert walled.gateway("hold", "narrow", "192.0.2.1", 4060) == "x"
    sent: list[str] = []
    until = time.monotonic() + PATIENCE
    # Only what is not acknowledged yet is believed: the last packet, which may come a little later than the others.
    while "mtu 1000" not in route():
        assert time.monotonic() < until, sent
        sent += [one for one in walled.wan("frames") if one[24:28] == "0800" and one[46:48] == "06"]
        if sent:
            packet = bytes.fromhex(sent[-1])[14:]
            too_big(packet[:20] + struct.pack("!HH", 1, 4060) + packet[24:28])
            assert "mtu 1000" not in route()
            too_big(packet[:28])


@pytest.mark.parametrize(
    ("name", "target", "options", "opened"),
    [
        ("wan", WAN[0], "-sS -sU -pT:1-1024,4000-4500,8080,U:1-100,123,4059-4061", []),
        ("wan", WAN[1], "-6 -sS -sU -pT:1-1024,4000-4500,8080,U:1-100,123,4059-4061", []),
        ("wan", WAN[0], "-sA -p1-1024,4000-4500", []),
        ("wan", WAN[0], "-sX -p443,4060,4433", []),
        ("wan", WAN[0], "-sS -f -p443,4060,4433", []),
        ("wan", WAN[0], "-sS -g 4060 -p443,4060,4433", []),
        ("han", HAN[0], "-sS -sU -pT:1-1024,4000-4500,8080,U:1-100,123,4059-4061", ["443/tcp", "4433/tcp"]),
        ("han", HAN[1], "-6 -sS -pT:1-1024,4000-4500,8080", ["443/tcp", "4433/tcp"]),
        ("han", HAN[0], "-sA -p1-1024,4000-4500", []),
        ("lmn", LMN[0], "-sS -p1-1024,4000-4500,8080", None),
    ],
)
def test_a_scan_finds_what_is_served_and_nothing_else(
    walled: Networks, name: str, target: str, options: str, opened: list[str] | None
) -> None:
    """FDP_IFF.1/FW: no port is even closed: all that is not open is silent."""
    if shutil.which("nmap") is None:
        pytest.skip("nmap is not installed (apt install nmap)")
    outside: Inhabited = getattr(walled, name)
    # Whoever shall find something asks twice, on a machine that is busy with other tests.
    pace = [f"--max-retries={1 if opened else 0}", "--min-rate=4000"]
    told = outside.machine.run("nmap", "-n", "-Pn", "-vv", "--reason", *pace, *options.split(), target)
    states = re.findall(r"^(\d+/\w+)\s+(\S+)", told, re.MULTILINE)
    if opened is None:
        assert "host down" in told or states == [], told  # no ARP, no host
    else:
        assert {port for port, state in states if state == "open"} == set(opened), told
        assert "closed" not in told.replace("closed ports", ""), told
        assert {state for _, state in states} <= {"open", "open|filtered", "filtered"}, told
