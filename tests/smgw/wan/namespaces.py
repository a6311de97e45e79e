"""Two machines on one cable, without a machine: network namespaces of Linux, joined by a pair of virtual interfaces.

Needs no rights where unprivileged user namespaces are allowed, and skips with the reason where they are not.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

GATEWAY_SIDE, OUTSIDE = "10.111.0.1", "10.111.0.2"
_PROGRAMS = ("ip", "unshare", "nsenter")


@dataclass(frozen=True)
class Machine:
    """One end of the cable; ``address`` is its only one apart from the loopback."""

    process: int
    address: str

    def command(self, *words: str | Path) -> list[str]:
        """``words`` as a command that runs on this machine."""
        inside = ["nsenter", f"--target={self.process}", "--user", "--net", "--preserve-credentials", "--"]
        return [*inside, *(str(word) for word in words)]

    def run(self, *words: str | Path, timeout: float = 120) -> str:
        """Run to the end; returns what it wrote."""
        return subprocess.run(
            self.command(*words), check=True, capture_output=True, text=True, timeout=timeout
        ).stdout  # fmt: skip


@contextmanager
def cable() -> Iterator[tuple[Machine, Machine]]:
    """The gateway's machine and one outside."""
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with _holding(["unshare", "--user", "--map-root-user", "--net"]) as first:
        gateway = Machine(first, GATEWAY_SIDE)
        with _holding(gateway.command("unshare", "--net")) as second:
            outside = Machine(second, OUTSIDE)
            gateway.run("ip", "link", "add", "wan", "type", "veth", "peer", "name", "wan", "netns", str(second))
            for machine in (gateway, outside):
                machine.run("ip", "address", "add", f"{machine.address}/24", "dev", "wan")
                for interface in ("lo", "wan"):
                    machine.run("ip", "link", "set", interface, "up")
            yield gateway, outside


@contextmanager
def star(*names: str) -> Iterator[dict[str, Machine]]:
    """A machine in the middle, called by the empty name, with a cable to each of ``names``; nothing has an address.

    Both ends of a cable are called as the machine outside is.
    """
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with ExitStack() as held:
        middle = Machine(held.enter_context(_holding(["unshare", "--user", "--map-root-user", "--net"])), "")
        machines = {"": middle}
        for name in names:
            process = held.enter_context(_holding(middle.command("unshare", "--net")))
            machines[name] = outside = Machine(process, "")
            middle.run("ip", "link", "add", name, "type", "veth", "peer", "name", name, "netns", str(process))
            for machine in (middle, outside):
                machine.run("ip", "link", "set", name, "up")
        yield machines


@contextmanager
def _holding(command: list[str]) -> Iterator[int]:
    """A process that keeps a new namespace alive, and says when it is in it."""
    held = [*command, "sh", "-c", "echo in && exec cat"]
    with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        if process.stdout.readline() != b"in\n":
            assert process.stderr is not None
            reason = process.stderr.read().decode(errors="replace").strip()
            pytest.skip(f"network namespaces are not permitted here: {reason}")
        try:
            yield process.pid
        finally:
            process.kill()
