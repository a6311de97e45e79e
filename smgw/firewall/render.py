"""The rule set as nftables reads it: a pure function of the interfaces, the wake-up port and what the profiles open.

Decides every way that a packet has (FDP_IFC.2/FW covers all of them; FDP_IFF.1/FW: whatever is not named is dropped):

1. Nothing is forwarded between any two interfaces (O.SeparateIF, T.Infrastructure), also not by a bridge that somebody
   made of them, whose frames the chains for IP and ARP never see.
2. Into the WAN the gateway's own user may open TCP to the destinations of the profiles, and nobody anything else.
3. Out of the WAN come replies to that, too-big messages about it, and wake-up datagrams of the right length, so many a
   second. A wake-up is data and no connection: nothing can go back for it.
4. Out of the HAN come connections to the ports that the configuration names, so many a second from one address: who
   opens and asks for nothing holds few, and others find room. Into the HAN go replies. Where the configuration names
   an mDNS name, questions and answers about names pass too, to the group and to a neighbour.
5. The LMN's interface, the loopback and interfaces that nobody named carry nothing, ARP included.
6. Whatever is dropped is dropped in silence: no reset, no ICMP error leaves the gateway.

Fragments, sources that do not live behind the interface they come by, and destinations that are not an address of that
very interface are dropped before anything is accepted. IPv6 neighbours are found only where something may be reached.
All of it is one transaction: the kernel has the former rule set or this one, never none and never half of one.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from smgw.config import FirewallConfiguration, WakeUpConfiguration
from smgw.firewall.openings import Address, Openings
from wire.wakeup import SIZE

TABLE: Final = "smgw"
"""Our tables, in the families inet, arp and bridge; no other table is ever touched."""
FAMILIES: Final = ("inet", "arp", "bridge")
ADMINISTRATOR_PER_SECOND: Final = 1000
"""Wake-ups from the administrator's address that reach the socket; he calls once a second. Not fewer, because whoever
forges this address crowds his lane, and the socket's own filter tells more of them apart (ADR 0012)."""
OTHERS_PER_SECOND: Final = 5000
"""Wake-ups from all other addresses together: bounds what a flood costs, and is far above what is ever looked at."""
MDNS_PORT: Final = 5353
NAMES_PER_SECOND: Final = 50
"""Questions about names that are heard: a home has some a minute."""
CALLS_PER_SECOND: Final = 10
"""Connections that one address in the HAN may open, in the long run; a page takes a handful and keeps them."""
CALLS_AT_ONCE: Final = 50
"""Before that counts. Who sends half a request is heard for ten seconds: of the page's 512 connections one address then
holds fewer than a third."""
_CALLERS: Final = 1024
"""Addresses that are told apart; where there are more, they are not slowed down."""
_MDNS_GROUPS: Final = ("ip daddr 224.0.0.251", "ip6 daddr ff02::fb")
_UDP_HEADER: Final = 8
_FIRST: Final = "tcp flags & (fin | syn | rst | ack) == syn"
_OPENING: Final = f"ct state new {_FIRST}"
_NEIGHBOURS: Final = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }"


