"""A WAN, a HAN and an LMN around a gateway, each a machine of its own: they know routes through it and try them."""

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from smgw.config import FirewallConfiguration, WakeUpConfiguration
from smgw.firewall.apply import PROGRAM
from smgw.firewall.openings import Destination, Openings
from smgw.firewall.render import render
from tests.smgw.wan.namespaces import Machine, star

AGENT: Final = Path(__file__).with_name("agent.py")
ADDRESSES: Final = {
    "wan": ("192.0.2.200/24", "2001:db8::200/64"),
    "han": ("198.51.100.1/24", "fd00:a::1/64"),
    "lmn": ("203.0.113.1/24", "fd00:b::1/64"),
}
"""The gateway's own, by interface."""
OUTSIDE: Final = {
    # The administrator, a stranger and the router of the provider; the party and a stranger.
    "wan": ("192.0.2.1/24", "192.0.2.66/24", "192.0.2.254/24", "2001:db8::7/64", "2001:db8::66/64"),
    "han": ("198.51.100.2/24", "fd00:a::2/64"),
    "lmn": ("203.0.113.2/24", "fd00:b::2/64"),
}
PORTS: Final = (22, 443, 4059, 4060, 4061, 4433, 8080)
"""Where every machine listens, by TCP and UDP: nothing is closed but by the rules."""
SETTINGS: Final = FirewallConfiguration("wan", "han", "lmn", https_port=443, cls_port=4433)
WAKE_UP: Final = WakeUpConfiguration("::", 4059)
ADMINISTRATOR, PARTY = ip_address("192.0.2.1"), ip_address("2001:db8::7")
OPENINGS: Final = Openings(
    frozenset({Destination(ADMINISTRATOR, 4060), Destination(ADMINISTRATOR, 4061), Destination(PARTY, 443)}),
    frozenset({ADMINISTRATOR}),
)


@dataclass(frozen=True)
class Inhabited:
    """A machine on which an agent runs."""

    machine: Machine
    process: "subprocess.Popen[str]"

    def __call__(self, *words: object) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@dataclass(frozen=True)
class Networks:
    gateway: Inhabited
    wan: Inhabited
    han: Inhabited
    lmn: Inhabited

    def apply(self, openings: Openings = OPENINGS, *, user: int = 0) -> None:
        text = render(SETTINGS, WAKE_UP, openings, user=user)
        subprocess.run(self.gateway.machine.command(PROGRAM, "-f", "-"), input=text, text=True, check=True)

    def open(self) -> None:
        """As if there were no firewall."""
        self.gateway.machine.run(PROGRAM, "flush", "ruleset")

    def forget(self) -> None:
        """What was heard and seen up to now."""
        for one in (self.gateway, self.wan, self.han, self.lmn):
            one("forget")


@contextmanager
def networks() -> Iterator[Networks]:
    with star(*ADDRESSES) as machines, ExitStack() as running:
        gateway = machines.pop("")
        lines = [f"ip address add {address} dev {name}" for name, own in ADDRESSES.items() for address in own]
        lines += [
            "ip link set lo up",
            "ip route add default via 192.0.2.254",
            "ip -6 route add default via 2001:db8::66",
            # What the rules forbid, the kernel would do: it is a router.
            "echo 1 > /proc/sys/net/ipv4/ip_forward",
            "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
            "echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts",
            *(f"echo 0 > /proc/sys/net/ipv4/conf/{name}/rp_filter" for name in ("all", *ADDRESSES)),
        ]
        settle(gateway, lines)
        for name, machine in machines.items():
            own, own6 = (address.partition("/")[0] for address in ADDRESSES[name])
            lines = [f"ip address add {address} dev {name}" for address in OUTSIDE[name]]
            routes = [f"ip route add default via {own}", f"ip -6 route add default via {own6}"]
            settle(machine, [*lines, "ip link set lo up", *routes])
        agents = {
            name: running.enter_context(inhabited(machine)) for name, machine in [("", gateway), *machines.items()]
        }
        yield Networks(agents[""], agents["wan"], agents["han"], agents["lmn"])


def settle(machine: Machine, lines: list[str]) -> None:
    """Addresses of IPv6 are there at once: nobody else could have them."""
    first = ["for each in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $each; done"]
    machine.run("sh", "-e", "-c", "\n".join([*first, *lines]))


@contextmanager
def inhabited(machine: Machine) -> Iterator[Inhabited]:
    command = machine.command(sys.executable, "-I", AGENT, *map(str, PORTS))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Inhabited(machine, process)
        finally:
            process.kill()


def ipv4(source: str, target: str, payload: bytes, *, protocol: int = 17, number: int = 7, fragment: int = 0) -> str:
    """A packet whose checksum the kernel adds; ``fragment`` as in the header: flags and offset."""
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), number, fragment, 64, protocol, 0,
        ip_address(source).packed, ip_address(target).packed,
    )  # fmt: skip
    return (header + payload).hex()


def ipv6(source: str, target: str, payload: bytes, *, following: int = 17) -> str:
    header = struct.pack("!IHBB", 6 << 28, len(payload), following, 64)
    return (header + ip_address(source).packed + ip_address(target).packed + payload).hex()


def udp(port: int, text: str) -> bytes:
    """A datagram without a checksum, as IPv4 allows."""
    return struct.pack("!HHHH", 4000, port, 8 + len(text), 0) + text.encode()


def checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def of_this_test(frames: list[str]) -> list[str]:
    """Without what machines ask their neighbours, and without what ends connections that a test before this one had."""
    return [frame for frame in frames if not is_neighbours(frame) and (not is_tcp(frame) or begins(frame))]


def begins(frame: str) -> bool:
    """Whether a segment of TCP begins a connection: every other one belongs to one that was let through before."""
    flags = frame[94:96] if frame[24:28] == "0800" else frame[134:136]
    return bool(int(flags, 16) & 0x02)


def is_neighbours(frame: str) -> bool:
    """ARP, or an IPv6 neighbour asking for or telling an address of the hardware."""
    return frame[24:28] == "0806" or (
        frame[24:28] == "86dd" and frame[40:42] == "3a" and frame[108:110] in ("87", "88")
    )


def is_tcp(frame: str) -> bool:
    return (frame[24:28] == "0800" and frame[46:48] == "06") or (frame[24:28] == "86dd" and frame[40:42] == "06")