def render(
    settings: FirewallConfiguration, wake_up: WakeUpConfiguration, openings: Openings, *, user: int
) -> str:  # fmt: skip
    """The rule set for ``nft -f``; ``user`` is the number of the user as whom the gateway runs."""
    addresses = sorted({one.address for one in openings.destinations}, key=_order)
    families = _wake_up_families(wake_up.host)
    neighbours = 6 in families or any(address.version == 6 for address in addresses)
    ports = sorted(port for port in (settings.https_port, settings.cls_port) if port is not None)
    lines = [
        *(line for family in FAMILIES for line in (f"table {family} {TABLE}", f"delete table {family} {TABLE}")),
        f"table inet {TABLE} {{",
        *_sets(openings),
        *(_callers() if ports and settings.han is not None else ()),
        *_chain("arriving", _arriving(settings, wake_up), "prerouting priority -450; policy accept"),
        *_chain("leaving", _leaving(settings), "output priority raw; policy accept"),
        *_chain("input", _jumps("iifname", "from", settings), "input priority filter; policy drop"),
        *_chain("output", _jumps("oifname", "to", settings), "output priority filter; policy drop"),
        *_chain("forward", [], "forward priority filter; policy drop"),
        *_chain("from_wan", _from_wan(wake_up, families, neighbours=neighbours)),
        *_chain("to_wan", _to_wan(user, neighbours=neighbours)),
        *_chain("from_han", _from_han(ports, mdns=settings.mdns)),
        *_chain("to_han", _to_han(ports, user if settings.mdns else None)),
        "}",
        f"table arp {TABLE} {{",
        *_chain("input", _arp("iifname", settings, ports), "input priority filter; policy drop"),
        *_chain("output", _arp("oifname", settings, ports), "output priority filter; policy drop"),
        "}",
        f"table bridge {TABLE} {{",
        *_chain("forward", [], "forward priority filter; policy drop"),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _sets(openings: Openings) -> Iterator[str]:
    for version, kind in ((4, IPv4Address), (6, IPv6Address)):
        reached = sorted(one for one in openings.destinations if isinstance(one.address, kind))
        yield from _set(
            f"destinations_{version}",
            f"ipv{version}_addr . inet_service",
            (f"{one.address} . {one.port}" for one in reached),
        )
        callers = sorted((one for one in openings.administrators if isinstance(one, kind)), key=_order)
        yield from _set(f"administrators_{version}", f"ipv{version}_addr", map(str, callers))


def _set(name: str, kind: str, elements: Iterable[str]) -> Iterator[str]:
    listed = ", ".join(elements)
    yield f"\tset {name} {{"
    yield f"\t\ttype {kind}"
    if listed:
        yield f"\t\telements = {{ {listed} }}"
    yield "\t}"


def _callers() -> Iterator[str]:
    """Who opened connections in the last minute; the kernel fills them."""
    for version in (4, 6):
        yield f"\tset callers_{version} {{"
        yield f"\t\ttype ipv{version}_addr"
        yield f"\t\tsize {_CALLERS}"
        yield "\t\tflags dynamic,timeout"
        yield "\t\ttimeout 1m"
        yield "\t}"


def _chain(name: str, rules: Iterable[str], hook: str = "") -> Iterator[str]:
    yield f"\tchain {name} {{"
    if hook:
        yield f"\t\ttype filter hook {hook};"
    yield from (f"\t\t{rule}" for rule in rules)
    yield "\t}"


def _jumps(interface: str, way: str, settings: FirewallConfiguration) -> Iterator[str]:
    """The LMN, the loopback and unknown interfaces stand nowhere: the policy drops them."""
    yield f'{interface} "{settings.wan}" jump {way}_wan'
    if settings.han is not None:
        yield f'{interface} "{settings.han}" jump {way}_han'


def _arriving(settings: FirewallConfiguration, wake_up: WakeUpConfiguration) -> list[str]:
    """Before the kernel puts fragments together (-400) and remembers connections (-200)."""
    return [
        "ip frag-off & 0x3fff != 0 drop",
        "exthdr frag exists drop",
        # Nobody outside takes a place in the memory of connections, which our own tunnels need: neither by a forged
        # datagram, nor by handshakes, each of which would stay there for five days.
        f'iifname "{settings.wan}" udp dport {wake_up.port} notrack',
        *([] if settings.han is None else [f'iifname "{settings.han}" notrack']),
    ]


def _leaving(settings: FirewallConfiguration) -> list[str]:
    return [] if settings.han is None else [f'oifname "{settings.han}" notrack']


def _from_wan(wake_up: WakeUpConfiguration, families: frozenset[int], *, neighbours: bool) -> Iterator[str]:
    if neighbours:
        yield f"{_NEIGHBOURS} ip6 hoplimit 255 accept"
    yield from _SOUND
    replied = "ct state established ct direction reply"
    yield f"{replied} ip saddr . tcp sport @destinations_4 accept"
    yield f"{replied} ip6 saddr . tcp sport @destinations_6 accept"
    # Without these a tunnel through a narrow link hangs for good; they must quote a connection of ours.
    yield "ct state related icmp type destination-unreachable icmp code frag-needed accept"
    yield "ct state related icmpv6 type packet-too-big accept"
    called = f"udp dport {wake_up.port} udp length {SIZE + _UDP_HEADER}"
    for version, source in ((4, "ip saddr"), (6, "ip6 saddr")):
        if version in families:
            reserved = f"{source} @administrators_{version} {called}"
            yield f"{reserved} {_at_most(ADMINISTRATOR_PER_SECOND)} accept"
            yield f"{reserved} drop"  # his forged calls take no place from the others
    for version, protocol in ((4, "ipv4"), (6, "ipv6")):
        if version in families:
            yield f"meta nfproto {protocol} {called} {_at_most(OTHERS_PER_SECOND)} accept"


def _to_wan(user: int, *, neighbours: bool) -> Iterator[str]:
    if neighbours:
        yield f"{_NEIGHBOURS} ip6 hoplimit 255 accept"
    for version, target in ((4, "ip daddr"), (6, "ip6 daddr")):
        destination = f"{target} . tcp dport @destinations_{version}"
        # The last packets of a connection have no user any more; only its first one shows whose it is.
        yield f"{_OPENING} {destination} meta skuid {user} accept"
        # The destination is asked for again: a profile that was withdrawn ends its connections at once.
        yield f"ct state established ct direction original {destination} accept"


def _from_han(ports: list[int], *, mdns: bool) -> Iterator[str]:
    if ports:
        yield f"{_NEIGHBOURS} ip6 hoplimit 255 accept"
        if mdns:
            # Before what is not for an address of ours is dropped: a group is nobody's own address.
            yield from (f"{group} udp dport {MDNS_PORT} {_at_most(NAMES_PER_SECOND)} accept" for group in _MDNS_GROUPS)
        yield from _SOUND
        calls = f"tcp dport {_either(ports)} {_FIRST}"
        beyond = f"limit rate over {CALLS_PER_SECOND}/second burst {CALLS_AT_ONCE} packets"
        yield f"{calls} update @callers_4 {{ ip saddr {beyond} }} drop"
        yield f"{calls} update @callers_6 {{ ip6 saddr {beyond} }} drop"
        yield f"tcp dport {_either(ports)} accept"


def _to_han(ports: list[int], mdns_user: int | None) -> Iterator[str]:
    if ports:
        if mdns_user is not None:
            yield from (f"{group} udp sport {MDNS_PORT} meta skuid {mdns_user} accept" for group in _MDNS_GROUPS)
            # Whoever asks from a port of his own is answered there (RFC 6762 6.7); and switches that pass on only what
            # somebody joined must hear that we did.
            yield f"udp sport {MDNS_PORT} meta skuid {mdns_user} accept"
            yield "ip daddr 224.0.0.22 meta l4proto igmp accept"
            yield "ip6 daddr ff02::16 icmpv6 type mld2-listener-report accept"
        yield f"{_NEIGHBOURS} ip6 hoplimit 255 accept"
        # Without a memory of connections: whatever answers acknowledges. That lets neither a first packet out nor the
        # reset by which the kernel answers a scan.
        yield f"tcp sport {_either(ports)} tcp flags & ack == ack accept"


def _arp(interface: str, settings: FirewallConfiguration, ports: list[int]) -> Iterator[str]:
    yield f'{interface} "{settings.wan}" accept'
    if settings.han is not None and ports:
        yield f'{interface} "{settings.han}" accept'


_SOUND: Final = ("fib saddr . iif oif missing drop", "fib daddr . iif type != local drop")
"""Who is not reached by this interface does not speak through it, and only this interface's own addresses are heard."""


def _at_most(per_second: int) -> str:
    return f"limit rate {per_second}/second burst {per_second} packets"


def _either(ports: list[int]) -> str:
    return f"{{ {', '.join(map(str, ports))} }}"


def _order(address: Address) -> tuple[int, bytes]:
    return address.version, address.packed


def _wake_up_families(host: str) -> frozenset[int]:
    """IP versions by which a wake-up can come: one for an IPv4 address, both for ``::`` and for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return frozenset({4, 6})
    if isinstance(address, IPv6Address) and not address.is_unspecified:
        return frozenset({6})
    return frozenset({4}) if isinstance(address, IPv4Address) else frozenset({4, 6})
